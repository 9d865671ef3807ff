#pragma once
// Texts of settings as values. Each function returns what is wrong with the text, without the text itself, which may be
// a secret; empty: nothing, and the value was taken over.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"
#include "plan/filter.hpp"

namespace ferry::app {

/// A whole number from `first` to `last`.
[[nodiscard]] std::string read_number(const std::string& text, std::uint64_t first, std::uint64_t last,
                                      std::uint64_t* number);
/// true, yes, on, 1 and their opposites.
[[nodiscard]] std::string read_switch(const std::string& text, bool* on);
/// "30s", "10m", "6h", "2d", or plain seconds; a second to 30 days.
[[nodiscard]] std::string read_duration(const std::string& text, Milliseconds* duration);
/// Bytes: "4096", "64K", "10M", "5G", "1T", in powers of 1024.
[[nodiscard]] std::string read_size(const std::string& text, std::optional<std::uint64_t>* bytes);
/// RFC 3339 with its zone, a date (midnight UTC), or how long ago: "36h", "7d", "52w".
[[nodiscard]] std::string read_moment(const std::string& text, std::optional<Moment>* moment);
/// Anything but nothing.
[[nodiscard]] std::string read_text(const std::string& text, std::string* into);
[[nodiscard]] std::string read_text(const std::string& text, std::optional<std::string>* into);
/// "https://host[:port]".
[[nodiscard]] std::string read_endpoint(const std::string& text, std::optional<net::Origin>* into);

template <class T>
struct Choice {
  std::string_view word;
  T value;
};

template <class T, std::size_t N>
[[nodiscard]] std::string read_choice(const std::string& text, const Choice<T> (&choices)[N], T* chosen) {
  std::string known;
  for (const auto& choice : choices) {
    if (text == choice.word) {
      *chosen = choice.value;
      return {};
    }
    known += (known.empty() ? "" : ", ") + std::string{choice.word};
  }
  return "is none of: " + known;
}

}  // namespace ferry::app
