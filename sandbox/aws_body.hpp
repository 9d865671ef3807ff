#pragma once
// The body of an S3 upload, whatever wrapping it travels in: plain, or aws-chunked with or without signed chunks and
// trailing checksums. The payload hash that was signed is checked here.

#include <memory>
#include <optional>
#include <string>

#include "kit/base/hash.hpp"
#include "sandbox/sigv4.hpp"
#include "sandbox/wire.hpp"

namespace ferry::sandbox {

class AwsBody {
 public:
  /// @param signature  of the request; nothing: anonymous, so that chunk signatures can't be checked
  [[nodiscard]] static S3Result<std::unique_ptr<AwsBody>> open(Wire* wire, std::optional<Signature> signature);

  /// Up to into.size() bytes of the object; 0: complete, and everything that could be checked was right.
  Task<S3Result<std::size_t>> read(std::span<char> into);
  Task<S3Result<std::string>> read_all(std::size_t limit);
  [[nodiscard]] std::optional<std::uint64_t> size() const { return size_; }  ///< of the object, if the head tells
  [[nodiscard]] bool wants_sha256() const { return wanted_sha256_.has_value(); }
  /// After the end: the digest that was signed is the one of these bytes.
  [[nodiscard]] std::optional<S3Error> check_sha256(std::string_view raw_digest) const;
  [[nodiscard]] const net::Headers& trailers() const { return trailers_; }

 private:
  enum class Wrapping { kPlain, kSignedChunks, kUnsignedChunks };
  AwsBody(Wire* wire, std::optional<Signature> signature) : wire_(wire), signature_(std::move(signature)) {}
  Task<S3Result<std::size_t>> read_chunked(std::span<char> into);
  Task<S3Result<std::string>> line();
  Task<S3Result<bool>> fill();
  Task<std::optional<S3Error>> next_chunk();
  Task<std::optional<S3Error>> end_of_chunk();
  Task<std::optional<S3Error>> read_trailers();
  [[nodiscard]] std::optional<S3Error> check_chunk();

  Wire* wire_;
  std::optional<Signature> signature_;
  Wrapping wrapping_ = Wrapping::kPlain;
  bool has_trailers_ = false;
  std::optional<std::uint64_t> size_;
  std::optional<std::string> wanted_sha256_;  ///< hex
  net::Headers trailers_;

  std::string buffer_;       ///< read, not yet taken apart
  std::size_t taken_ = 0;    ///< of buffer_
  std::uint64_t left_ = 0;   ///< of the current chunk
  std::uint64_t total_ = 0;  ///< bytes of the object so far
  bool started_ = false, ended_ = false;
  std::string previous_, claimed_;          ///< links of the signature chain
  std::unique_ptr<StreamHash> chunk_hash_;  ///< of the current chunk
};

}  // namespace ferry::sandbox
