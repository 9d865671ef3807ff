#pragma once
// A bucket behind FakeHttp that answers the JSON API as Cloud Storage does: preconditions and hashes are checked when
// an object would become visible, sessions keep whole granules. Small and strict; independent of the code under test.

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "target/gcs/gcs_target.hpp"
#include "target/limits.hpp"
#include "testing/base/fake_http.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::gcs {

class FakeBucket {
 public:
  using FakeReply = ferry::testing::FakeReply;
  using FakeRequest = ferry::testing::FakeRequest;

  struct Object {
    std::int64_t generation = 0;
    std::int64_t metageneration = 1;
    std::string bytes;
    boost::json::object resource;
  };

  struct Session {
    std::string expected;
    boost::json::object resource;
    std::uint64_t size = 0;
    std::string bytes;
    std::optional<std::string> finished;  ///< name of the object that it became
  };

  std::map<std::string, Object> objects;
  std::map<std::string, Session> sessions;  ///< by id
  std::string session_origin = "https://storage.googleapis.com";
  int commits = 0;

  std::int64_t put(const std::string& name, const std::string& bytes, const UserMetadata& metadata = {}) {
    boost::json::object resource;
    auto& entries = resource["metadata"].emplace_object();
    for (const auto& [key, value] : metadata) entries[key] = value;
    return store(name, bytes, std::move(resource));
  }

  FakeReply answer(const FakeRequest& request) {
    const auto path = request.path();
    if (path == "/upload/storage/v1/b/bucket/o") {
      if (request.query("uploadType") == "multipart") return insert(request);
      return open_session(request);
    }
    if (path == "/session") return session(request);
    if (path == "/storage/v1/b/bucket/o") return list(request);
    const std::string prefix = "/storage/v1/b/bucket/o/";
    if (!path.starts_with(prefix)) return error(404, "notFound", "The specified bucket does not exist.");
    const auto name = percent_decode(path.substr(prefix.size())).value();
    if (request.head.method == "PATCH") return patch(request, name);
    return request.head.method == "DELETE" ? remove(request, name) : get(name);
  }

  static FakeReply error(int status, const std::string& reason, const std::string& message, net::Headers headers = {}) {
    boost::json::object first{{"domain", "global"}, {"reason", reason}, {"message", message}};
    boost::json::object body{
        {"error", boost::json::object{{"code", status}, {"message", message}, {"errors", boost::json::array{first}}}}};
    return FakeReply{status, std::move(headers), boost::json::serialize(body)};
  }

  /// The resource as a reply shows it.
  std::string shown(const std::string& name) const {
    const auto& object = objects.at(name);
    auto resource = object.resource;
    resource["name"] = name;
    resource["generation"] = std::to_string(object.generation);
    resource["metageneration"] = std::to_string(object.metageneration);
    resource["size"] = std::to_string(object.bytes.size());
    resource["crc32c"] = crc32c_text(object.bytes);
    resource["md5Hash"] = md5_text(object.bytes);
    return boost::json::serialize(resource);
  }

  static std::string crc32c_text(const std::string& bytes) { return base64(big_endian(crc32c(0, bytes))); }
  static std::string md5_text(const std::string& bytes) {
    const auto hash = make_hash(HashKind::kMd5);
    hash->update(bytes);
    return base64(hash->digest().bytes);
  }

 private:
  std::int64_t store(const std::string& name, const std::string& bytes, boost::json::object resource) {
    objects.insert_or_assign(name, Object{++last_generation_, 1, bytes, std::move(resource)});
    return last_generation_;
  }

