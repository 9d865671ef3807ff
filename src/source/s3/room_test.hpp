#pragma once
// For the tests of this room: an S3 server as a function over a scripted HTTP client, and the texts that servers send.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "source/s3/s3_source.hpp"
#include "testing/base/fake_http.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::s3 {

using ferry::testing::FakeHttp;
using ferry::testing::FakeReply;
using ferry::testing::FakeRequest;

inline const net::Origin kLocal{false, "127.0.0.1", 9000};
inline const std::string kHelloTag = "\"5d41402abc4b2a76b9719d911017c592\"";

inline Credentials example_credentials() { return {"AKIAEXAMPLE", "very-secret", std::nullopt}; }

inline std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

inline std::string error_xml(std::string_view code, std::string_view message = "said so", std::string_view more = {}) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>)"
         "\n<Error><Code>" +
         std::string{code} + "</Code><Message>" + xml_escaped(message) + "</Message>" + std::string{more} +
         "<RequestId>4442587FB7D0A2F9</RequestId></Error>";
}
inline FakeReply refusal(int status, std::string_view code, net::Headers headers = {}, std::string_view more = {}) {
  headers.add("Content-Type", "application/xml");
  return FakeReply{status, std::move(headers), error_xml(code, "said so", more)};
}

/// One <Contents>, with fields that a test may bend.
struct ListedObject {
  std::string key, size = "5", modified = "2026-01-02T03:04:05.678Z",
                   etag = "&quot;5d41402abc4b2a76b9719d911017c592&quot;";
  std::string more = {};
  explicit ListedObject(std::string k) : key(std::move(k)) {}
  [[nodiscard]] std::string xml() const {
    return "<Contents><Key>" + key + "</Key><LastModified>" + modified + "</LastModified><ETag>" + etag +
           "</ETag><Size>" + size + "</Size>" + more + "</Contents>";
  }
};
inline std::string list_xml(const std::vector<ListedObject>& objects, std::string_view next = {},
                            std::string_view more = {}) {
  std::string xml = R"(<?xml version="1.0" encoding="UTF-8"?>)"
                    "\n"
                    R"(<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>)";
  xml +=
      "<EncodingType>url</EncodingType><IsTruncated>" + std::string{next.empty() ? "false" : "true"} + "</IsTruncated>";
  if (!next.empty()) xml += "<NextContinuationToken>" + xml_escaped(next) + "</NextContinuationToken>";
  for (const auto& object : objects) xml += object.xml();
  return xml + std::string{more} + "</ListBucketResult>";
}
inline FakeReply list_reply(const std::vector<ListedObject>& objects, std::string_view next = {}) {
  return FakeReply{200, {{"Content-Type", "application/xml"}}, list_xml(objects, next)};
}

inline net::Headers object_headers(std::string etag = kHelloTag) {
  return {
      {"ETag", std::move(etag)}, {"Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT"}, {"Content-Type", "text/plain"}};
}
inline FakeReply object_reply(std::string body, net::Headers headers = object_headers()) {
  return FakeReply{200, std::move(headers), std::move(body)};
}
inline FakeReply range_reply(std::string body, const std::string& content_range,
                             net::Headers headers = object_headers()) {
  headers.add("Content-Range", content_range);
  return FakeReply{206, std::move(headers), std::move(body)};
}

/// A source over a FakeHttp, at a custom endpoint unless options say otherwise.
class S3Test : public ::testing::Test {
 protected:
  S3Test() {
    options_.bucket = BucketName{"bucket"};
    options_.endpoint = kLocal;
  }

  ObjectSource* source() {
    if (!source_) source_ = make_source(options_, credentials_, &http_, &clock_, &rng_).value();
    return source_.get();
  }
  template <class T>
  T run(Task<T> task) {
    return ferry::testing::run(std::move(task), &clock_);
  }
  Result<SourcePage> list(std::string prefix = {}, std::optional<std::string> token = std::nullopt) {
    return run(source()->list(std::move(prefix), std::move(token)));
  }
  Result<std::unique_ptr<ObjectReader>> open(std::uint64_t offset = 0, std::optional<ETag> expected = ETag{kHelloTag},
                                             std::string key = "a") {
    return run(source()->open(ObjectKey{std::move(key)}, std::move(expected), offset));
  }
  Result<std::string> rest_of(ObjectReader* reader) { return run(drain(reader)); }
  Result<std::string> read(std::uint64_t offset = 0) {
    auto reader = open(offset);
    if (!reader) return fail(std::move(reader).error());
    return rest_of(reader->get());
  }
  Result<ObjectMeta> stat() { return run(source()->stat(ObjectKey{"a"})); }
  const FakeRequest& request(std::size_t index) const { return http_.requests().at(index); }

