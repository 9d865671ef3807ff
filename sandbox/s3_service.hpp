#pragma once
// The S3 server. One object for all threads; state is in the stores.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kit/async/clock.hpp"
#include "sandbox/aws_body.hpp"
#include "sandbox/event_log.hpp"
#include "sandbox/identity.hpp"
#include "sandbox/s3_store.hpp"
#include "sandbox/service.hpp"

namespace ferry::sandbox {

struct S3Settings {
  S3Keys keys;
  std::string region = "us-east-1";
  bool add_crc64nvme = true;  ///< as S3 does for uploads without a checksum
  bool log_sha256 = true;     ///< of every commit
  std::uint64_t part_bytes_min = 5 << 20;
  std::chrono::seconds restore_time{0};  ///< from RestoreObject until the object can be read
};

class S3Service final : public Service {
 public:
  S3Service(S3Settings settings, S3Store* store, ByteStore* bytes, const KeyBook* keys, EventLog* log, Clock* clock,
            Rng* rng)
      : settings_(std::move(settings)),
        store_(store),
        bytes_(bytes),
        keys_(keys),
        log_(log),
        clock_(clock),
        rng_(rng) {}

  std::string_view name() const override { return "s3"; }
  Route route(const net::ServerRequest& request) const override;
  Task<> serve(Call* call) override;
  void mutate(const std::string& bucket, const std::string& key,
              const std::optional<std::string>& replacement) override;

 private:
  using Failure = std::optional<S3Error>;  ///< of an operation: nothing = answered
  struct Context;                          ///< a call that was let in
  struct Received;                         ///< bytes of an upload, checked
  using Operation = Task<Failure> (S3Service::*)(Context*);
  [[nodiscard]] static Operation operation(std::string_view name);
  [[nodiscard]] S3Result<std::optional<Signature>> let_in(const Call& call,
                                                          const std::optional<S3BucketInfo>& bucket) const;
  Task<Failure> run(Call* call);
  Task<> refuse(Call* call, S3Error error);
  [[nodiscard]] net::Headers base_headers();
  Task<Failure> reply(Context* context, int status, net::Headers headers, std::string body);

  Task<Failure> list_buckets(Context* context);
  Task<Failure> create_bucket(Context* context);
  Task<Failure> delete_bucket(Context* context);
  Task<Failure> head_bucket(Context* context);
  Task<Failure> get_bucket_location(Context* context);
  Task<Failure> get_bucket_versioning(Context* context);
  Task<Failure> put_bucket_versioning(Context* context);

  Task<Failure> list_objects(Context* context);
  Task<Failure> list_object_versions(Context* context);

  Task<Failure> get_object(Context* context);
  Task<Failure> get_object_attributes(Context* context);
  Task<Failure> delete_object(Context* context);
  Task<Failure> delete_objects(Context* context);
  Task<Failure> restore_object(Context* context);
  Task<Failure> get_tagging(Context* context);
  Task<Failure> put_tagging(Context* context);
  [[nodiscard]] S3Result<S3ObjectPtr> existing(const Context& context) const;
  [[nodiscard]] net::Headers object_headers(const S3Object& object);
  Task<Failure> send_content(Context* context, S3ObjectPtr object, int status, net::Headers headers,
                             std::uint64_t first, std::uint64_t size);

  Task<Failure> put_object(Context* context);
  Task<Failure> copy_object(Context* context);
  Task<S3Result<Received>> receive(Context* context, std::optional<HashKind> also);
  Task<S3Result<std::string>> read_body(Context* context);  ///< of a request that is not about an object's bytes
  Task<S3Result<S3ObjectPtr>> commit(Context* context, S3Object object, S3Conditions conditions,
                                     std::optional<std::string> sha256);
  /// MD5 and what the event log wants, of bytes that are stored already; gives way to others. Nothing: can't be read.
  Task<std::optional<Digests>> digest(Content content);
  [[nodiscard]] S3Result<S3Object> draft(const Call& call) const;
  [[nodiscard]] std::string opaque_etag();
  [[nodiscard]] S3Result<S3ObjectPtr> copy_source(const Call& call) const;

  Task<Failure> create_upload(Context* context);
  Task<Failure> upload_part(Context* context);
  Task<Failure> upload_part_copy(Context* context);
  Task<Failure> complete_upload(Context* context);
  Task<Failure> abort_upload(Context* context);
  Task<Failure> list_parts(Context* context);
  Task<Failure> list_uploads(Context* context);

  const S3Settings settings_;
  S3Store* const store_;
  ByteStore* const bytes_;
  const KeyBook* const keys_;  ///< temporary ones, besides those of the settings
  EventLog* const log_;
  Clock* const clock_;
  Rng* const rng_;
  std::atomic<std::uint64_t> requests_ = 0;
};

}  // namespace ferry::sandbox
