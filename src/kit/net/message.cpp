#include "kit/net/message.hpp"

#include <array>
#include <cstring>
#include <limits>

#include "kit/base/text.hpp"

namespace ferry::net {
namespace {

constexpr std::uint64_t kLengthMax = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kOverheadMax = 16 * 1024;  // of chunk extensions, of trailers
constexpr std::size_t kHeadersUsual = 16;        // of a reply from either cloud

constexpr auto kTokenCharacters = [] {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

tl::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorKind::kCorrupt, "not proper HTTP: " + std::string(what));
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view take_line(std::string_view* head) {
  const auto end = head->find("\r\n");
  const auto line = head->substr(0, end);
  head->remove_prefix(end + 2);
  return line;
}

/// Calls `each` for every member of a comma-separated list.
template <class Each>
void for_each_member(std::string_view list, Each each) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    each(trim_blanks(list.substr(0, comma)));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

Status read_content_length(std::string_view value, std::optional<std::uint64_t>* length) {
  if (length->has_value()) return corrupt("Content-Length is given twice");
  std::uint64_t bytes = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return corrupt("Content-Length is not a number");
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (bytes > (kLengthMax - digit) / 10) return corrupt("Content-Length is beyond 2^63 - 1");
    bytes = bytes * 10 + digit;
  }
  if (value.empty()) return corrupt("Content-Length is empty");
  *length = bytes;
  return Unit{};
}

/// What a header means for the message itself.
Status note_header(std::string_view name, std::string_view value, MessageHead* head) {
  if (iequals(name, "content-length")) return read_content_length(value, &head->content_length);
  if (iequals(name, "transfer-encoding")) {
    if (head->chunked || !iequals(value, "chunked")) return corrupt("a Transfer-Encoding other than chunked");
    head->chunked = true;
  } else if (iequals(name, "connection")) {
    for_each_member(value, [head](std::string_view option) {
      if (iequals(option, "close")) head->keep_alive = false;
      if (iequals(option, "keep-alive")) head->keep_alive = true;
    });
  }
  return Unit{};
}

Status parse_headers(std::string_view lines, MessageHead* head) {
  head->headers.reserve(kHeadersUsual);
  for (auto line = take_line(&lines); !line.empty(); line = take_line(&lines)) {
    if (line.front() == ' ' || line.front() == '\t') return corrupt("a folded header line");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return corrupt("a header line without a colon");
    const auto name = line.substr(0, colon);
    if (!is_token(name)) return corrupt("a header name with characters that no name has");
    const auto value = trim_blanks(line.substr(colon + 1));
    if (!is_one_line(value)) return corrupt("a header value with a control character");
    if (head->headers.size() == kHeadersMax) return corrupt("more than " + std::to_string(kHeadersMax) + " headers");
    if (auto noted = note_header(name, value, head); !noted) return noted;
    head->headers.add(std::string(name), std::string(value));
  }
  if (head->chunked && head->content_length) return corrupt("both Content-Length and Transfer-Encoding");
  return Unit{};
}

bool is_version(std::string_view text) { return text == "HTTP/1.1" || text == "HTTP/1.0"; }

}  // namespace

Result<std::size_t> HeadScanner::scan(std::string_view bytes) {
  while (seen_ < bytes.size()) {
    const auto* found = static_cast<const char*>(std::memchr(bytes.data() + seen_, '\n', bytes.size() - seen_));
    if (!found) {
      seen_ = bytes.size();
      break;
    }
    const auto end = static_cast<std::size_t>(found - bytes.data());
    if (end == line_ || bytes[end - 1] != '\r') return corrupt("a line that ends in a bare line feed");
    seen_ = end + 1;
    if (end - line_ == 1) return seen_;
    line_ = seen_;
  }
  return 0;
}

Result<ResponseText> parse_response_head(std::string_view head) {
  const auto line = take_line(&head);
  if (line.size() < 12 || !is_version(line.substr(0, 8)) || line[8] != ' ') return corrupt("no status line");
  if (line.size() > 12 && line[12] != ' ') return corrupt("no status line");
  ResponseText reply;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return corrupt("a status that is not a number");
    reply.status = reply.status * 10 + (c - '0');
  }
  if (reply.status < 100 || reply.status > 599) return corrupt("status " + std::to_string(reply.status));
  if (!is_one_line(line)) return corrupt("a status line with a control character");
  reply.keep_alive = line.substr(0, 8) == "HTTP/1.1";
  if (auto parsed = parse_headers(head, &reply); !parsed) return fail(std::move(parsed).error());
  return reply;
}

