#pragma once
// The test's own hands on both buckets: it writes what is to be migrated and reads what came out, without any code of
// the product but its HTTP connections. Signatures come from the sandbox's own writing of SigV4. A refusal throws.

#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"

namespace ferry::system_test {

struct Reply {
  int status = 0;
  net::Headers headers;
  std::string body;
};

/// Requests one after the other, each waited for.
class Http {
 public:
  explicit Http(std::optional<std::string> ca_file = std::nullopt);
  Reply send(const std::string& origin, const std::string& method, const std::string& target, net::Headers headers = {},
             const std::string& body = {});

 private:
  asio::io_context context_{1};
  std::unique_ptr<net::HttpClient> client_;
};

struct S3Account {
  std::string endpoint;  ///< http://127.0.0.1:1234
  std::string access_key, secret_key;
  std::string region = "us-east-1";
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

class S3Bucket {
 public:
  S3Bucket(Http* http, S3Account account, std::string name)
      : http_(http), account_(std::move(account)), name_(std::move(name)) {}
  void create();
  std::string put(const std::string& key, const std::string& bytes, const HeaderList& headers = {});  ///< its ETag
  std::string put_in_parts(const std::string& key, const std::vector<std::string>& parts,
                           const HeaderList& headers = {});
  void remove(const std::string& key);
  [[nodiscard]] std::optional<std::string> get(const std::string& key);
  Reply request(const std::string& method, const std::string& key, const HeaderList& query, const HeaderList& headers,
                const std::string& body);
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const S3Account& account() const { return account_; }

 private:
  Reply need(Reply reply, const std::string& what) const;
  Http* http_;
  S3Account account_;
  std::string name_;
};

class GcsBucket {
 public:
  GcsBucket(Http* http, std::string endpoint, std::string name)
      : http_(http), endpoint_(std::move(endpoint)), name_(std::move(name)) {}
  void use_token(std::string token) { token_ = std::move(token); }
  void create();
  /// As somebody else would: whatever is there is replaced. @return generation
  std::string put(const std::string& key, const std::string& bytes, const boost::json::object& metadata = {});
  [[nodiscard]] std::optional<std::string> get(const std::string& key);
  [[nodiscard]] std::optional<boost::json::object> describe(const std::string& key);  ///< the object resource
  [[nodiscard]] std::vector<boost::json::object> list();                              ///< all pages
  void remove(const std::string& key);
  void patch(const std::string& key, const boost::json::object& changes);  ///< of its resource
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  Reply request(const std::string& method, const std::string& target, HeaderList headers = {},
                const std::string& body = {});
  [[nodiscard]] std::string object_path(const std::string& key) const;
  Http* http_;
  std::string endpoint_, name_, token_;
};

[[nodiscard]] std::string sha256_hex(std::string_view bytes);
/// `size` bytes that repeat at no power of two, different for each seed.
[[nodiscard]] std::string noise(std::uint64_t size, std::uint64_t seed);

}  // namespace ferry::system_test
