#pragma once
// How often this process has given a message back, for brokers that don't tell.

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ferry::pubsub {

/// Bounded: of more than `capacity` messages, the one that came back longest ago is forgotten. Not thread-safe.
class Attempts {
 public:
  explicit Attempts(std::size_t capacity) : capacity_(capacity) {}
  void given_back(const std::string& message_id);
  [[nodiscard]] std::uint32_t times(const std::string& message_id) const;
  void forget(const std::string& message_id);  ///< it won't come again

 private:
  struct Seen {
    std::string message_id;
    std::uint32_t times = 0;
  };
  const std::size_t capacity_;
  std::list<Seen> seen_;  ///< the latest first
  std::unordered_map<std::string_view, std::list<Seen>::iterator> places_;
};

}  // namespace ferry::pubsub
