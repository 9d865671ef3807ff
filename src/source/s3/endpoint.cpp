#include "source/s3/endpoint.hpp"

#include <algorithm>

#include "kit/base/text.hpp"

namespace ferry::s3 {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

bool all(std::string_view text, bool (*allowed)(char)) { return std::all_of(text.begin(), text.end(), allowed); }

bool looks_like_ipv4(std::string_view name) {
  return std::count(name.begin(), name.end(), '.') == 3 && all(name, [](char c) { return is_digit(c) || c == '.'; });
}

/// The rule that Amazon's naming rules see broken; empty: none.
std::string_view broken_amazon_rule(std::string_view name) {
  const auto edge = [](char c) { return is_lower(c) || is_digit(c); };
  if (name.size() < 3 || name.size() > 63) return "it must have 3 to 63 characters";
  if (!all(name, [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '.'; })) {
    return "only a-z, 0-9, '-' and '.' are allowed";
  }
  if (!edge(name.front()) || !edge(name.back())) return "it must begin and end with a letter or a digit";
  if (name.find("..") != std::string_view::npos) return "two dots may not follow each other";
  if (looks_like_ipv4(name)) return "it may not look like an IP address";
  return {};
}

/// Other servers are less strict; but a name must stay one segment of a path.
std::string_view broken_path_rule(std::string_view name) {
  if (name.empty() || name.size() > 255) return "it must have 1 to 255 characters";
  if (!all(name, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; })) {
    return "only letters, digits, '-', '_' and '.' are allowed";
  }
  if (name == "." || name == "..") return "it may not be a relative path";
  return {};
}

}  // namespace

Status check_bucket(const Options& options) {
  const auto& name = options.bucket.str();
  const auto refuse = [&name](std::string_view why) {
    return fail(ErrorKind::kInvalid, "S3 bucket '" + printable(name) + "': " + std::string{why});
  };
  if (name.ends_with("--x-s3"))
    return refuse("directory buckets are not supported; copy it to a general purpose bucket first");
  const auto rule = options.endpoint ? broken_path_rule(name) : broken_amazon_rule(name);
  if (!rule.empty()) return refuse(std::string{rule} + "; check the bucket's name");
  return Unit{};
}

bool is_region(std::string_view region, bool amazon) {
  if (region.empty() || region.size() > 63) return false;
  if (!amazon)
    return all(region, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; });
  return is_lower(region.front()) && is_digit(region.back()) && region.find('-') != std::string_view::npos &&
         all(region, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

Address address_of(const Options& options, std::string_view region) {
  const auto& bucket = options.bucket.str();
  const Address in_path{{}, "/" + bucket + "/", "/" + bucket};
  if (options.endpoint) return {*options.endpoint, in_path.path_prefix, in_path.bucket_path};
  const auto host = "s3." + std::string{region} + (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
  // A dot in the bucket's name breaks the wildcard certificate.
  if (options.path_style || bucket.find('.') != std::string::npos) {
    return {{true, host, 443}, in_path.path_prefix, in_path.bucket_path};
  }
  return {{true, bucket + "." + host, 443}, "/", "/"};
}

}  // namespace ferry::s3
