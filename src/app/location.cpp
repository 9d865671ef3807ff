#include "app/location.hpp"

#include <algorithm>
#include <string>

#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

struct Side {
  std::string_view title;   ///< "source"
  std::string_view scheme;  ///< "s3://"
  std::string_view other;   ///< the scheme that belongs to the other side
  std::string_view form;
};

constexpr Side kSource{"source", "s3://", "gs://", "s3://bucket[/prefix]"};
constexpr Side kTarget{"target", "gs://", "s3://", "gs://bucket[/prefix]"};
constexpr std::size_t kPrefixBytesMax = 1024;
constexpr std::size_t kShownBytesMax = 100;

struct Location {
  std::string bucket, prefix;
};

std::string shown(std::string_view text) {
  if (text.size() > kShownBytesMax) return "of " + std::to_string(text.size()) + " bytes";
  return "'" + printable(text) + "'";
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_letter_or_digit(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

/// Amazon's rules, with the older ones for us-east-1 and what other servers accept: capitals and underscores.
std::string_view fault_of_s3_bucket(std::string_view name) {
  if (name.size() < 3 || name.size() > 255) return "a bucket name has 3 to 255 characters";
  const auto allowed = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_'; };
  if (!std::all_of(name.begin(), name.end(), allowed)) return "a bucket name has only letters, digits, '.', '-', '_'";
  if (!is_letter_or_digit(name.front()) || !is_letter_or_digit(name.back())) {
    return "a bucket name begins and ends with a letter or digit";
  }
  if (name.find("..") != std::string_view::npos) return "a bucket name has no two dots in a row";
  if (name.ends_with("--x-s3")) return "directory buckets (S3 Express) can't be listed in order and are not supported";
  return {};
}

std::string_view fault_of_gcs_bucket(std::string_view name) {
  const bool dotted = name.find('.') != std::string_view::npos;
  if (name.size() < 3 || name.size() > (dotted ? 222 : 63)) {
    return "a bucket name has 3 to 63 characters (222 with dots)";
  }
  const auto allowed = [](char c) { return is_lower_or_digit(c) || c == '.' || c == '-' || c == '_'; };
  if (!std::all_of(name.begin(), name.end(), allowed)) {
    return "a bucket name has only lower-case letters, digits, '.', '-', '_'";
  }
  if (!is_lower_or_digit(name.front()) || !is_lower_or_digit(name.back())) {
    return "a bucket name begins and ends with a letter or digit";
  }
  if (name.starts_with("goog")) return "a bucket name doesn't begin with 'goog'";
  return {};
}

Result<Location> parse(const Side& side, std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorKind::kInvalid, std::string{side.title} + " " + shown(text) + ": " + std::string{why} +
                                         "; write " + std::string{side.form});
  };
  if (text.starts_with(side.other)) {
    return wrong(&side == &kSource ? "the source comes first and is on S3" : "the target comes second and is on GCS");
  }
  if (!text.starts_with(side.scheme)) return wrong("doesn't begin with " + std::string{side.scheme});

  const std::string_view rest = text.substr(side.scheme.size());
  const std::string_view bucket = rest.substr(0, rest.find('/'));
  if (bucket.empty()) return wrong("the bucket is missing");
  const auto fault = &side == &kSource ? fault_of_s3_bucket(bucket) : fault_of_gcs_bucket(bucket);
  if (!fault.empty()) return wrong(fault);

  std::string prefix{rest.size() > bucket.size() ? rest.substr(bucket.size() + 1) : std::string_view{}};
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  if (prefix.size() > kPrefixBytesMax) return wrong("a prefix has at most 1024 bytes");
  if (!is_utf8(prefix)) return wrong("a prefix is UTF-8 text");
  if (&side == &kTarget && prefix.find_first_of("\r\n") != std::string::npos) {
    return wrong("a GCS name can't hold line breaks");
  }
  if (&side == &kTarget && prefix.starts_with(".well-known/acme-challenge/")) {
    return wrong("GCS names under .well-known/acme-challenge/ are reserved");
  }
  return Location{std::string{bucket}, std::move(prefix)};
}

}  // namespace

Result<Job> parse_source(std::string_view source) {
  auto from = parse(kSource, source);
  if (!from) return fail(std::move(from).error());
  return Job{BucketName{std::move(from->bucket)}, std::move(from->prefix), BucketName{}, {}};
}

Result<Job> parse_job(std::string_view source, std::string_view target) {
  auto from = parse(kSource, source);
  if (!from) return fail(std::move(from).error());
  auto to = parse(kTarget, target);
  if (!to) return fail(std::move(to).error());
  return Job{BucketName{std::move(from->bucket)}, std::move(from->prefix), BucketName{std::move(to->bucket)},
             std::move(to->prefix)};
}

}  // namespace ferry::app
