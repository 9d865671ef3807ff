#pragma once
// What two listing lines prove about one object. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "domain/job.hpp"
#include "domain/object_meta.hpp"
#include "domain/target_object.hpp"

namespace ferry {

enum class Verdict {
  kOk,
  kMissing,     ///< "missing": the target has no such object
  kDifferent,   ///< "different": size or checksum says other bytes
  kStale,       ///< "stale": the target holds another version of it
  kUnverified,  ///< "unverified": nothing proves or refutes it (somebody else wrote it; it can't be read)
  kExtra,       ///< "extra": the source has no such object
  kMetadata,    ///< "metadata": the bytes are the same; content headers or user metadata differ
};
inline constexpr int kVerdicts = 7;
[[nodiscard]] std::string_view to_string(Verdict verdict);

/// What a verdict rests on.
enum class Evidence {
  kNone,
  kProvenance,  ///< "provenance": version and size, as recorded when it was copied with its checks
  kMd5,         ///< "md5": the source's ETag is the MD5 that the target computed
  kBytes,       ///< "bytes": CRC32C of the source's bytes, read just now, against the target's
  kCrc32c,      ///< "crc32c": the CRC32C that the source stored is the one that the target computed
};
inline constexpr int kEvidences = 5;
[[nodiscard]] std::string_view to_string(Evidence evidence);

struct Judgement {
  Verdict verdict = Verdict::kOk;
  Evidence evidence = Evidence::kNone;
  std::string what = {};              ///< one line: what was found, what to do; empty for kOk
  std::optional<Rung> recorded = {};  ///< the check that held when it was copied, as its provenance says
};

/// `there` null: nothing at the target under the name that target_name() gives.
[[nodiscard]] Judgement judge(const Job& job, const SourceEntry& entry, const TargetObject* there);
/// The same, when the source was asked for that object and still has this version: its reply says whether the tag is an
/// MD5, and which CRC32C it stores. `there` is not null.
[[nodiscard]] Judgement judge(const Job& job, const SourceEntry& entry, const ObjectMeta& meta,
                              const TargetObject& there);
/// Somebody else's object that the listings leave open: one request may settle it.
[[nodiscard]] bool is_open_question(const Judgement& judgement);
/// An object that only the target has.
[[nodiscard]] Judgement judge_extra(const Job& job, const TargetObject& there);

}  // namespace ferry
