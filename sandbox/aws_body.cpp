#include "sandbox/aws_body.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "kit/base/text.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::size_t kLineMax = 8 * 1024;
constexpr std::size_t kReadBytes = 128 * 1024;

S3Error incomplete(const std::string& why) {
  return S3Error(400, "IncompleteBody",
                 "You did not provide the number of bytes specified by the Content-Length header: " + why);
}
S3Error malformed(const std::string& why) { return S3Error(400, "InvalidChunkSizeError", "aws-chunked body: " + why); }

}  // namespace

S3Result<std::unique_ptr<AwsBody>> AwsBody::open(Wire* wire, std::optional<Signature> signature) {
  std::unique_ptr<AwsBody> body(new AwsBody(wire, std::move(signature)));
  body->size_ = wire->request().content_length;
  const auto payload = wire->header("x-amz-content-sha256").value_or("UNSIGNED-PAYLOAD");
  if (payload == "UNSIGNED-PAYLOAD") return body;
  if (!payload.starts_with("STREAMING-")) {
    if (payload.size() != 64 || !from_hex(payload)) {
      return tl::unexpected(S3Error(400, "InvalidArgument",
                                    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a known STREAMING value, or a "
                                    "valid sha256 value."));
    }
    body->wanted_sha256_ = payload;
    return body;
  }
  body->has_trailers_ = payload.ends_with("-TRAILER");
  if (payload.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")) {
    body->wrapping_ = Wrapping::kSignedChunks;
    if (!body->signature_) {
      return tl::unexpected(S3Error(403, "AccessDenied", "Signed chunks need a signed request"));
    }
    body->previous_ = body->signature_->signature;
  } else if (payload == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    body->wrapping_ = Wrapping::kUnsignedChunks;
  } else {
    return tl::unexpected(
        S3Error(501, "NotImplemented", "This streaming signature is not known: " + printable(payload)));
  }
  const auto decoded = wire->header("x-amz-decoded-content-length");
  body->size_ = decoded ? parse_u64(*decoded) : std::nullopt;
  if (!body->size_) {
    return tl::unexpected(
        S3Error(411, "MissingContentLength", "You must provide the x-amz-decoded-content-length header."));
  }
  return body;
}

Task<S3Result<std::size_t>> AwsBody::read(std::span<char> into) {
  if (wrapping_ != Wrapping::kPlain) co_return co_await read_chunked(into);
  const auto got = co_await wire_->read(into);
  if (!got) co_return tl::unexpected(incomplete(got.error().what));
  co_return *got;
}

Task<S3Result<std::string>> AwsBody::read_all(std::size_t limit) {
  std::string text;
  for (;;) {
    const auto size = text.size();
    text.resize(size + kReadBytes);
    auto got = co_await read(std::span<char>(text).subspan(size));
    if (!got) co_return tl::unexpected(std::move(got).error());
    text.resize(size + *got);
    if (text.size() > limit) co_return tl::unexpected(S3Error(400, "EntityTooLarge", "The request body is too large."));
    if (*got > 0) continue;
    if (wanted_sha256_) {
      if (auto error = check_sha256(sha256(text))) co_return tl::unexpected(*std::move(error));
    }
    co_return text;
  }
}

std::optional<S3Error> AwsBody::check_sha256(std::string_view raw_digest) const {
  if (!wanted_sha256_ || hex(raw_digest) == *wanted_sha256_) return std::nullopt;
  return S3Error(400, "XAmzContentSHA256Mismatch",
                 "The provided 'x-amz-content-sha256' header does not match what was computed.",
                 {{"ClientComputedContentSHA256", *wanted_sha256_}, {"S3ComputedContentSHA256", hex(raw_digest)}});
}

/// More raw bytes into buffer_; false at the end.
Task<S3Result<bool>> AwsBody::fill() {
  buffer_.erase(0, taken_);
  taken_ = 0;
  const auto size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  const auto got = co_await wire_->read(std::span<char>(buffer_).subspan(size));
  buffer_.resize(size + (got ? *got : 0));
  if (!got) co_return tl::unexpected(incomplete(got.error().what));
  co_return *got > 0;
}

Task<S3Result<std::string>> AwsBody::line() {
  for (;;) {
    const auto end = buffer_.find("\r\n", taken_);
    if (end != std::string::npos) {
      auto text = buffer_.substr(taken_, end - taken_);
      taken_ = end + 2;
      co_return text;
    }
    if (buffer_.size() - taken_ > kLineMax) co_return tl::unexpected(malformed("a line is too long"));
    auto more = co_await fill();
    if (!more) co_return tl::unexpected(std::move(more).error());
    if (!*more) co_return tl::unexpected(incomplete("the last chunk is missing"));
  }
}

