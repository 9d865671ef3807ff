#include "state/redis/protocol.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <limits>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::redis {
namespace {

constexpr std::size_t kElementsMax = 4'000'000;  // of one array: what a page of ours can't reach
constexpr std::size_t kShownMax = 200;           // bytes of a server's error in ours
constexpr std::size_t kArgumentBytes = 64;       // what one of a script's takes, about

/// hiredis reserves an array as soon as its length is announced.
template <class Size>
void* create_array(const redisReadTask* task, Size elements);

const redisReplyObjectFunctions& library_functions() {
  static const redisReplyObjectFunctions functions = [] {
    redisReader* reader = redisReaderCreate();
    const auto copy = *reader->fn;
    redisReaderFree(reader);
    return copy;
  }();
  return functions;
}

template <class Size>
void* create_array(const redisReadTask* task, Size elements) {
  if (elements > 0 && static_cast<std::size_t>(elements) > kElementsMax) return nullptr;
  return library_functions().createArray(task, elements);
}

redisReplyObjectFunctions* careful_functions() {
  static redisReplyObjectFunctions functions = [] {
    auto copy = library_functions();
    copy.createArray = create_array;
    return copy;
  }();
  return &functions;
}

std::string sha1_hex(std::string_view text) {
  const auto hash = make_hash(HashKind::kSha1);
  hash->update(text);
  return hex(hash->digest().bytes);
}

struct Meaning {
  std::string_view sign;  ///< in the server's text
  ErrorKind kind;
  std::string_view says;
};
// Errors inside of a script carry the code of their cause somewhere in their text, so each is searched for.
constexpr std::array kMeanings{
    Meaning{"WRONGPASS", ErrorKind::kDenied, "refuses our user or password: check both"},
    Meaning{"invalid password", ErrorKind::kDenied, "refuses our password: check it"},
    Meaning{"NOAUTH", ErrorKind::kDenied, "wants a password: set one"},
    Meaning{"no password is set", ErrorKind::kDenied, "has no password for this user, yet we have one: remove it here"},
    Meaning{"NOPERM", ErrorKind::kDenied, "our user lacks a permission: grant it by ACL SETUSER"},
    Meaning{"can't run this command", ErrorKind::kDenied, "our user lacks a permission: grant it by ACL SETUSER"},
    Meaning{"can't access", ErrorKind::kDenied, "our user lacks a permission: grant it by ACL SETUSER"},
    Meaning{"OOM", ErrorKind::kUnavailable, "is full: raise its maxmemory, or free some"},
    Meaning{"READONLY", ErrorKind::kUnavailable, "is a replica now: waiting for the new master"},
    Meaning{"LOADING", ErrorKind::kUnavailable, "is loading its data"},
    Meaning{"NOREPLICAS", ErrorKind::kUnavailable, "has too few replicas to write (min-replicas-to-write)"},
    Meaning{"MASTERDOWN", ErrorKind::kUnavailable, "has lost its master"},
    Meaning{"CLUSTERDOWN", ErrorKind::kUnavailable, "its cluster is down"},
    Meaning{"TRYAGAIN", ErrorKind::kUnavailable, "its cluster is moving our keys"},
    Meaning{"MISCONF", ErrorKind::kUnavailable, "can't save its data and refuses to write: check its disk"},
    Meaning{"BUSY", ErrorKind::kUnavailable, "is busy with a long script"},
    Meaning{"max number of clients", ErrorKind::kUnavailable, "has too many clients: raise its maxclients"},
};

}  // namespace

Script::Script(std::string source) : text(std::move(source)), sha1(sha1_hex(text)) {}

void Commands::number_line(char mark, std::uint64_t number) {
  std::array<char, 24> line{mark};
  auto* end = std::to_chars(line.data() + 1, line.data() + line.size() - 2, number).ptr;
  *end++ = '\r';
  *end++ = '\n';
  bytes_.append(line.data(), end);
}

Commands& Commands::command(std::string_view name, std::size_t arguments) {
  starts_.push_back(bytes_.size());
  number_line('*', arguments);
  return arg(name);
}

Commands& Commands::call(const Script* script, std::size_t keys, std::size_t values) {
  assert(!script_ || script_ == script);
  script_ = script;
  const auto more = bytes_.size() + kArgumentBytes * (keys + values + 3);
  if (more > bytes_.capacity()) bytes_.reserve(std::max(more, 2 * bytes_.capacity()));
  return command("EVALSHA", 3 + keys + values).arg(script->sha1).arg(static_cast<std::int64_t>(keys));
}

Commands& Commands::arg(std::string_view bytes) {
  number_line('$', bytes.size());
  bytes_.append(bytes).append("\r\n");
  return *this;
}

Commands& Commands::arg(std::int64_t number) {
  std::array<char, 24> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return arg(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

std::string_view Commands::at(std::size_t index) const {
  const auto start = starts_[index];
  const auto end = index + 1 < starts_.size() ? starts_[index + 1] : bytes_.size();
  return std::string_view(bytes_).substr(start, end - start);
}

bool ReplyView::is_error(std::string_view code) const {
  const auto text = error();
  return text.starts_with(code) && (text.size() == code.size() || text[code.size()] == ' ');
}

std::string_view ReplyView::error() const { return is_error() ? std::string_view(reply_->str, reply_->len) : ""; }

std::optional<std::string_view> ReplyView::text() const {
  if (reply_->type != REDIS_REPLY_STRING && reply_->type != REDIS_REPLY_STATUS) return std::nullopt;
  return std::string_view(reply_->str, reply_->len);
}

std::optional<std::int64_t> ReplyView::integer() const {
  if (reply_->type != REDIS_REPLY_INTEGER) return std::nullopt;
  return reply_->integer;
}

Decoder::Decoder(std::size_t reply_bytes_max)
    : reader_(redisReaderCreateWithFunctions(careful_functions())), reply_bytes_max_(reply_bytes_max) {}

void Decoder::feed(std::string_view bytes) {
  open_bytes_ += bytes.size();
  redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

Result<std::optional<Reply>> Decoder::next() {
  void* made = nullptr;
  if (redisReaderGetReply(reader_.get(), &made) != REDIS_OK) {
    return fail(ErrorKind::kUnavailable, "answers with something else than RESP (" +
                                             printable(std::string_view(reader_->errstr)) + "): is it a Redis?");
  }
  if (made) {
    open_bytes_ = reader_->len - reader_->pos;
    return Reply{static_cast<redisReply*>(made)};
  }
  if (open_bytes_ > reply_bytes_max_) {
    return fail(ErrorKind::kUnavailable, "sends a reply of more than " + human_bytes(reply_bytes_max_));
  }
  return std::nullopt;
}

Error explain(std::string_view server_error) {
  const auto shown = " (" + printable(server_error.substr(0, kShownMax)) + ")";
  for (const auto& meaning : kMeanings) {
    if (server_error.find(meaning.sign) != std::string_view::npos) {
      return Error{meaning.kind, std::string{meaning.says} + shown};
    }
  }
  return Error{ErrorKind::kUnavailable, "refuses a request" + shown};
}

}  // namespace ferry::redis
