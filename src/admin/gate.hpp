#pragma once
// Who may come in, and how often one may guess. No I/O.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"

namespace ferry::admin {

inline constexpr std::size_t kCredentialBytesMax = 256;  ///< of a name, of a password

/// Name and password in a block whose size depends on neither, so that hashing it is the same work for every guess.
using CredentialBlock = std::array<char, 2 * (2 + kCredentialBytesMax)>;
/// All zeros, which is nobody's, if one of them is too long.
[[nodiscard]] CredentialBlock credential_block(std::string_view user, std::string_view password);

/// Where guesses are counted: an IPv4 address, or the /64 of an IPv6 address, whose owner has all of it.
[[nodiscard]] std::string guess_source(const std::string& peer);

/// Knows only the digest of the one right name and password. One thread.
///
/// Wrong guesses are counted per source. The first few cost the guesser a moment each; after that each one shuts the
/// door for that source, twice as long every time, and nothing is compared while it is shut. A guess that was made
/// lately is late, but no new guess: a script with an old password must not shut the door to all who share its
/// address, as those behind a proxy do. The table of sources has an upper bound: the one that has been quiet for
/// longest is forgotten first.
class Gate {
 public:
  enum class Verdict {
    kWelcome,
    kNobody,   ///< no credentials: ask for them
    kWrong,    ///< answer after `wait`
    kTooMany,  ///< come back after `wait`; was not even looked at
  };
  struct Judgement {
    Verdict verdict;
    Milliseconds wait{0};
    std::uint32_t guesses = 0;  ///< wrong ones of this source so far
  };

  static constexpr std::uint32_t kFreeGuesses = 5;
  static constexpr Milliseconds kDelay{250};
  static constexpr Milliseconds kShutMax{60'000};
  static constexpr Milliseconds kForgotten{15 * 60'000};
  static constexpr std::size_t kSourcesMax = 1'024;
  static constexpr std::size_t kRepeatsKnown = 4;  ///< of the latest guesses

  Gate(std::string_view user, std::string_view password, Clock* clock);

  /// @param authorization  the header's value; nothing: there was none
  Judgement judge(std::optional<std::string_view> authorization, const std::string& peer);
  [[nodiscard]] std::size_t sources() const { return sources_.size(); }

 private:
  struct Source {
    std::uint32_t guesses = 0;
    SteadyTime last;
    SteadyTime shut_until;
    std::array<std::string, kRepeatsKnown> lately;  ///< digests
  };
  /// Of name and password; empty if that is not what it holds.
  [[nodiscard]] static std::string read(std::string_view authorization);
  Judgement wrong(const std::string& name, std::string digest, SteadyTime now);
  void make_room();

  std::string digest_;
  Clock* clock_;
  std::map<std::string, Source> sources_;
};

}  // namespace ferry::admin
