#pragma once
// A job's keys in Redis, and how to ask for what they hold.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "domain/object_key.hpp"
#include "state/redis/lane.hpp"

namespace ferry::redis {

/// Threads: any.
class JobSpace {
 public:
  static constexpr std::size_t kFirst = 1;  ///< replies that may name another layout: the first, or any
  static constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

  /// `client` must outlive it. @param role  "state", "board": for messages
  JobSpace(Client* client, const std::string& job, std::string_view role, std::uint64_t expected_objects);

  [[nodiscard]] Client* client() const { return client_; }
  [[nodiscard]] std::string key(std::string_view kind, std::string_view name = {}) const;

  /// A power of two; the job's own number once somebody has asked or written.
  [[nodiscard]] std::uint64_t buckets() const { return buckets_.load(); }
  /// Buckets are numbered up to twice that: the second half is for long keys, of which one would spoil the compact form
  /// for the others.
  [[nodiscard]] std::string bucket(std::uint64_t number) const;
  [[nodiscard]] std::string bucket(const ObjectKey& key, std::uint64_t buckets) const;
  [[nodiscard]] const std::string& layout_key() const { return layout_key_; }
  [[nodiscard]] static std::string layout(std::uint64_t buckets) { return "1:" + std::to_string(buckets); }

  /// The replies. A value of another type under one of our names is an error reply that says WRONGTYPE.
  /// @error kUnavailable  any other error
  Task<Result<Replies>> ask(Commands commands);
  /// The same without looking at them; no requests are a success.
  Task<Status> tell(Commands commands);

  /// Sends what `make(buckets)` makes; anew if one of the first `witnesses` replies names another layout.
  template <class Make>
  Task<Result<Replies>> by_layout(const Make* make, std::size_t witnesses) {
    for (int layouts = 0; layouts < kLayoutsMax; ++layouts) {
      auto replies = co_await ask((*make)(buckets()));
      if (!replies) co_return replies;
      bool other = false;
      for (std::size_t i = 0; i < std::min(witnesses, replies->size()); ++i) other |= adopt((*replies)[i].view());
      if (!other) co_return replies;
    }
    co_return fail(ErrorKind::kUnavailable, role_ +
                                                ": its layout changes again and again: do processes with different "
                                                "settings run while its memory is being emptied?");
  }
  Task<Status> learn_layout();

 private:
  static constexpr int kLayoutsMax = 3;  ///< that one call puts up with

  /// True if this names another layout, which holds from now on.
  bool adopt(const ReplyView& reply);

  Client* const client_;
  Lane* const lane_;
  const std::string role_, prefix_, layout_key_;
  std::atomic<std::uint64_t> buckets_;
};

}  // namespace ferry::redis
