#pragma once
// The JSON that Cloud Storage reads and writes, as our own types. Replies are data: whatever is in them, these return.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kit/base/error.hpp"
#include "target/object_target.hpp"

namespace ferry::gcs {

/// Appends `utf8` as a JSON string, quotes included; control characters escaped, all else as it is.
void append_quoted(std::string* out, std::string_view utf8);

/// The media type to send: the source's own if it may stand in a header, else application/octet-stream.
[[nodiscard]] std::string_view media_type(const ContentHeaders& content);

/// The object resource of an upload. `crc32c` of the whole object, where it is known by now; `spec.hash` goes in, too.
/// Custom metadata are exactly `spec.metadata`.
[[nodiscard]] std::string resource_json(const UploadSpec& spec, std::optional<std::uint32_t> crc32c);

/// The patch that makes `provenance` the object's own; entries of an older one that it lacks are taken away.
[[nodiscard]] std::string adoption_json(const Provenance& provenance);

/// An object resource: name, generation and size are required. @error kCorrupt
[[nodiscard]] Result<TargetObject> parse_object(std::string_view body);

struct Listing {
  std::vector<TargetObject> objects;
  std::optional<std::string> next_page_token;
};
/// One page, in the order in which it came. @error kCorrupt
[[nodiscard]] Result<Listing> parse_listing(std::string_view body, Detail detail = Detail::kIdentity);

struct ErrorBody {
  std::string reason;   ///< of the first error: "conditionNotMet"; empty if there is none
  std::string message;  ///< printable, bounded; of a body that is no JSON: its first line
};
[[nodiscard]] ErrorBody parse_error(std::string_view body);

struct TokenBody {
  std::string access_token;
  std::int64_t expires_in = 0;  ///< seconds
};
/// The token endpoint's reply; nothing unless both fields are there and the token may stand in a header.
[[nodiscard]] std::optional<TokenBody> parse_token(std::string_view body);

struct ServiceAccountKey {
  std::string client_email, private_key, private_key_id;
  std::string token_uri = "https://oauth2.googleapis.com/token";
};
/// @error kInvalid  names the field that is wrong or missing, never its value
[[nodiscard]] Result<ServiceAccountKey> parse_service_account(std::string_view text);

}  // namespace ferry::gcs
