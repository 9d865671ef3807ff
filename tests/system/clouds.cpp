#include "tests/system/clouds.hpp"

#include <stdexcept>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "kit/net/http_client.hpp"
#include "sandbox/sigv4.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::system_test {
namespace {

constexpr std::size_t kReplyMax = std::size_t{3} << 30;

template <class T>
T unwrap(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  return *std::move(result);
}

Task<Result<Reply>> exchange(net::HttpClient* client, net::Origin origin, net::RequestHead head,
                             std::string_view body) {
  auto opened = co_await client->open(std::move(origin), std::move(head), body.size());
  if (!opened) co_return fail(std::move(opened).error());
  if (!body.empty()) {
    auto sent = co_await (*opened)->write(body);
    if (!sent) co_return fail(std::move(sent).error());
  }
  auto answered = co_await (*opened)->response();
  if (!answered) co_return fail(std::move(answered).error());
  auto text = co_await (*opened)->read_all(kReplyMax);
  if (!text) co_return fail(std::move(text).error());
  Reply reply;
  reply.status = answered->status;
  reply.headers = std::move(answered->headers);
  reply.body = *std::move(text);
  co_return reply;
}

/// The first text between <name> and </name>.
std::string element(const std::string& xml, const std::string& name) {
  const auto begin = xml.find("<" + name + ">");
  const auto end = xml.find("</" + name + ">");
  if (begin == std::string::npos || end == std::string::npos) throw std::runtime_error("no <" + name + "> in: " + xml);
  return xml.substr(begin + name.size() + 2, end - begin - name.size() - 2);
}

std::string query_text(const HeaderList& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    text += (text.empty() ? "?" : "&") + percent_encode(name) + "=" + percent_encode(value);
  }
  return text;
}

}  // namespace

Http::Http(std::optional<std::string> ca_file) {
  net::ClientOptions options;
  options.ca_file = std::move(ca_file);
  client_ = unwrap(net::make_http_client(context_.get_executor(), std::move(options), system_clock()));
}

Reply Http::send(const std::string& origin, const std::string& method, const std::string& target, net::Headers headers,
                 const std::string& body) {
  net::RequestHead head{method, target, std::move(headers)};
  auto task = exchange(client_.get(), unwrap(net::Origin::parse(origin)), std::move(head), body);
  return unwrap(testing::run(context_, std::move(task)));
}

// ---- S3 -------------------------------------------------------------------------------------------------------------

Reply S3Bucket::request(const std::string& method, const std::string& key, const HeaderList& query,
                        const HeaderList& headers, const std::string& body) {
  const auto path = "/" + name_ + (key.empty() ? "" : "/" + percent_encode(key, "/"));
  const auto date = amz_date(std::chrono::floor<std::chrono::seconds>(system_clock()->wall()));
  net::Headers signed_headers;
  signed_headers.add("host", unwrap(net::Origin::parse(account_.endpoint)).host_header());
  signed_headers.add("x-amz-date", date);
  signed_headers.add("x-amz-content-sha256", sha256_hex(body));
  for (const auto& [name, value] : headers) signed_headers.add(to_lower(name), value);
  sandbox::Query parameters;
  for (const auto& [name, value] : query) parameters.add(name, value);
  const sandbox::S3Keys keys{account_.access_key, account_.secret_key, std::nullopt};
  signed_headers.add("authorization",
                     sandbox::authorization(method, path, parameters, signed_headers, keys, account_.region));
  return http_->send(account_.endpoint, method, path + query_text(query), std::move(signed_headers), body);
}

Reply S3Bucket::need(Reply reply, const std::string& what) const {
  if (reply.status < 300) return reply;
  throw std::runtime_error(what + " s3://" + name_ + ": " + std::to_string(reply.status) + " " + reply.body);
}

void S3Bucket::create() { need(request("PUT", "", {}, {}, ""), "create"); }

std::string S3Bucket::put(const std::string& key, const std::string& bytes, const HeaderList& headers) {
  return std::string{need(request("PUT", key, {}, headers, bytes), "put " + key).headers.find("etag").value()};
}

std::string S3Bucket::put_in_parts(const std::string& key, const std::vector<std::string>& parts,
                                   const HeaderList& headers) {
  const auto started = need(request("POST", key, {{"uploads", ""}}, headers, ""), "start " + key);
  const auto id = element(started.body, "UploadId");
  std::string document = "<CompleteMultipartUpload>";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = std::to_string(i + 1);
    const auto sent =
        need(request("PUT", key, {{"partNumber", number}, {"uploadId", id}}, {}, parts[i]), "part " + key);
    document += "<Part><PartNumber>" + number + "</PartNumber><ETag>" + std::string{sent.headers.find("etag").value()} +
                "</ETag></Part>";
  }
  const auto done =
      need(request("POST", key, {{"uploadId", id}}, {}, document + "</CompleteMultipartUpload>"), "end " + key);
  return element(done.body, "ETag");
}

