#pragma once
// The receiving half of an HTTP connection: heads, then bodies by their framing. What was read beyond a message stays
// for the next one.

#include <memory>
#include <string>
#include <string_view>

#include "kit/net/conn.hpp"
#include "kit/net/message.hpp"

namespace ferry::net {

class Inbound {
 public:
  Inbound(Conn* conn, std::size_t head_bytes_max) : conn_(conn), head_bytes_max_(head_bytes_max) {}

  /// The next head with its empty line; valid until the next call of anything here. Empty: the peer ended its stream
  /// before the first byte. @error kCorrupt malformed or over the limit · kUnavailable the connection broke
  Task<Result<std::string_view>> head();
  /// What follows the head just read.
  void expect(Framing framing) { framing_ = framing; }
  /// Up to into.size() (not 0) body bytes; 0 = complete.
  Task<Result<std::size_t>> read(std::span<char> into);
  /// The rest of the body. @error kCorrupt more than `limit`
  Task<Result<std::string>> read_all(std::size_t limit);

  [[nodiscard]] bool complete() const { return framing_.complete(); }
  /// Bytes beyond what was asked for are here.
  [[nodiscard]] bool has_rest() const { return taken_ < filled_; }
  /// At least one byte of the current head arrived.
  [[nodiscard]] bool begun() const { return begun_; }
  /// The last head was refused for its length.
  [[nodiscard]] bool over_limit() const { return over_limit_; }
  /// Gives the memory back while nothing is expected.
  void rest();

 private:
  [[nodiscard]] std::string_view buffered() const { return {buffer_.get() + taken_, filled_ - taken_}; }
  Task<Result<std::size_t>> fill();
  void grow();
  Task<Status> next_body_byte();
  std::size_t copy_out(std::span<char> into);

  Conn* conn_;
  std::size_t head_bytes_max_;
  Framing framing_ = Framing::none();
  std::unique_ptr<char[]> buffer_;
  std::size_t room_ = 0, taken_ = 0, filled_ = 0;
  bool begun_ = false;
  bool over_limit_ = false;
};

}  // namespace ferry::net
