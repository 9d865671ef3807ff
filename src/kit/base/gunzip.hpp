#pragma once
// gzip, unpacked as it arrives. @see RFC 1952

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "kit/base/error.hpp"

namespace ferry {

/// One file, perhaps of several members. Memory stays below 200 KiB whatever comes.
class Gunzip {
 public:
  using Sink = std::function<Status(std::string_view bytes)>;  ///< an error ends it, and is handed on

  /// `ratio_max`: how many times its packed size a file may become, before it counts as a bomb.
  explicit Gunzip(std::uint64_t ratio_max);
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  /// @error kCorrupt: not gzip, damaged, or a bomb; names the offset in the packed file
  [[nodiscard]] Status feed(std::string_view packed, const Sink& sink);
  /// @error kCorrupt: it ends in the middle
  [[nodiscard]] Status finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ferry