  FakeReply commit(const std::string& expected, boost::json::object resource, const std::string& bytes) {
    const std::string name{resource.at("name").as_string()};
    const auto live = objects.find(name);
    const auto generation = live == objects.end() ? 0 : live->second.generation;
    if (expected != std::to_string(generation)) {
      return error(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
    }
    const auto hash = [&](const char* field) {
      const auto* value = resource.if_contains(field);
      return value ? std::string{value->as_string()} : std::string{};
    };
    const auto crc = hash("crc32c");
    const auto md5 = hash("md5Hash");
    if (!crc.empty() && crc != crc32c_text(bytes)) {
      return error(400, "invalid", "Provided CRC32C \"" + crc + "\" doesn't match calculated CRC32C.");
    }
    if (!md5.empty() && md5 != md5_text(bytes)) {
      return error(400, "invalid", "Provided MD5 hash \"" + md5 + "\" doesn't match calculated MD5 hash.");
    }
    store(name, bytes, std::move(resource));
    ++commits;
    return FakeReply{200, {}, shown(name)};
  }

  FakeReply insert(const FakeRequest& request) {
    const auto type = request.header("Content-Type").value();
    const std::string start = "multipart/related; boundary=";
    if (!type.starts_with(start)) return error(400, "badContent", "not multipart/related");
    const auto boundary = "--" + type.substr(start.size());
    const auto& body = request.body;
    const auto json_begin = body.find("\r\n\r\n") + 4;
    const auto json_end = body.find("\r\n" + boundary, json_begin);
    const auto type_begin = json_end + 2 + boundary.size() + 2;
    const auto bytes_begin = body.find("\r\n\r\n", type_begin) + 4;
    const auto end = "\r\n" + boundary + "--\r\n";
    if (!body.starts_with(boundary) || !body.ends_with(end))
      return error(400, "badContent", "malformed multipart body");
    auto resource = boost::json::parse(body.substr(json_begin, json_end - json_begin)).as_object();
    const auto part_type = body.substr(type_begin, bytes_begin - 4 - type_begin);
    if (part_type != "Content-Type: " + std::string{resource.at("contentType").as_string()}) {
      return error(400, "badContent", "media type differs from contentType");
    }
    const auto bytes = body.substr(bytes_begin, body.size() - end.size() - bytes_begin);
    return commit(request.query("ifGenerationMatch").value(), std::move(resource), bytes);
  }

  FakeReply open_session(const FakeRequest& request) {
    Session session;
    session.expected = request.query("ifGenerationMatch").value();
    session.resource = boost::json::parse(request.body).as_object();
    session.size = parse_u64(request.header("X-Upload-Content-Length").value()).value();
    const auto id = "secret-" + std::to_string(++last_session_);
    sessions.emplace(id, std::move(session));
    return FakeReply{200, {{"Location", session_origin + "/session?upload_id=" + id}}};
  }

  FakeReply session(const FakeRequest& request) {
    const auto found = sessions.find(request.query("upload_id").value());
    if (found == sessions.end()) return FakeReply{410};
    if (request.head.method == "DELETE") {
      sessions.erase(found);
      return FakeReply{499};
    }
    auto& session = found->second;
    if (session.finished) return FakeReply{200, {}, shown(*session.finished)};
    const auto range = request.header("Content-Range").value();
    if (range == "bytes */" + std::to_string(session.size)) return held(session);
    const auto dash = range.find('-');
    const auto slash = range.find('/');
    const auto first = parse_u64(range.substr(6, dash - 6)).value();
    const auto last = parse_u64(range.substr(dash + 1, slash - dash - 1)).value();
    if (last + 1 - first != request.body.size() || first > session.bytes.size())
      return error(400, "badRequest", "range");
    session.bytes.append(request.body.substr(session.bytes.size() - first));
    if (last + 1 < session.size) {
      if (request.body.size() % (256 * 1024) != 0) return error(400, "badRequest", "not a multiple of 256 KiB");
      return held(session);
    }
    if (const auto hash = request.header("X-Goog-Hash"); hash && *hash != "crc32c=" + crc32c_text(session.bytes)) {
      return error(400, "invalid", "Provided CRC32C doesn't match calculated CRC32C.");
    }
    const int before = commits;
    auto reply = commit(session.expected, session.resource, session.bytes);
    if (commits > before) session.finished = std::string{session.resource.at("name").as_string()};
    return reply;
  }

  static FakeReply held(const Session& session) {
    if (session.bytes.empty()) return FakeReply{308};
    return FakeReply{308, {{"Range", "bytes=0-" + std::to_string(session.bytes.size() - 1)}}};
  }

  FakeReply list(const FakeRequest& request) const {
    const auto prefix = request.query("prefix").value_or("");
    const auto token = request.query("pageToken");
    const auto max = parse_u64(request.query("maxResults").value()).value();
    auto next = token ? objects.upper_bound(*token) : objects.lower_bound(prefix);
    boost::json::array items;
    boost::json::object page;
    for (; next != objects.end() && next->first.starts_with(prefix); ++next) {
      if (items.size() == max) {
        page["nextPageToken"] = std::prev(next)->first;
        break;
      }
      items.push_back(boost::json::parse(shown(next->first)));
    }
    if (!items.empty()) page["items"] = std::move(items);
    return FakeReply{200, {}, boost::json::serialize(page)};
  }

  FakeReply get(const std::string& name) const {
    if (!objects.contains(name)) return error(404, "notFound", "No such object: bucket/" + name);
    return FakeReply{200, {}, shown(name)};
  }

  FakeReply patch(const FakeRequest& request, const std::string& name) {
    const auto found = objects.find(name);
    if (found == objects.end()) return error(404, "notFound", "No such object: bucket/" + name);
    auto& object = found->second;
    if (request.query("ifGenerationMatch") != std::to_string(object.generation) ||
        request.query("ifMetagenerationMatch") != std::to_string(object.metageneration)) {
      return error(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
    }
    auto entries =
        object.resource["metadata"].is_object() ? object.resource["metadata"].as_object() : boost::json::object{};
    std::size_t bytes = 0;
    const auto document = boost::json::parse(request.body);
    for (const auto& [entry, value] : document.at("metadata").as_object()) {
      if (value.is_null()) {
        entries.erase(entry);
      } else {
        entries[entry] = value;
      }
    }
    for (const auto& [entry, value] : entries) bytes += entry.size() + value.as_string().size();
    if (bytes > kMetadataBytesMax) return error(400, "invalid", "The metadata is too large.");
    object.resource["metadata"] = std::move(entries);
    ++object.metageneration;
    return FakeReply{200, {}, shown(name)};
  }

  FakeReply remove(const FakeRequest& request, const std::string& name) {
    const auto found = objects.find(name);
    if (found == objects.end()) return error(404, "notFound", "No such object: bucket/" + name);
    if (request.query("ifGenerationMatch") != std::to_string(found->second.generation)) {
      return error(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
    }
    objects.erase(found);
    return FakeReply{204};
  }

  std::int64_t last_generation_ = 1'700'000'000'000'000;
  int last_session_ = 0;
};

/// A target on such a bucket, with a place to put faults in.
struct Room {
  /// A reply to give instead of the bucket's; it may let the bucket act first. Nothing: the bucket answers.
  using Fault = std::function<std::optional<ferry::testing::FakeReply>(const ferry::testing::FakeRequest&)>;

  explicit Room(std::shared_ptr<TokenProvider> tokens = no_token()) {
    options.bucket = BucketName{"bucket"};
    options.chunk_bytes = 2 * kGranuleBytes;
    options.whole_bytes_max = kGranuleBytes;
    options.single_bytes_max = 1 << 20;
    options.page_size = 10;
    http.on_request([this](const ferry::testing::FakeRequest& request) {
      auto reply = fault ? fault(request) : std::nullopt;
      return reply ? *std::move(reply) : bucket.answer(request);
    });
    token_provider = std::move(tokens);
    open();
  }

  /// Again, after `options` were changed.
  void open() { target = make_target(options, token_provider, &http, &clock, &rng).value(); }

  template <class T>
  T run(Task<T> task) {
    return ferry::testing::run(context, std::move(task), &clock);
  }

  static UploadSpec spec(std::string key, std::uint64_t size) {
    UploadSpec result;
    result.key = ObjectKey{std::move(key)};
    result.size = size;
    Provenance provenance;
    provenance.source = "s3://from/" + result.key.str();
    provenance.version.etag = ETag{"\"9b2c\""};
    provenance.size = size;
    result.metadata = to_metadata(provenance);
    return result;
  }

  static std::string content_of(std::uint64_t size) {
    std::string bytes(size, '\0');
    for (std::uint64_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 7 + i / 251 + i / kGranuleBytes) & 0xff);
    return bytes;
  }

  std::unique_ptr<Upload> begin(UploadSpec what) { return run(target->begin(std::move(what))).value(); }

  /// One write of [offset, until).
  Status write(Upload* upload, const std::string& bytes, std::uint64_t until) {
    return run(upload->write(std::span<const char>(bytes).subspan(upload->offset(), until - upload->offset())));
  }
  Result<TargetObject> commit(Upload* upload, const std::string& bytes) {
    return run(upload->commit(std::span<const char>(bytes).subspan(upload->tail_begin()), crc32c(0, bytes)));
  }
  /// As a caller does it: after kUnavailable of a write it recovers and goes on from offset().
  Result<TargetObject> send(UploadSpec what, const std::string& bytes) {
    auto upload = run(target->begin(std::move(what)));
    if (!upload) return fail(std::move(upload).error());
    while ((*upload)->offset() < (*upload)->tail_begin()) {
      auto sent = write(upload->get(), bytes, (*upload)->tail_begin());
      if (sent) continue;
      if (sent.error().kind != ErrorKind::kUnavailable) return fail(std::move(sent).error());
      auto recovered = run((*upload)->recover());
      if (!recovered) return fail(std::move(recovered).error());
    }
    return commit(upload->get(), bytes);
  }

  /// Gives `reply` to the next `times` requests for which `applies` holds.
  void fail_when(std::function<bool(const ferry::testing::FakeRequest&)> applies, ferry::testing::FakeReply reply,
                 int times = 1) {
    fault = [applies = std::move(applies), reply = std::move(reply),
             times](const ferry::testing::FakeRequest& request) mutable -> std::optional<ferry::testing::FakeReply> {
      if (times == 0 || !applies(request)) return std::nullopt;
      --times;
      return reply;
    };
  }

  asio::io_context context{1};
  ferry::testing::SimulatedClock clock;
  ferry::testing::SeededRng rng;
  ferry::testing::FakeHttp http;
  FakeBucket bucket;
  Fault fault;
  Options options;
  std::shared_ptr<TokenProvider> token_provider;
  std::unique_ptr<ObjectTarget> target;
};

inline bool any_request(const ferry::testing::FakeRequest& /*request*/) { return true; }
inline bool is_session_put(const ferry::testing::FakeRequest& request) {
  return request.head.method == "PUT" && request.path() == "/session";
}
inline bool is_status_query(const ferry::testing::FakeRequest& request) {
  return is_session_put(request) && request.header("Content-Range").value_or("").starts_with("bytes */");
}
inline bool is_chunk(const ferry::testing::FakeRequest& request) {
  return is_session_put(request) && !is_status_query(request) && !request.header("X-Goog-Hash");
}
inline bool is_tail(const ferry::testing::FakeRequest& request) {
  return is_session_put(request) && request.header("X-Goog-Hash").has_value();
}
inline bool is_insert(const ferry::testing::FakeRequest& request) { return request.query("uploadType") == "multipart"; }
inline bool is_session_start(const ferry::testing::FakeRequest& request) {
  return request.query("uploadType") == "resumable";
}

}  // namespace ferry::gcs