Task<S3Result<std::size_t>> AwsBody::read_chunked(std::span<char> into) {
  while (left_ == 0 && !ended_) {
    if (auto error = co_await next_chunk()) co_return tl::unexpected(*std::move(error));
  }
  if (ended_) co_return std::size_t{0};
  if (taken_ == buffer_.size()) {
    auto more = co_await fill();
    if (!more) co_return tl::unexpected(std::move(more).error());
    if (!*more) co_return tl::unexpected(incomplete("a chunk is cut off"));
  }
  const auto count = std::min<std::uint64_t>({into.size(), left_, buffer_.size() - taken_});
  std::memcpy(into.data(), buffer_.data() + taken_, count);
  if (chunk_hash_) chunk_hash_->update(into.first(count));
  taken_ += count;
  left_ -= count;
  total_ += count;
  if (left_ == 0) {
    if (auto error = co_await end_of_chunk()) co_return tl::unexpected(*std::move(error));
  }
  co_return static_cast<std::size_t>(count);
}

Task<std::optional<S3Error>> AwsBody::next_chunk() {
  auto head = co_await line();
  if (!head) co_return std::move(head).error();
  const std::string_view text = *head;
  const auto digits = text.substr(0, text.find(';'));
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  if (bad != std::errc{} || end != digits.data() + digits.size() || digits.size() > 15) {
    co_return malformed("a chunk size is not a hexadecimal number");
  }
  if (total_ + left_ > *size_) co_return incomplete("more bytes than x-amz-decoded-content-length says");
  if (wrapping_ == Wrapping::kSignedChunks) {
    constexpr std::string_view kMark = ";chunk-signature=";
    const auto mark = text.find(kMark);
    if (mark == std::string_view::npos) co_return malformed("a chunk has no signature");
    claimed_ = text.substr(mark + kMark.size());
    chunk_hash_ = make_hash(HashKind::kSha256);
  }
  if (left_ > 0) co_return std::nullopt;
  if (auto error = check_chunk()) co_return error;
  if (total_ != *size_) co_return incomplete("fewer bytes than x-amz-decoded-content-length says");
  ended_ = true;
  co_return co_await read_trailers();
}

Task<std::optional<S3Error>> AwsBody::end_of_chunk() {
  if (auto error = check_chunk()) co_return error;
  auto rest = co_await line();
  if (!rest) co_return std::move(rest).error();
  if (!rest->empty()) co_return malformed("a chunk is longer than its size");
  co_return std::nullopt;
}

std::optional<S3Error> AwsBody::check_chunk() {
  if (wrapping_ != Wrapping::kSignedChunks) return std::nullopt;
  const auto digests = hex(sha256("")) + "\n" + hex(chunk_hash_->digest().bytes);
  previous_ = chain_signature(*signature_, "AWS4-HMAC-SHA256-PAYLOAD", previous_, digests);
  if (same_secret(previous_, claimed_)) return std::nullopt;
  return S3Error(403, "SignatureDoesNotMatch",
                 "The chunk signature we calculated does not match the one you provided.");
}

Task<std::optional<S3Error>> AwsBody::read_trailers() {
  std::string canonical, claimed;
  for (;;) {
    auto text = co_await line();
    if (!text) co_return std::move(text).error();
    if (text->empty()) break;
    const auto colon = text->find(':');
    if (colon == std::string::npos)
      co_return S3Error(400, "MalformedTrailerError", "A trailer is not of the form name:value.");
    auto name = to_lower(trim(std::string_view(*text).substr(0, colon)));
    std::string value(trim(std::string_view(*text).substr(colon + 1)));
    if (name == "x-amz-trailer-signature") {
      claimed = value;
    } else {
      canonical += name + ":" + value + "\n";
      trailers_.add(std::move(name), std::move(value));
    }
  }
  if (trailers_.size() > 0 && !has_trailers_)
    co_return S3Error(400, "MalformedTrailerError", "Trailers were not announced.");
  if (has_trailers_ && wrapping_ == Wrapping::kSignedChunks) {
    const auto right = chain_signature(*signature_, "AWS4-HMAC-SHA256-TRAILER", previous_, hex(sha256(canonical)));
    if (!same_secret(right, claimed)) {
      co_return S3Error(403, "SignatureDoesNotMatch",
                        "The trailer signature we calculated does not match the one you provided.");
    }
  }
  co_return std::nullopt;
}

}  // namespace ferry::sandbox