void S3Bucket::remove(const std::string& key) { need(request("DELETE", key, {}, {}, ""), "delete " + key); }

std::optional<std::string> S3Bucket::get(const std::string& key) {
  auto reply = request("GET", key, {}, {}, "");
  if (reply.status == 404) return std::nullopt;
  return need(std::move(reply), "get " + key).body;
}

// ---- GCS ------------------------------------------------------------------------------------------------------------

Reply GcsBucket::request(const std::string& method, const std::string& target, HeaderList headers,
                         const std::string& body) {
  net::Headers all;
  for (auto& [name, value] : headers) all.add(std::move(name), std::move(value));
  if (!token_.empty()) all.add("Authorization", "Bearer " + token_);
  return http_->send(endpoint_, method, target, std::move(all), body);
}

std::string GcsBucket::object_path(const std::string& key) const {
  return "/storage/v1/b/" + name_ + "/o/" + percent_encode(key);
}

void GcsBucket::create() {
  const auto body = boost::json::serialize(boost::json::object{{"name", name_}});
  const auto reply = request("POST", "/storage/v1/b?project=system-test", {{"Content-Type", "application/json"}}, body);
  if (reply.status >= 300) throw std::runtime_error("create gs://" + name_ + ": " + reply.body);
}

std::string GcsBucket::put(const std::string& key, const std::string& bytes, const boost::json::object& metadata) {
  const boost::json::object resource{{"name", key}, {"metadata", metadata}};
  const std::string mark = "system-test-boundary";
  const auto body = "--" + mark + "\r\nContent-Type: application/json\r\n\r\n" + boost::json::serialize(resource) +
                    "\r\n--" + mark + "\r\nContent-Type: text/plain\r\n\r\n" + bytes + "\r\n--" + mark + "--\r\n";
  const auto reply = request("POST", "/upload/storage/v1/b/" + name_ + "/o?uploadType=multipart",
                             {{"Content-Type", "multipart/related; boundary=" + mark}}, body);
  if (reply.status >= 300) throw std::runtime_error("put gs://" + name_ + "/" + key + ": " + reply.body);
  return boost::json::value_to<std::string>(boost::json::parse(reply.body).at("generation"));
}

std::optional<std::string> GcsBucket::get(const std::string& key) {
  // Otherwise the server may unpack what is stored with Content-Encoding: gzip.
  auto reply = request("GET", object_path(key) + "?alt=media", {{"Accept-Encoding", "gzip"}});
  if (reply.status == 404) return std::nullopt;
  if (reply.status >= 300) throw std::runtime_error("get gs://" + name_ + "/" + key + ": " + reply.body);
  return std::move(reply.body);
}

std::optional<boost::json::object> GcsBucket::describe(const std::string& key) {
  const auto reply = request("GET", object_path(key));
  if (reply.status == 404) return std::nullopt;
  if (reply.status >= 300) throw std::runtime_error("describe gs://" + name_ + "/" + key + ": " + reply.body);
  return boost::json::parse(reply.body).as_object();
}

std::vector<boost::json::object> GcsBucket::list() {
  std::vector<boost::json::object> all;
  std::string token;
  do {
    const auto next = token.empty() ? "" : "&pageToken=" + percent_encode(token);
    const auto reply = request("GET", "/storage/v1/b/" + name_ + "/o?maxResults=1000" + next);
    if (reply.status >= 300) throw std::runtime_error("list gs://" + name_ + ": " + reply.body);
    const auto page = boost::json::parse(reply.body).as_object();
    if (const auto* items = page.if_contains("items")) {
      for (const auto& item : items->as_array()) all.push_back(item.as_object());
    }
    const auto* more = page.if_contains("nextPageToken");
    token = more ? boost::json::value_to<std::string>(*more) : std::string{};
  } while (!token.empty());
  return all;
}

void GcsBucket::remove(const std::string& key) {
  const auto reply = request("DELETE", object_path(key));
  if (reply.status >= 300) throw std::runtime_error("delete gs://" + name_ + "/" + key + ": " + reply.body);
}

void GcsBucket::patch(const std::string& key, const boost::json::object& changes) {
  const auto reply =
      request("PATCH", object_path(key), {{"Content-Type", "application/json"}}, boost::json::serialize(changes));
  if (reply.status >= 300) throw std::runtime_error("patch gs://" + name_ + "/" + key + ": " + reply.body);
}

// ---- bytes ----------------------------------------------------------------------------------------------------------

std::string sha256_hex(std::string_view bytes) {
  const auto hash = make_hash(HashKind::kSha256);
  hash->update(bytes);
  return hex(hash->digest().bytes);
}

std::string noise(std::uint64_t size, std::uint64_t seed) {
  std::string bytes(size, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  for (std::uint64_t at = 0; at < size; at += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    for (std::uint64_t i = 0; i < 8 && at + i < size; ++i) bytes[at + i] = static_cast<char>(state >> (8 * i));
  }
  return bytes;
}

}  // namespace ferry::system_test
