#pragma once
// Lists the first page with little patience and everything after it with much: a wrong endpoint, credential or bucket
// name shows within seconds, a bad minute on page 40,000 doesn't end the scan.

#include <memory>

#include "app/clients.hpp"
#include "source/object_source.hpp"
#include "target/object_target.hpp"

namespace ferry::app {

class FirstPageSource final : public ObjectSource {
 public:
  /// Both outlive it and belong to the same thread.
  FirstPageSource(ObjectSource* impatient, ObjectSource* patient) : impatient_(impatient), patient_(patient) {}
  Task<Result<SourcePage>> list(std::string prefix, std::optional<std::string> token,
                                std::optional<ObjectKey> after) override;
  Task<Result<std::unique_ptr<ObjectReader>>> open(ObjectKey key, std::optional<ETag> expected, std::uint64_t offset,
                                                   std::optional<VersionId> version) override {
    return patient_->open(std::move(key), std::move(expected), offset, std::move(version));
  }
  Task<Result<ObjectMeta>> stat(ObjectKey key, std::optional<VersionId> version) override {
    return patient_->stat(std::move(key), std::move(version));
  }
  Task<Result<std::optional<std::uint64_t>>> part_size(ObjectKey key, ETag expected, std::uint32_t number,
                                                       std::optional<VersionId> version) override {
    return patient_->part_size(std::move(key), std::move(expected), number, std::move(version));
  }
  Task<Result<Tags>> tags(ObjectKey key, std::optional<VersionId> version) override {
    return patient_->tags(std::move(key), std::move(version));
  }
  Task<Result<RestoreAnswer>> restore(ObjectKey key, RestoreWish wish, std::optional<VersionId> version) override {
    return patient_->restore(std::move(key), std::move(wish), std::move(version));
  }
  [[nodiscard]] std::uint64_t requests() const override { return impatient_->requests() + patient_->requests(); }

 private:
  ObjectSource* impatient_;
  ObjectSource* patient_;
  bool reached_ = false;
};

class FirstPageTarget final : public ObjectTarget {
 public:
  /// Both outlive it and belong to the same thread.
  FirstPageTarget(ObjectTarget* impatient, ObjectTarget* patient) : impatient_(impatient), patient_(patient) {}
  Task<Result<TargetPage>> list(std::string prefix, std::optional<std::string> token,
                                Detail detail = Detail::kIdentity) override;
  Task<Result<std::optional<TargetObject>>> stat(ObjectKey key) override { return patient_->stat(std::move(key)); }
  Task<Result<std::unique_ptr<Upload>>> begin(UploadSpec spec) override { return patient_->begin(std::move(spec)); }
  Task<Result<std::unique_ptr<Upload>>> resume(UploadSpec spec, UploadSession session) override {
    return patient_->resume(std::move(spec), std::move(session));
  }
  Task<Status> cancel(UploadSession session) override { return patient_->cancel(std::move(session)); }
  Task<Status> remove(ObjectKey key, Generation generation) override {
    return patient_->remove(std::move(key), generation);
  }
  Task<Status> adopt(ObjectKey key, Generation generation, std::int64_t metageneration,
                     Provenance provenance) override {
    return patient_->adopt(std::move(key), generation, metageneration, std::move(provenance));
  }
  [[nodiscard]] std::uint64_t requests() const override { return impatient_->requests() + patient_->requests(); }

 private:
  ObjectTarget* impatient_;
  ObjectTarget* patient_;
  bool reached_ = false;
};

/// Both, over the clients of one thread.
class FirstPage {
 public:
  /// `patient` outlives it.
  FirstPage(Clients impatient, const Clients& patient)
      : impatient_(std::move(impatient)),
        source_(impatient_.source.get(), patient.source.get()),
        target_(impatient_.target.get(), patient.target.get()) {}

  /// Where there is a source.
  [[nodiscard]] ObjectSource* source() { return &source_; }
  [[nodiscard]] ObjectTarget* target() { return &target_; }

 private:
  Clients impatient_;
  FirstPageSource source_;
  FirstPageTarget target_;
};

/// @error kInvalid: clients can't be made as the settings say
[[nodiscard]] Result<std::unique_ptr<FirstPage>> make_first_page(const MakeClients& make_clients, Executor executor,
                                                                 const Clients& patient);

/// For a run of one thread: `*patient`, and `*first_page` over it, which it must outlive. @error as above
[[nodiscard]] Status make_both_patiences(const MakeClients& make_clients, Executor executor, Clients* patient,
                                         std::unique_ptr<FirstPage>* first_page);

}  // namespace ferry::app
