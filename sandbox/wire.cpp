#include "sandbox/wire.hpp"

#include <algorithm>

#include "kit/base/text.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

tl::unexpected<Error> broken() { return fail(ErrorKind::kUnavailable, "connection broken by a fault instruction"); }

}  // namespace

void Wire::arm(FaultAction action, bool uploads, std::function<void(const FaultMutation&)> mutate) {
  on_request_ = action.on_request.value_or(uploads);
  if (action.rate != 0) pace_.bytes_per_second = action.rate;
  action_ = std::make_unique<FaultAction>(std::move(action));
  mutate_ = std::move(mutate);
}

Task<bool> Wire::intervene() {
  const auto wait = pace_.latency + (action_ ? action_->delay : Milliseconds{0});
  if (wait.count() > 0) co_await clock_->sleep(wait);
  if (!action_) co_return false;
  if (action_->raw) {
    (void)co_await inner_->write_raw(std::string_view(*action_->raw));
    inner_->abort(false);
    co_return true;
  }
  if (action_->redirect) {
    auto headers = action_->headers;
    headers.add("Location", *action_->redirect);
    status_ = action_->answer ? action_->answer->status : 307;
    (void)co_await inner_->respond(status_, std::move(headers), action_->answer ? action_->answer->body : "");
    co_return true;
  }
  if (action_->answer) {
    (void)co_await answer(&*action_->answer, action_->headers);
    co_return true;
  }
  co_return false;
}

Task<Status> Wire::answer(const FaultAnswer* answer, net::Headers headers) {
  if (answer->status < 0) {
    abort(answer->status == FaultAnswer::kReset);
    co_return broken();
  }
  status_ = answer->status;
  out_ += answer->body.size();
  co_return co_await inner_->respond(answer->status, altered(std::move(headers)), answer->body);
}

std::uint64_t Wire::until_next(std::uint64_t position, bool request) const {
  auto next = UINT64_MAX;
  if (!spoils(request)) return next;
  const auto consider = [&](const std::optional<std::uint64_t>& at, bool done) {
    if (at && !done && *at >= position) next = std::min(next, *at - position);
  };
  consider(action_->cut_after, false);
  consider(action_->reset_after, false);
  consider(action_->stall_after, stalled_);
  if (action_->mutation) consider(action_->mutation->at, mutated_);
  if (!request) consider(action_->truncate_to, false);
  return next;
}

/// Does what is due at this position of the body. An error: the connection is gone.
Task<Status> Wire::reach(std::uint64_t position, bool request) {
  if (broken_) co_return broken();
  if (!spoils(request)) co_return Status{};
  if (action_->mutation && !mutated_ && action_->mutation->at == position) {
    mutated_ = true;
    mutate_(*action_->mutation);
  }
  if (action_->stall_after == position && !stalled_) {
    stalled_ = true;
    co_await clock_->sleep(action_->stall);
  }
  const bool truncated = !request && action_->truncate_to == position && !action_->fix_length;
  if (action_->reset_after == position || action_->cut_after == position || truncated) {
    abort(action_->reset_after == position);
    co_return broken();
  }
  co_return Status{};
}

/// Ten pieces a second, so that a slow connection is slow all the time; at least one byte.
std::size_t Wire::paced_bytes() const { return std::clamp<std::uint64_t>(pace_.bytes_per_second / 10, 1, kReadBytes); }

Task<> Wire::keep_pace(std::size_t bytes) {
  if (pace_.bytes_per_second == 0 || bytes == 0) co_return;
  co_await clock_->sleep(Milliseconds(bytes * 1000 / pace_.bytes_per_second));
}

Task<Result<std::size_t>> Wire::read(std::span<char> into) {
  if (broken_) co_return broken();
  if (plain()) {
    auto got = co_await inner_->read(into);
    if (got) in_ += *got;
    co_return got;
  }
  if (auto alive = co_await reach(in_, true); !alive) co_return fail(std::move(alive).error());
  const auto next = until_next(in_, true);
  into = into.first(std::min<std::uint64_t>(into.size(), next == 0 ? UINT64_MAX : next));
  if (pace_.bytes_per_second != 0) into = into.first(std::min(into.size(), paced_bytes()));
  auto got = co_await inner_->read(into);
  if (!got) co_return got;
  if (spoils(true) && action_->flip_byte && *action_->flip_byte - in_ < *got) {
    into[*action_->flip_byte - in_] ^= 0x20;
  }
  in_ += *got;
  co_await keep_pace(*got);
  co_return got;
}

