#pragma once
// Fault instructions: which requests go wrong, and how. Shared by all services; any thread.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/async/clock.hpp"
#include "kit/base/error.hpp"
#include "kit/net/http.hpp"

namespace ferry::sandbox {

/// An answer that replaces the real one.
struct FaultAnswer {
  static constexpr int kReset = -1;  ///< no answer, the peer sees RST
  static constexpr int kCut = -2;    ///< no answer, the peer sees FIN
  int status = 0;
  std::string body;
};

/// Changes the object behind the client's back when a body has passed this byte.
struct FaultMutation {
  std::uint64_t at = 0;
  std::optional<std::string> replacement;  ///< nothing: deleted
  std::string bucket, key;                 ///< empty: the object of the request
};

/// What happens to one request. Positions count the bytes of one body: the request's for uploads, else the reply's.
struct FaultAction {
  std::string text;  ///< as given, for the event log
  Milliseconds delay{0};
  std::optional<FaultAnswer> answer;       ///< instead of doing anything
  std::optional<FaultAnswer> commit_then;  ///< everything is done, then this is said
  std::optional<std::string> raw;          ///< these bytes on the socket instead of an answer, then close
  std::optional<std::string> redirect;     ///< answered with a redirect (status of `answer`, else 307) to this URL
  std::optional<std::uint64_t> cut_after, reset_after, stall_after, flip_byte, truncate_to, persist_only;
  Milliseconds stall{0};
  std::uint64_t rate = 0;  ///< bytes per second of both bodies; 0: as all others
  bool fix_length = false;
  std::optional<bool> on_request;  ///< which body; nothing: by operation
  net::Headers headers;            ///< with `answer` and `redirect`
  std::vector<std::pair<std::string, std::string>> set_headers;
  std::vector<std::string> drop_headers;
  std::optional<FaultMutation> mutation;

  // Of the broker: gRPC codes (sandbox/pubsub/watcher.hpp).
  std::optional<int> code, commit_then_code;
  bool swallow = false, duplicate = false, shuffle = false;
};

struct FaultInstruction {
  std::string service = "*", operation = "*", bucket = "*", key = "*", key_prefix;
  std::uint64_t nth = 0;    ///< only the n-th request that matches, from 1
  std::uint64_t every = 0;  ///< each n-th
  std::uint64_t after = 0;  ///< not the first n
  std::uint64_t times = 0;  ///< at most so often; 0: without end
  double probability = 1;
  std::uint64_t seed = 1;
  FaultAction action;
};

/// One instruction in JSON. @error kInvalid: names the field that isn't understood
[[nodiscard]] Result<FaultInstruction> parse_fault(std::string_view json);

class FaultTable {
 public:
  void add(FaultInstruction instruction);
  /// One instruction per line; blank lines and lines that begin with # are passed over. All or nothing.
  [[nodiscard]] Status add_lines(std::string_view lines);
  void clear();
  /// The action for this request, if an instruction fires: the first one that does.
  [[nodiscard]] std::optional<FaultAction> match(std::string_view service, std::string_view operation,
                                                 std::string_view bucket, std::string_view key);
  [[nodiscard]] std::string describe() const;  ///< [{"matched":3,"fired":1,"action":{…}},…]

 private:
  struct Entry {
    explicit Entry(FaultInstruction given) : instruction(std::move(given)), chance(instruction.seed) {}
    FaultInstruction instruction;
    std::mt19937_64 chance;
    std::uint64_t matched = 0, fired = 0;
  };
  [[nodiscard]] static bool fires(Entry* entry);
  std::atomic<bool> empty_ = true;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace ferry::sandbox
