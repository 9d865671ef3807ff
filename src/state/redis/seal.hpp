#pragma once
// Secrets at rest in a place that others can read: AES-256-GCM.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"

namespace ferry::redis {

class Seal {
 public:
  /// The key is derived by scrypt: some 50 ms, 16 MiB, once. `salt` is public.
  Seal(std::string_view secret, std::string_view salt, Rng* rng);
  ~Seal();  ///< wipes the key
  Seal(const Seal&) = delete;
  Seal& operator=(const Seal&) = delete;

  /// @param place  what it belongs to: elsewhere it can't be opened
  [[nodiscard]] std::string close(std::string_view plain, std::string_view place) const;
  /// Nothing: damaged, from elsewhere, or closed with another secret.
  [[nodiscard]] std::optional<std::string> open(std::string_view sealed, std::string_view place) const;

 private:
  std::array<unsigned char, 32> key_{};
  Rng* rng_;
};

}  // namespace ferry::redis
