#pragma once
// HTTP/1.1 messages as text: heads read and written, bodies framed. No I/O. RFC 9112; strict, because two readers who
// disagree about where a message ends can be played against each other.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kit/net/http.hpp"

namespace ferry::net {

/// Finds the end of a head while its bytes arrive, looking at each of them once.
class HeadScanner {
 public:
  /// Length of the head with its empty line, once all of it is in `bytes` (which only ever grows); 0: not yet.
  /// @error kCorrupt a line that ends in a bare LF
  Result<std::size_t> scan(std::string_view bytes);

 private:
  std::size_t seen_ = 0;
  std::size_t line_ = 0;  ///< where the current line began
};

struct MessageHead {
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
};

struct ResponseText : MessageHead {
  int status = 0;
};

struct RequestText : MessageHead {
  std::string method;
  std::string target;
  bool http_1_0 = false;
  bool expects_continue = false;
};

inline constexpr std::size_t kHeadersMax = 256;

/// Whole heads, as HeadScanner cut them. @error kCorrupt: says what is wrong, quotes nothing of it.
[[nodiscard]] Result<ResponseText> parse_response_head(std::string_view head);
[[nodiscard]] Result<RequestText> parse_request_head(std::string_view head);

/// Where the bytes of a body are, and where it ends.
class Framing {
 public:
  static Framing none() { return Framing{Kind::kLength, 0}; }
  static Framing length(std::uint64_t bytes) { return Framing{Kind::kLength, bytes}; }
  static Framing chunked() { return Framing{Kind::kChunked, 0}; }
  static Framing until_close() { return Framing{Kind::kUntilClose, UINT64_MAX}; }

  [[nodiscard]] bool complete() const { return state_ == State::kComplete; }
  [[nodiscard]] bool ends_by_itself() const { return kind_ != Kind::kUntilClose; }
  /// Body bytes that come next; 0 while framing comes next, or when complete.
  [[nodiscard]] std::uint64_t body_next() const { return state_ == State::kBody ? remaining_ : 0; }
  /// `bytes` of the body, at most body_next(), were taken.
  void took(std::uint64_t bytes);
  /// Reads framing from the front of `bytes` up to the next body byte or the end; returns how much of it that was.
  Result<std::size_t> frame(std::string_view bytes);
  /// The peer closed: true if that is how this body ends.
  bool closed();

 private:
  enum class Kind { kLength, kChunked, kUntilClose };
  enum class State {
    kSize,
    kExtension,
    kSizeEnd,
    kBody,
    kBodyReturn,
    kBodyEnd,
    kTrailer,
    kTrailerLine,
    kTrailerLineEnd,
    kEnd,
    kComplete
  };
  Framing(Kind kind, std::uint64_t remaining);
  Status step(char c);
  Status size_digit(char c);

  Kind kind_;
  State state_;
  std::uint64_t remaining_;
  unsigned digits_ = 0;
  std::size_t overhead_ = 0;  ///< extension or trailer bytes so far
};

/// How the body of this reply is framed. RFC 9112 section 6.3.
[[nodiscard]] Framing framing_of(const ResponseText& reply, std::string_view request_method);

/// True for bytes that may stand in a header value (or reason, or target): no CR, LF or NUL.
[[nodiscard]] bool is_one_line(std::string_view text);
[[nodiscard]] bool is_token(std::string_view text);
/// Appends "Name: value\r\n" each. @error kInvalid names the header; the value stays out of the text.
[[nodiscard]] Status append_headers(std::string* out, const Headers& headers);

}  // namespace ferry::net
