#pragma once
// What a copy would do and need, added up object by object from what the listings say. Memory doesn't grow with the
// bucket.
//
// Some things a listing doesn't say, so they are taken for granted: that a plain ETag is an MD5 (not with KMS), that
// there are no tags (one request each) and no stored checksum of an object uploaded in parts (which would save one).

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "domain/job.hpp"
#include "plan/decide.hpp"
#include "plan/integrity.hpp"
#include "plan/metadata_map.hpp"

namespace ferry {

struct Amount {
  std::uint64_t objects = 0, bytes = 0;
  void add(std::uint64_t size) {
    ++objects;
    bytes += size;
  }
};

enum class Action {
  kNew,        ///< "new": the target has nothing under its name
  kChanged,    ///< "changed": what the target has is replaced
  kUnchanged,  ///< "unchanged": we copied this version
  kThere,      ///< "already_there": somebody else did
  kExamined,   ///< "examined": perhaps somebody else did; a copy looks closer
  kBlocked,    ///< "blocked": can't be copied
  kSkipped,    ///< "skipped": has no name at the target, and the job leaves such objects out
};
inline constexpr int kActions = 7;
[[nodiscard]] std::string_view to_string(Action action);

/// Upper limits of the size histogram, 0 first; what is above the last can't be copied.
inline constexpr std::array<std::uint64_t, 12> kSizeSteps{0,          1ULL << 10,  16ULL << 10,  256ULL << 10,
                                                          1ULL << 20, 16ULL << 20, 64ULL << 20,  512ULL << 20,
                                                          5ULL << 30, 50ULL << 30, 500ULL << 30, kTargetBytesMax};
using SizeHistogram = std::array<Amount, kSizeSteps.size() + 1>;

/// How the target takes uploads: so many bytes at most in one request; the same if their hash is known; else in chunks.
struct UploadShape {
  std::uint64_t whole_bytes_max = 256 << 10;
  std::uint64_t single_bytes_max = 16 << 20;
  std::uint64_t chunk_bytes = 16 << 20;
};

/// Of one storage class of the source.
struct ClassUse {
  Amount all, to_copy;
  std::uint64_t gets = 0, heads = 0, read_bytes = 0;
};

struct Blocked {
  struct Example {
    ObjectKey key;
    std::string what;
  };
  Amount amount;
  std::vector<Example> examples;  ///< the first few
};

struct TargetUse {
  std::uint64_t uploads = 0;  ///< objects written
  std::uint64_t single = 0, sessions = 0,
                chunks = 0;  ///< requests: whole uploads, begun sessions, pieces sent into them
};

class Estimate {
 public:
  static constexpr std::size_t kExamplesMax = 3;
  static constexpr std::size_t kClassesMax = 40;  ///< others are "OTHER": names come from outside

  Estimate(const Job& job, Integrity integrity, const MetadataChoices& metadata, UploadShape shape);

  /// `there`: what the target holds under the object's name, or null. `decision`: what a scan makes of it.
  void add(const SourceEntry& entry, const TargetObject* there, const Decision& decision);

  [[nodiscard]] const Amount& of(Action action) const { return actions_[static_cast<std::size_t>(action)]; }
  [[nodiscard]] Amount listed() const;
  [[nodiscard]] Amount to_copy() const;
  [[nodiscard]] const SizeHistogram& sizes() const { return sizes_; }
  [[nodiscard]] const std::map<std::string, ClassUse, std::less<>>& classes() const { return classes_; }
  [[nodiscard]] const std::map<FailureReason, Blocked>& blocked() const { return blocked_; }
  /// By the target's storage class; empty text: the target bucket's own.
  [[nodiscard]] const std::map<std::string, TargetUse>& target() const { return target_; }
  /// Requests beside listings.
  [[nodiscard]] std::uint64_t gets() const;
  [[nodiscard]] std::uint64_t heads() const;
  [[nodiscard]] std::uint64_t read_bytes() const;
  [[nodiscard]] TargetUse uploads() const;

 private:
  Action action_of(const SourceEntry& entry, const TargetObject* there, const Decision& decision, ClassUse* use);
  void block(const SourceEntry& entry, FailureReason reason, const std::string& what);
  void plan_copy(const SourceEntry& entry, ClassUse* use);
  ClassUse& class_use(const std::string& name);

  Job job_;
  Integrity integrity_;
  MetadataChoices metadata_;
  UploadShape shape_;
  std::array<Amount, kActions> actions_{};
  SizeHistogram sizes_{};
  std::map<std::string, ClassUse, std::less<>> classes_;
  std::map<FailureReason, Blocked> blocked_;
  std::map<std::string, TargetUse> target_;
};

/// How long it takes at a stated speed, and what limits it.
struct TimeNeeded {
  double seconds = 0;
  bool limited_by_objects = false;
};
[[nodiscard]] TimeNeeded time_for(const Amount& work, std::uint64_t bytes_per_second, std::uint64_t objects_per_second);

}  // namespace ferry
