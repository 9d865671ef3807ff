#pragma once
// What happened at the boundary, append-only: every request, and every commit with the digest of its bytes. Any thread.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"
#include "kit/base/error.hpp"

namespace ferry::sandbox {

/// One request, as it looked from outside.
struct RequestEvent {
  std::string_view service;  ///< s3, gcs, token, pubsub (there `bucket` is a topic or subscription, `status` gRPC's)
  std::string_view operation;
  std::string_view bucket, key;
  std::string_view range;  ///< as sent: Range of a GET, Content-Range of an upload
  std::string_view fault;  ///< the fields of the fault instruction that was applied; empty: none
  std::uint64_t generation = 0;
  int status = 0;                             ///< 0: the connection was broken before an answer
  std::uint64_t bytes_in = 0, bytes_out = 0;  ///< bodies, without heads and chunk framing
  std::uint64_t messages = 0;                 ///< pubsub: messages or ack ids
};

class EventLog {
 public:
  /// @param path  appended to; nothing: memory only
  /// @param kept  how many of the newest lines stay readable through read()
  /// @error kInvalid: the file can't be opened; names it
  [[nodiscard]] static Result<std::unique_ptr<EventLog>> open(std::optional<std::string> path, std::size_t kept,
                                                              Clock* clock);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void request(const RequestEvent& event);
  /// `fields`: JSON members without braces, from "event" on. The log adds the running number "n" and the time "ms".
  void note(std::string_view fields);

  /// Lines with n > `after`, at most `limit`, each with its line feed.
  [[nodiscard]] std::string read(std::uint64_t after, std::size_t limit) const;
  /// {"s3":{"GetObject":{"requests":1,"bytes_in":0,"bytes_out":5,"status":{"200":1}}},…}
  [[nodiscard]] std::string counters() const;
  void reset();  ///< counters to zero, kept lines dropped; the file and the running number go on
  void flush();  ///< buffered lines to the file

 private:
  struct Counter {
    std::uint64_t requests = 0, bytes_in = 0, bytes_out = 0, messages = 0;
    std::map<int, std::uint64_t> status;
  };
  EventLog(int fd, std::size_t kept, Clock* clock) : fd_(fd), kept_(kept), clock_(clock) {}
  void append(std::string_view fields);
  void flush_locked();

  const int fd_;
  const std::size_t kept_;
  Clock* const clock_;
  mutable std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::deque<std::string> lines_;
  std::string unwritten_;
  std::map<std::string, std::map<std::string, Counter, std::less<>>, std::less<>> counters_;
};

}  // namespace ferry::sandbox
