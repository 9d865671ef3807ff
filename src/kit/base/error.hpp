#pragma once
// Failures as values. An ErrorKind is named by what the caller does next; the text carries place, value and remedy.
// Replies from the network, users and messages are data: they become an Error, never an assertion.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace ferry {

enum class ErrorKind {
  kGone,      ///< no longer there                              → record it, drop the message
  kChanged,   ///< there, but not the version planned           → superseded; a later scan plans again
  kConflict,  ///< another writer reached the target first      → compare, then skip or plan again
  kDenied,    ///< credentials or policy refuse us              → ledger; if it hits a listing, stop and tell a person
  kArchived,  ///< in a class that must be restored first       → ledger "archived", pick up when restored
  kLimit,     ///< the other side can't hold it as it is        → ledger, no retry
  kInvalid,   ///< the request can't succeed as it stands       → no retry: ledger for an object, exit for a setting
  kCorrupt,   ///< bytes disagree with their checksum or length → abandon the upload, start over, at last: ledger
  kUnavailable,  ///< throttled, 5xx, timeout, reset               → back off, retry, at last give the message back
  kCancelled,    ///< we were asked to stop                        → give the message back
};

[[nodiscard]] std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind;
  std::string what;  ///< outermost first: "copy logs/a.gz: read [0, 8388608): 503 SlowDown"
  std::optional<std::chrono::milliseconds> retry_after = std::nullopt;  ///< the server's wish, if it sent one

  Error(ErrorKind k, std::string text, std::optional<std::chrono::milliseconds> wish = std::nullopt)
      : kind(k), what(std::move(text)), retry_after(wish) {}

  /// Adds this layer's single clause. Each layer speaks once; only the outermost one logs.
  [[nodiscard]] Error during(std::string_view action) && {
    what.insert(0, std::string{action} + ": ");
    return std::move(*this);
  }
};

/// A T or an Error. Use `tl::unexpected(Error{…})`, or `fail(kind, text)`, to return the latter.
template <class T>
using Result = tl::expected<T, Error>;

struct Unit {};  ///< "done": the T of an operation that returns nothing
using Status = Result<Unit>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string what) {
  return tl::unexpected<Error>(Error{kind, std::move(what)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace ferry