Task<Result<std::string>> Wire::read_all(std::size_t limit) {
  if (plain() && !broken_) {
    auto body = co_await inner_->read_all(limit);
    if (body) in_ += body->size();
    co_return body;
  }
  std::string body;
  for (;;) {
    const auto size = body.size();
    body.resize(size + kReadBytes);
    const auto got = co_await read(std::span<char>(body).subspan(size));
    if (!got) co_return fail(got.error());
    body.resize(size + *got);
    if (*got == 0) co_return body;
    if (body.size() > limit) co_return fail(ErrorKind::kCorrupt, "request body over " + human_bytes(limit));
  }
}

net::Headers Wire::altered(net::Headers headers) const {
  if (!action_ || (action_->set_headers.empty() && action_->drop_headers.empty())) return headers;
  net::Headers changed;
  for (const auto& [name, value] : headers) {
    const auto same = [&](const auto& other) {
      if constexpr (requires { other.first; })
        return iequals(other.first, name);
      else
        return iequals(other, name);
    };
    if (std::ranges::none_of(action_->set_headers, same) && std::ranges::none_of(action_->drop_headers, same)) {
      changed.add(name, value);
    }
  }
  for (const auto& [name, value] : action_->set_headers) changed.add(name, value);
  return changed;
}

Task<Status> Wire::respond(int status, net::Headers headers, std::string body) {
  if (broken_) co_return broken();
  if (plain()) {
    status_ = status;
    out_ += body.size();
    co_return co_await inner_->respond(status, std::move(headers), std::move(body));
  }
  const bool framed = status != 204 && status != 304;
  if (auto sent = co_await begin(status, std::move(headers), framed ? std::optional(body.size()) : std::nullopt);
      !sent) {
    co_return sent;
  }
  if (framed && request().method != "HEAD") {
    if (auto sent = co_await write(std::string_view(body)); !sent) co_return sent;
  }
  co_return co_await finish();
}

Task<Status> Wire::begin(int status, net::Headers headers, std::optional<std::uint64_t> length) {
  if (broken_) co_return broken();
  if (action_ && action_->commit_then) {
    swallow_ = true;
    co_return co_await answer(&*action_->commit_then, net::Headers{});
  }
  status_ = status;
  if (spoils(false) && action_->truncate_to && action_->fix_length && length) {
    length = std::min(*length, *action_->truncate_to);
  }
  co_return co_await inner_->begin(status, altered(std::move(headers)), length);
}

Task<Status> Wire::write(net::Buffers bytes) {
  if (swallow_) co_return Status{};
  if (broken_) co_return broken();
  if (plain()) {
    out_ += bytes.size();
    co_return co_await inner_->write(bytes);
  }
  for (const auto& piece : bytes.pieces()) {
    if (auto sent = co_await send(piece); !sent) co_return sent;
  }
  co_return Status{};
}

/// Up to the next position where something happens, again and again.
Task<Status> Wire::send(std::span<const char> bytes) {
  while (!bytes.empty()) {
    if (auto alive = co_await reach(out_, false); !alive) co_return alive;
    if (spoils(false) && action_->truncate_to && action_->fix_length && out_ >= *action_->truncate_to) {
      co_return Status{};
    }
    const auto next = until_next(out_, false);
    auto count = std::min<std::uint64_t>(bytes.size(), next == 0 ? bytes.size() : next);
    if (pace_.bytes_per_second != 0) count = std::min<std::uint64_t>(count, paced_bytes());
    if (auto sent = co_await send_counted(bytes.first(count)); !sent) co_return sent;
    bytes = bytes.subspan(count);
    co_await keep_pace(count);
  }
  co_return Status{};
}

Task<Status> Wire::send_counted(std::span<const char> bytes) {
  const auto start = std::exchange(out_, out_ + bytes.size());
  if (!spoils(false) || !action_->flip_byte || *action_->flip_byte < start || *action_->flip_byte >= out_) {
    co_return co_await inner_->write(bytes);
  }
  std::string copy(bytes.begin(), bytes.end());
  copy[*action_->flip_byte - start] ^= 0x20;
  co_return co_await inner_->write(std::string_view(copy));
}

Task<Status> Wire::finish() {
  if (swallow_) co_return Status{};
  if (action_) {
    if (auto alive = co_await reach(out_, false); !alive) co_return alive;
  }
  if (broken_) co_return broken();
  co_return co_await inner_->finish();
}

Task<Status> Wire::write_raw(net::Buffers bytes) { return inner_->write_raw(bytes); }

void Wire::abort(bool reset) {
  broken_ = true;
  status_ = 0;
  inner_->abort(reset);
}

}  // namespace ferry::sandbox
