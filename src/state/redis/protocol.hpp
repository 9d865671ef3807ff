#pragma once
// Redis's wire format, RESP2: requests as bytes, and replies from bytes. No I/O.

#include <hiredis/hiredis.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kit/base/error.hpp"

namespace ferry::redis {

/// A Lua program that the server keeps under its digest.
struct Script {
  explicit Script(std::string source);
  std::string text;
  std::string sha1;  ///< 40 hex digits
};

/// Requests in a row. Arguments are length-prefixed bytes, never syntax. At most one script among them.
class Commands {
 public:
  Commands() = default;

  /// Starts a request of `arguments` arguments, its name included; that many calls of arg() must follow.
  Commands& command(std::string_view name, std::size_t arguments = 1);
  /// The same for a script: `keys` and then `values` calls of arg() must follow.
  Commands& call(const Script* script, std::size_t keys, std::size_t values);
  Commands& arg(std::string_view bytes);
  Commands& arg(std::int64_t number);

  [[nodiscard]] std::size_t size() const { return starts_.size(); }
  [[nodiscard]] std::string_view at(std::size_t index) const;
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] const Script* script() const { return script_; }

 private:
  void number_line(char mark, std::uint64_t number);

  std::string bytes_;
  std::vector<std::size_t> starts_;
  const Script* script_ = nullptr;
};

/// One reply. Anything asked of it that it is not has the answer "nothing".
class ReplyView {
 public:
  explicit ReplyView(const redisReply* reply) : reply_(reply) {}
  [[nodiscard]] bool is_nil() const { return reply_->type == REDIS_REPLY_NIL; }
  [[nodiscard]] bool is_error() const { return reply_->type == REDIS_REPLY_ERROR; }
  /// True for the error with this first word.
  [[nodiscard]] bool is_error(std::string_view code) const;
  [[nodiscard]] std::string_view error() const;
  [[nodiscard]] std::optional<std::string_view> text() const;  ///< strings and statuses
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] std::size_t size() const { return is_array() ? reply_->elements : 0; }
  [[nodiscard]] bool is_array() const { return reply_->type == REDIS_REPLY_ARRAY; }
  [[nodiscard]] ReplyView at(std::size_t index) const { return ReplyView{reply_->element[index]}; }

 private:
  const redisReply* reply_;
};

class Reply {
 public:
  Reply() = default;
  explicit Reply(redisReply* reply) : reply_(reply) {}
  [[nodiscard]] explicit operator bool() const { return reply_ != nullptr; }
  [[nodiscard]] ReplyView view() const { return ReplyView{reply_.get()}; }

 private:
  struct Free {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  std::unique_ptr<redisReply, Free> reply_;
};
using Replies = std::vector<Reply>;

/// Replies out of a stream. After an error it is fit for nothing but its end, and so is its connection.
class Decoder {
 public:
  explicit Decoder(std::size_t reply_bytes_max);
  void feed(std::string_view bytes);
  /// Nothing: needs more bytes. @error kUnavailable  not RESP, or a reply over the limit
  Result<std::optional<Reply>> next();

 private:
  struct Free {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };
  std::unique_ptr<redisReader, Free> reader_;
  std::size_t reply_bytes_max_;
  std::size_t open_bytes_ = 0;  ///< fed since the last whole reply
};

/// What an error reply means, with its remedy. kDenied: user, password or permission; else kUnavailable.
[[nodiscard]] Error explain(std::string_view server_error);

}  // namespace ferry::redis
