#pragma once
// Shared by the files of the GCS server; nobody else includes it.

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "sandbox/gcs_service.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {

inline constexpr std::size_t kGcsControlMax = 4 << 20;

/// What is known about an object before its bytes are there.
struct GcsService::Upload {
  std::string bucket, name;
  GcsResource resource;
  GcsConditions conditions;
  std::optional<Intake> intake;
};

/// "crc32c=…,md5=…" in one header or several.
struct GoogHashes {
  std::optional<std::string> md5, crc32c;  ///< base64
};
[[nodiscard]] GoogHashes goog_hashes(const net::Headers& headers);

/// The digests that a client declared against those of the bytes.
[[nodiscard]] std::optional<GcsError> check_digests(const GoogHashes& declared, const Digests& actual);

/// ifGenerationMatch and its like. @error 400: not a number
[[nodiscard]] GcsResult<GcsConditions> read_conditions(const Query& query, std::string_view prefix = "if");

[[nodiscard]] inline bool is_xml(const Call& call) { return call.route.operation.starts_with("Xml"); }
[[nodiscard]] inline GcsError cut_body(const std::string& why) {
  return GcsError(400, "badRequest", "The request body is incomplete: " + why);
}
[[nodiscard]] inline GcsError backend_error(const std::string& why) { return GcsError(500, "backendError", why); }

}  // namespace ferry::sandbox
