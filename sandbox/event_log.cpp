#include "sandbox/event_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <system_error>

#include "sandbox/text_out.hpp"

namespace ferry::sandbox {

Result<std::unique_ptr<EventLog>> EventLog::open(std::optional<std::string> path, std::size_t kept, Clock* clock) {
  int fd = -1;
  if (path) {
    fd = ::open(path->c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
      return fail(ErrorKind::kInvalid, "event log " + *path + ": " + std::generic_category().message(errno));
    }
  }
  return std::unique_ptr<EventLog>(new EventLog(fd, kept, clock));
}

EventLog::~EventLog() {
  flush();
  if (fd_ >= 0) ::close(fd_);
}

void EventLog::request(const RequestEvent& event) {
  const std::lock_guard lock(mutex_);
  auto& counter = counters_[std::string(event.service)][std::string(event.operation)];
  ++counter.requests;
  counter.bytes_in += event.bytes_in;
  counter.bytes_out += event.bytes_out;
  counter.messages += event.messages;
  ++counter.status[event.status];
  if (fd_ < 0 && kept_ == 0) return;

  std::string fields = "\"event\":\"request\",\"service\":\"";
  fields.append(event.service).append("\",\"op\":\"").append(event.operation).append("\",\"bucket\":");
  append_json(&fields, event.bucket);
  fields += ",\"key\":";
  append_json(&fields, event.key);
  fields += fmt::format(",\"status\":{},\"in\":{},\"out\":{}", event.status, event.bytes_in, event.bytes_out);
  if (!event.range.empty()) {
    fields += ",\"range\":";
    append_json(&fields, event.range);
  }
  if (event.messages != 0) fields += fmt::format(",\"messages\":{}", event.messages);
  if (event.generation != 0) fields += fmt::format(",\"generation\":\"{}\"", event.generation);
  if (!event.fault.empty()) {
    fields += ",\"fault\":";
    append_json(&fields, event.fault);
  }
  append(fields);
}

void EventLog::note(std::string_view fields) {
  const std::lock_guard lock(mutex_);
  if (fd_ >= 0 || kept_ > 0) append(fields);
}

void EventLog::append(std::string_view fields) {
  using std::chrono::duration_cast;
  const auto now = duration_cast<Milliseconds>(clock_->wall().time_since_epoch()).count();
  auto line = fmt::format("{{\"n\":{},\"ms\":{},{}}}\n", ++last_, now, fields);
  if (fd_ >= 0) {
    constexpr std::size_t kWriteBytes = 64 * 1024;
    unwritten_ += line;
    if (unwritten_.size() >= kWriteBytes) flush_locked();
  }
  if (kept_ > 0) {
    if (lines_.size() == kept_) lines_.pop_front();
    lines_.push_back(std::move(line));
  }
}

std::string EventLog::read(std::uint64_t after, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const auto first = last_ - lines_.size() + 1;  // number of the oldest line that is kept
  std::string text;
  const auto skipped = after + 1 > first ? after + 1 - first : 0;
  for (std::size_t i = skipped; i < lines_.size() && i - skipped < limit; ++i) text += lines_[i];
  return text;
}

std::string EventLog::counters() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  JsonObject services(&text);
  for (const auto& [service, operations] : counters_) {
    JsonObject of_service(services.name(service));
    for (const auto& [operation, counter] : operations) {
      JsonObject of_operation(of_service.name(operation));
      of_operation.number("requests", counter.requests)
          .number("bytes_in", counter.bytes_in)
          .number("bytes_out", counter.bytes_out);
      if (counter.messages != 0) of_operation.number("messages", counter.messages);
      JsonObject by_status(of_operation.name("status"));
      for (const auto& [status, count] : counter.status) by_status.number(std::to_string(status), count);
      by_status.end();
      of_operation.end();
    }
    of_service.end();
  }
  services.end();
  return text;
}

void EventLog::reset() {
  const std::lock_guard lock(mutex_);
  counters_.clear();
  lines_.clear();
}

void EventLog::flush() {
  const std::lock_guard lock(mutex_);
  flush_locked();
}

void EventLog::flush_locked() {
  for (std::string_view rest = unwritten_; fd_ >= 0 && !rest.empty();) {
    const auto written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;  // a full disk must not end the servers; the lines stay readable through read()
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  unwritten_.clear();
}

}  // namespace ferry::sandbox