Result<RequestText> parse_request_head(std::string_view head) {
  const auto line = take_line(&head);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return corrupt("no request line");
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(line.substr(0, first))) return corrupt("a method with characters that no method has");
  if (!is_version(version)) return corrupt("not HTTP/1.1 or HTTP/1.0");
  if (target.empty()) return corrupt("an empty request target");
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return corrupt("a request target with a blank or control character");
  }

  RequestText request;
  request.method = line.substr(0, first);
  request.target = target;
  request.http_1_0 = version == "HTTP/1.0";
  request.keep_alive = !request.http_1_0;
  if (auto parsed = parse_headers(head, &request); !parsed) return fail(std::move(parsed).error());
  int hosts = 0;
  for (const auto& [name, value] : request.headers) {
    if (iequals(name, "host")) ++hosts;
    if (iequals(name, "expect")) request.expects_continue = !request.http_1_0 && iequals(value, "100-continue");
  }
  if (hosts > 1 || (hosts == 0 && !request.http_1_0)) return corrupt("not exactly one Host");
  if (request.chunked && request.http_1_0) return corrupt("chunks in HTTP/1.0");
  return request;
}

Framing::Framing(Kind kind, std::uint64_t remaining)
    : kind_(kind), state_(kind == Kind::kChunked ? State::kSize : State::kBody), remaining_(remaining) {
  if (kind == Kind::kLength && remaining == 0) state_ = State::kComplete;
}

void Framing::took(std::uint64_t bytes) {
  if (kind_ == Kind::kUntilClose) return;
  remaining_ -= bytes;
  if (remaining_ == 0) state_ = kind_ == Kind::kChunked ? State::kBodyReturn : State::kComplete;
}

bool Framing::closed() {
  if (kind_ == Kind::kUntilClose) state_ = State::kComplete;
  return complete();
}

Result<std::size_t> Framing::frame(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::kBody && state_ != State::kComplete) {
    if (auto stepped = step(bytes[used]); !stepped) return fail(std::move(stepped).error());
    ++used;
  }
  return used;
}

Status Framing::size_digit(char c) {
  const int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
  if (digit < 0) return corrupt("a chunk size that is not a hexadecimal number");
  if (++digits_ > 16 || remaining_ > (kLengthMax >> 4)) return corrupt("a chunk size beyond 2^63 - 1");
  remaining_ = remaining_ * 16 + static_cast<unsigned>(digit);
  return Unit{};
}

Status Framing::step(char c) {
  const auto expect = [this, c](char wanted, State next) -> Status {
    if (c != wanted) return corrupt("a chunk that doesn't end where its size says");
    state_ = next;
    return Unit{};
  };
  switch (state_) {
    case State::kSize:
      if (digits_ > 0 && c == '\r')
        state_ = State::kSizeEnd;
      else if (digits_ > 0 && (c == ';' || c == ' ' || c == '\t'))
        state_ = State::kExtension;
      else
        return size_digit(c);
      return Unit{};
    case State::kExtension:
      if (c == '\r')
        state_ = State::kSizeEnd;
      else if (c == '\n' || c == '\0')
        return corrupt("a control character in a chunk extension");
      else if (++overhead_ > kOverheadMax)
        return corrupt("chunk extensions without end");
      return Unit{};
    case State::kSizeEnd: {
      const bool last = remaining_ == 0;
      digits_ = 0;
      return expect('\n', last ? State::kTrailer : State::kBody);
    }
    case State::kBodyReturn: return expect('\r', State::kBodyEnd);
    case State::kBodyEnd: return expect('\n', State::kSize);
    case State::kTrailer:
      if (c == '\r')
        state_ = State::kEnd;
      else if (!kTokenCharacters[static_cast<unsigned char>(c)])
        return corrupt("a malformed trailer");
      else
        state_ = State::kTrailerLine;
      return Unit{};
    case State::kTrailerLine:
      if (c == '\r')
        state_ = State::kTrailerLineEnd;
      else if (c == '\n' || c == '\0')
        return corrupt("a malformed trailer");
      else if (++overhead_ > kOverheadMax)
        return corrupt("trailers without end");
      return Unit{};
    case State::kTrailerLineEnd: return expect('\n', State::kTrailer);
    case State::kEnd: return expect('\n', State::kComplete);
    case State::kBody:
    case State::kComplete: break;
  }
  return Unit{};
}

Framing framing_of(const ResponseText& reply, std::string_view request_method) {
  if (request_method == "HEAD" || reply.status < 200 || reply.status == 204 || reply.status == 304)
    return Framing::none();
  if (reply.chunked) return Framing::chunked();
  if (reply.content_length) return Framing::length(*reply.content_length);
  return Framing::until_close();
}

bool is_one_line(std::string_view text) {
  text.remove_prefix(plain_words(text));
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\0') return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!kTokenCharacters[static_cast<unsigned char>(c)]) return false;
  }
  return !text.empty();
}

Status append_headers(std::string* out, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_token(name)) return fail(ErrorKind::kInvalid, "a header name has characters that no name may have");
    if (!is_one_line(value)) {
      return fail(ErrorKind::kInvalid, "header " + name + " has a line break or NUL in its value: it can't be sent");
    }
    out->append(name).append(": ").append(value).append("\r\n");
  }
  return Unit{};
}

}  // namespace ferry::net
