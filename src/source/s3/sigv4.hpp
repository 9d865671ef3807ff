#pragma once
// AWS Signature Version 4 in the Authorization header. One file, because the same signature opens S3, STS and SQS.
// @see Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header"; protocol-facts 1.1.

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "kit/base/time.hpp"
#include "kit/net/http.hpp"
#include "source/s3/credentials.hpp"

namespace ferry::s3 {

inline constexpr std::string_view kEmptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

/// Appends the canonical form of a request to `out`, and the names of the signed headers to `signed_headers`. Signed
/// are `host`, every x-amz-* header, and those of the rest that no proxy rewrites. The target's path and query must be
/// percent-encoded already (S3 encodes once and normalises nothing); a query is put in order here.
void append_canonical_request(const net::RequestHead& head, std::string_view host, std::string_view payload_hash,
                              std::string* out, std::string* signed_headers);

/// Signs requests for one service. Not thread-safe: it keeps its buffers, and the key of the last day and region.
class Signer {
 public:
  explicit Signer(std::string service);  ///< "s3", "sqs", "sts"
  ~Signer();
  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;

  /// Adds x-amz-date, x-amz-security-token where there is one, and Authorization. Sign each attempt anew, from a head
  /// that was not signed before. S3 wants x-amz-content-sha256 in `head`, with the same text as `payload_hash`.
  void sign(net::RequestHead* head, std::string_view host, const Credentials& credentials, std::string_view region,
            Seconds now, std::string_view payload_hash);

 private:
  class Sha256;
  using Block = std::array<char, 32>;
  void prepare_key(const Credentials& credentials, std::string_view day, std::string_view region);
  Block hmac(std::string_view key, std::string_view text);

  std::string service_;
  std::unique_ptr<Sha256> sha256_;
  std::string key_secret_, key_day_, key_region_;  // what key_ was made from
  Block key_{};
  std::string canonical_, signed_headers_, text_;
};

}  // namespace ferry::s3
