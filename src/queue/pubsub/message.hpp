#pragma once
// A plan as a Pub/Sub message (docs/protocol.md): data is one JSON object, attributes are schema=1 and job.
//
//   {"key":"…","etag":"\"…\"","size":1,"last_modified":"2026-01-02T03:04:05Z","version_id":"…","storage_class":"…",
//    "target_generation":"0","scan":"…"}
//
// `key` and `etag` are the smallest accepted form. Keys are bytes, JSON is UTF-8; S3 keys are UTF-8, too, and the plan
// refuses others (GCS could not hold them), so a key that isn't UTF-8 can't be published.

#include <optional>
#include <string>
#include <string_view>

#include "domain/transfer_plan.hpp"
#include "kit/base/error.hpp"

namespace ferry::pubsub {

inline constexpr std::string_view kSchemaAttribute = "schema";
inline constexpr std::string_view kJobAttribute = "job";
inline constexpr std::string_view kSchema = "1";
inline constexpr std::size_t kMessageBytesMax = 64 * 1024;  ///< more is no plan: keys have at most 1,024 bytes

/// The data of a message. @error kInvalid: a text in it is not UTF-8; names the key
[[nodiscard]] Result<std::string> encode(const TransferPlan& plan);

struct Decoded {
  TransferPlan plan;   ///< with a defect: only `key`, see below
  std::string defect;  ///< empty: none. Else length, hash and what is wrong, but nothing of the message's text
};

/// Never fails. What can't be understood comes back with a defect; its key is the message's own, if that could be read,
/// else "(message ID)". An ETag without quotes gets them: every S3 reply has them, and handwritten messages often
/// don't.
[[nodiscard]] Decoded decode(std::string_view data, std::string_view message_id);

enum class Addressee {
  kUs,
  kNewerSchema,  ///< a schema whose number before the first "." isn't ours
  kOtherJob,
};
/// Messages without these attributes are for whoever receives them.
[[nodiscard]] Addressee addressee(std::optional<std::string_view> schema, std::optional<std::string_view> job,
                                  std::string_view own_job);

}  // namespace ferry::pubsub