  static Task<Result<std::string>> drain(ObjectReader* reader) {
    std::string all, buffer(4, '\0');
    for (;;) {
      auto got = co_await reader->read(buffer);
      if (!got) co_return fail(std::move(got).error());
      if (*got == 0) co_return all;
      all.append(buffer, 0, *got);
    }
  }

  Options options_;
  FakeHttp http_;
  ferry::testing::SimulatedClock clock_;
  ferry::testing::SeededRng rng_;
  std::shared_ptr<CredentialProvider> credentials_ = static_credentials(example_credentials());
  std::unique_ptr<ObjectSource> source_;
};

/// A small server: one bucket, path style, ListObjectsV2, GetObject, HeadObject.
class ScriptedS3 {
 public:
  struct Object {
    std::string bytes;
    net::Headers headers;
    std::string etag;
    Seconds modified;
  };

  explicit ScriptedS3(FakeHttp* http) {
    http->on_request([this](const FakeRequest& request) { return answer(request); });
  }

  std::map<std::string, Object> objects;
  std::map<std::string, std::size_t> cuts;  ///< the next body of that key ends there
  int listings_to_fail = 0;

 private:
  FakeReply answer(const FakeRequest& request) {
    const auto path = request.path();
    if (path == "/bucket") return list(request);
    const auto key = percent_decode(path.substr(std::string{"/bucket/"}.size()));
    const auto found = objects.find(key.value());
    if (found == objects.end()) return refusal(404, "NoSuchKey");
    const auto& object = found->second;
    if (const auto wanted = request.header("if-match"); wanted && *wanted != object.etag)
      return refusal(412, "PreconditionFailed");
    return body_of(request, found->first, object);
  }

  FakeReply body_of(const FakeRequest& request, const std::string& key, const Object& object) {
    auto headers = object.headers;
    headers.add("ETag", object.etag);
    headers.add("Last-Modified", http_date(object.modified));
    std::size_t first = 0;
    if (const auto range = request.header("range")) {
      first = parse_u64(range->substr(6, range->size() - 7)).value();
      if (first >= object.bytes.size()) return refusal(416, "InvalidRange");
      const auto size = std::to_string(object.bytes.size());
      headers.add("Content-Range",
                  "bytes " + std::to_string(first) + "-" + std::to_string(object.bytes.size() - 1) + "/" + size);
    }
    FakeReply reply{first > 0 ? 206 : 200, std::move(headers), object.bytes.substr(first)};
    const auto cut = cuts.find(key);
    if (cut == cuts.end()) return reply;
    const auto at = cut->second;
    cuts.erase(cut);
    return std::move(reply).cut_after(at);
  }

  FakeReply list(const FakeRequest& request) {
    if (listings_to_fail > 0) {
      --listings_to_fail;
      return refusal(503, "SlowDown");
    }
    const auto prefix = request.query("prefix").value_or("");
    const auto token = request.query("continuation-token");
    const auto after = token ? from_base64(*token).value() : request.query("start-after").value_or("");
    const auto max = parse_u64(request.query("max-keys").value()).value();
    std::vector<ListedObject> page;
    std::string last, next;
    for (auto at = objects.upper_bound(after); at != objects.end(); ++at) {
      if (!at->first.starts_with(prefix)) continue;
      if (page.size() == max) next = base64(last);
      if (page.size() == max) break;
      last = at->first;
      page.push_back(listed(at->first, at->second));
    }
    return list_reply(page, next);
  }

  /// Form-encoded, as Amazon does it: a space is "+".
  static ListedObject listed(const std::string& key, const Object& object) {
    auto encoded = percent_encode(key, "/ ");
    std::replace(encoded.begin(), encoded.end(), ' ', '+');
    ListedObject entry{std::move(encoded)};
    entry.size = std::to_string(object.bytes.size());
    entry.modified = rfc3339(object.modified);
    entry.modified.insert(entry.modified.size() - 1, ".999");
    entry.etag = xml_escaped(object.etag);
    return entry;
  }
};

}  // namespace ferry::s3
