#pragma once
// AWS Signature Version 4 as the receiving side checks it, and as `fill` makes it. Written apart from the product's
// signer, from protocol-facts 1.1, so that a common mistake can't hide: the two share no line.

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "kit/base/time.hpp"
#include "kit/net/http.hpp"
#include "sandbox/target.hpp"

namespace ferry::sandbox {

/// What S3 answers when it refuses: one XML document.
struct S3Error {
  int status;
  std::string code, message;
  std::vector<std::pair<std::string, std::string>> details;  ///< further elements: Region, StorageClass, …
  S3Error(int s, std::string c, std::string m, std::vector<std::pair<std::string, std::string>> d = {})
      : status(s), code(std::move(c)), message(std::move(m)), details(std::move(d)) {}
};
template <class T>
using S3Result = tl::expected<T, S3Error>;

struct S3Keys {
  std::string access_key_id, secret_access_key;
  std::optional<std::string> session_token;
};

/// A request whose signature was right: what aws-chunked bodies go on from.
struct Signature {
  std::string date;         ///< x-amz-date
  std::string scope;        ///< YYYYMMDD/region/s3/aws4_request
  std::string signing_key;  ///< raw
  std::string signature;    ///< hex
};

struct SignatureRules {
  std::string region;  ///< the only right one for this bucket
  Seconds now;
};

/// @param query of the same request, decoded
/// @return nothing for an anonymous request
[[nodiscard]] S3Result<std::optional<Signature>> verify_signature(const std::string& method, std::string_view raw_path,
                                                                  const Query& query, const net::Headers& headers,
                                                                  const S3Keys& keys, const SignatureRules& rules);

/// The value of Authorization. Every header given is signed; they must hold host, x-amz-date and x-amz-content-sha256.
[[nodiscard]] std::string authorization(const std::string& method, std::string_view raw_path, const Query& query,
                                        const net::Headers& headers, const S3Keys& keys, const std::string& region);

[[nodiscard]] std::string sha256(std::string_view bytes);                            ///< raw
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view text);  ///< raw
/// Chunk and trailer signatures: hex of the next link of the chain.
[[nodiscard]] std::string chain_signature(const Signature& signature, std::string_view kind, std::string_view previous,
                                          std::string_view digests);
[[nodiscard]] bool same_secret(std::string_view a, std::string_view b);  ///< in constant time

}  // namespace ferry::sandbox
