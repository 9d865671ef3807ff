#pragma once
// GCS resources as JSON: written field by field, read from what clients send.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/gcs_store.hpp"

namespace ferry::sandbox {

/// The `fields` parameter: a partial response. Empty: everything.
class FieldMask {
 public:
  [[nodiscard]] static FieldMask parse(std::string_view text);
  [[nodiscard]] bool wants(std::string_view field) const;
  [[nodiscard]] const FieldMask& below(std::string_view field) const;

 private:
  static FieldMask parse_list(std::string_view* text);
  std::vector<std::pair<std::string, FieldMask>> fields_;
};

/// @param base  of links: "http://host:port"
void append_object(std::string* out, std::string_view base, std::string_view bucket, std::string_view name,
                   const GcsObject& object, const FieldMask& mask);
void append_bucket(std::string* out, std::string_view bucket);
[[nodiscard]] std::string error_json(const GcsError& error);

/// An object resource as a client sends it.
struct GcsResource {
  std::optional<std::string> name, md5, crc32c;  ///< digests in base64
  GcsObject object;                              ///< everything that can be set
};
/// @param text  JSON; empty: nothing is set
[[nodiscard]] GcsResult<GcsResource> parse_resource(std::string_view text);
/// PATCH: what is there replaces, null removes.
[[nodiscard]] GcsResult<std::monostate> patch_object(std::string_view text, GcsObject* object);

struct GcsComposition {
  struct Source {
    std::string name;
    std::optional<std::uint64_t> generation, if_generation;
  };
  std::vector<Source> sources;
  GcsResource destination;
};
[[nodiscard]] GcsResult<GcsComposition> parse_composition(std::string_view text);

/// 8 KiB of metadata in all, 1 KiB per name, 4 KiB per value.
[[nodiscard]] std::optional<GcsError> check_metadata(const GcsObject& object);
/// 1–1024 bytes of UTF-8, without what GCS forbids.
[[nodiscard]] std::optional<GcsError> check_object_name(std::string_view name);

}  // namespace ferry::sandbox
