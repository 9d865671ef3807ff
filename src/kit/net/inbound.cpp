#include "kit/net/inbound.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace ferry::net {
namespace {
constexpr std::size_t kStepMax = 64 * 1024;
constexpr std::size_t kBuffer = 8 * 1024;  // a head, and with it the whole body of a small object
}  // namespace

Task<Result<std::size_t>> Inbound::fill() {
  if (taken_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + taken_, filled_ - taken_);
    filled_ -= std::exchange(taken_, 0);
  }
  if (room_ == filled_) grow();
  auto got = co_await conn_->read_some({buffer_.get() + filled_, room_ - filled_});
  if (got) filled_ += *got;
  co_return got;
}

void Inbound::grow() {
  const auto room = std::max(kBuffer, room_ * 2);
  auto larger = std::make_unique_for_overwrite<char[]>(room);
  if (filled_ > 0) std::memcpy(larger.get(), buffer_.get(), filled_);
  buffer_ = std::move(larger);
  room_ = room;
}

Task<Result<std::string_view>> Inbound::head() {
  begun_ = has_rest();
  HeadScanner scanner;
  for (;;) {
    auto length = scanner.scan(buffered());
    if (!length) co_return fail(std::move(length).error());
    if (*length > head_bytes_max_ || (*length == 0 && buffered().size() > head_bytes_max_)) {
      over_limit_ = true;
      co_return fail(ErrorKind::kCorrupt,
                     "not proper HTTP: a head of more than " + std::to_string(head_bytes_max_) + " bytes");
    }
    if (*length > 0) {
      const auto text = buffered().substr(0, *length);
      taken_ += *length;
      co_return text;
    }
    auto got = co_await fill();
    if (!got) co_return fail(std::move(got).error());
    if (*got == 0 && !begun_) co_return std::string_view{};
    if (*got == 0) co_return fail(ErrorKind::kUnavailable, "connection closed within a head");
    begun_ = true;
  }
}

std::size_t Inbound::copy_out(std::span<char> into) {
  const auto bytes = std::min(into.size(), buffered().size());
  std::memcpy(into.data(), buffered().data(), bytes);
  taken_ += bytes;
  return bytes;
}

/// Reads framing until body bytes come next, or the body is complete.
Task<Status> Inbound::next_body_byte() {
  while (framing_.body_next() == 0 && !framing_.complete()) {
    if (!has_rest()) {
      auto got = co_await fill();
      if (!got) co_return fail(std::move(got).error());
      if (*got == 0) co_return fail(ErrorKind::kUnavailable, "connection closed before the body was complete");
    }
    auto used = framing_.frame(buffered());
    if (!used) co_return fail(std::move(used).error());
    taken_ += *used;
  }
  co_return Unit{};
}

Task<Result<std::size_t>> Inbound::read(std::span<char> into) {
  assert(!into.empty());
  if (framing_.body_next() == 0 && !framing_.complete()) {
    if (auto ready = co_await next_body_byte(); !ready) co_return fail(std::move(ready).error());
  }
  if (framing_.complete()) co_return 0;
  into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), framing_.body_next())));
  std::size_t bytes = 0;
  if (has_rest()) {
    bytes = copy_out(into);
  } else {
    rest();
    auto got = co_await conn_->read_some(into);
    if (!got) co_return got;
    bytes = *got;
  }
  if (bytes == 0) {
    if (framing_.closed()) co_return 0;
    co_return fail(ErrorKind::kUnavailable, "connection closed before the body was complete");
  }
  framing_.took(bytes);
  // The end may be here already: know it now, so that the connection is free for the next request.
  auto used = framing_.frame(buffered());
  if (!used) co_return fail(std::move(used).error());
  taken_ += *used;
  co_return bytes;
}

Task<Result<std::string>> Inbound::read_all(std::size_t limit) {
  std::string text;
  const auto too_much = [limit] {
    return fail(ErrorKind::kCorrupt, "a body of more than the " + std::to_string(limit) + " bytes expected here");
  };
  while (!framing_.complete()) {
    const auto next = framing_.body_next();  // 0 or huge: not known
    const auto step = next == 0 || next > kStepMax ? kStepMax : static_cast<std::size_t>(next);
    const auto filled = text.size();
    text.resize(filled +
                std::clamp<std::size_t>(limit - filled, 1, step));  // with no room left, one byte too many tells
    auto got = co_await read(std::span(text).subspan(filled));
    if (!got) co_return fail(std::move(got).error());
    text.resize(filled + *got);
    if (text.size() > limit) co_return too_much();
  }
  co_return text;
}

void Inbound::rest() {
  if (has_rest()) return;
  buffer_.reset();
  room_ = taken_ = filled_ = 0;
}

}  // namespace ferry::net
