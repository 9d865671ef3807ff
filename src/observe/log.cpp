#include "observe/log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <ctime>
#include <memory>
#include <mutex>

#include "kit/base/text.hpp"

namespace ferry::log {
namespace {

/// While it lives, a write to a pipe without a reader fails with EPIPE on this thread, and the process lives on.
class SigpipeGuard {
 public:
  SigpipeGuard() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~SigpipeGuard() {
    const timespec now{};
    if (raised_ && !was_pending_) sigtimedwait(&sigpipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;
  void raised() { raised_ = true; }

 private:
  sigset_t sigpipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
  bool raised_ = false;
};

/// Whole lines to stderr. A reader that stands still costs one short wait; after that its lines are dropped, and
/// counted, until it reads again: the log may never stop a transfer.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::atomic<bool> as_json{false};

  /// A line as it is; in JSON, the text of an event.
  void print(std::string_view line, std::string_view json) {
    const std::lock_guard lock{mutex_};
    if (!as_json) {
      emit(line);
      return;
    }
    spdlog::memory_buf_t buffer;
    formatter_->format({"", spdlog::level::info, spdlog::string_view_t{json.data(), json.size()}}, buffer);
    emit({buffer.data(), buffer.size()});
  }

  void pin(std::string line) {
    const std::lock_guard lock{mutex_};
    if (line == pinned_) return;
    pinned_ = std::move(line);
    if (writable(0)) put(kErase + pinned_);  // a bar that isn't drawn is no loss
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    emit({line.data(), line.size()});
  }
  void flush_() override {}

 private:
  static constexpr int kPatienceMs = 100;
  static constexpr std::size_t kPiece = 4096;  ///< PIPE_BUF: what a writable pipe takes without blocking
  static inline const std::string kErase = "\r\x1b[K";

  /// `line` ends with its line break. What is pinned stays below it.
  void emit(std::string_view line) {
    if (!writable(stalled_ ? 0 : kPatienceMs)) {
      stalled_ = true;
      ++lost_;
      return;
    }
    stalled_ = false;
    if (lost_ > 0 && put(notice_of(lost_))) lost_ = 0;
    if (lost_ > 0 || !(pinned_.empty() ? put(line) : put(kErase + std::string{line} + pinned_))) ++lost_;
  }

  static bool writable(int patience_ms) {
    pollfd stderr_ready{STDERR_FILENO, POLLOUT, 0};
    return poll(&stderr_ready, 1, patience_ms) > 0;
  }

  /// Takes the place of the lines that were lost. Ends the one that was cut off.
  std::string notice_of(std::uint64_t lines) {
    const auto text = as_json ? fmt::format(R"("event":"log.dropped","lines":{})", lines)
                              : fmt::format("log.dropped lines={}", lines);
    spdlog::memory_buf_t buffer;
    formatter_->format({"", spdlog::level::warn, text}, buffer);
    return (cut_ ? "\n" : "") + fmt::to_string(buffer);
  }

  /// False if stderr stands still, or does not take it at all (closed, disk full): nowhere to complain.
  bool put(std::string_view line) {
    SigpipeGuard guard;
    const auto whole = line.size();
    while (!line.empty()) {
      stalled_ = !writable(kPatienceMs);
      const auto written = stalled_ ? -1 : ::write(STDERR_FILENO, line.data(), std::min(line.size(), kPiece));
      if (written < 0) {
        if (!stalled_ && (errno == EINTR || errno == EAGAIN)) continue;
        if (!stalled_ && errno == EPIPE) guard.raised();
        cut_ = cut_ || line.size() < whole;
        return false;
      }
      line.remove_prefix(static_cast<std::size_t>(written));
    }
    cut_ = false;
    return true;
  }

  std::string pinned_;
  bool stalled_ = false;
  bool cut_ = false;  ///< the last line that stderr took has no end yet
  std::uint64_t lost_ = 0;
};

/// The process's one stderr has one logger. Never destroyed: other statics may log while the program ends.
struct Output {
  std::shared_ptr<StderrSink> sink = std::make_shared<StderrSink>();
  spdlog::logger logger{"", sink};
  Output() {
    logger.set_error_handler([](const std::string&) {});
    set_format(Format::kText);
  }
  void set_format(Format format) {
    constexpr auto* kText = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
    constexpr auto* kJson = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";
    sink->as_json = format == Format::kJson;
    logger.set_pattern(format == Format::kJson ? kJson : kText, spdlog::pattern_time_type::utc);
  }
};

Output& output() {
  static auto* const instance = new Output;
  return *instance;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarning: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// In double quotes. printable() leaves nothing else that could end the string, or the line.
void append_quoted(std::string& line, std::string_view value, std::string_view escaped) {
  line += '"';
  for (const char c : printable(value)) {
    if (escaped.find(c) != std::string_view::npos) line += '\\';
    line += c;
  }
  line += '"';
}

void append_json(std::string& line, std::string_view value) { append_quoted(line, value, "\"\\"); }

struct JsonValue {
  std::string& line;
  void operator()(const std::string& value) const { append_json(line, value); }
  void operator()(double value) const { line += std::isfinite(value) ? fmt::to_string(value) : "null"; }
  void operator()(auto value) const { line += fmt::to_string(value); }
};

struct TextValue {
  std::string& line;
  void operator()(const std::string& value) const { append_quoted(line, value, "\""); }  // \ is two already
  void operator()(auto value) const { line += fmt::to_string(value); }
};

std::string json_line(std::string_view event, std::initializer_list<Field> fields) {
  std::string line = R"("event":)";
  append_json(line, event);
  for (const auto& field : fields) {
    line += ',';
    append_json(line, field.key);
    line += ':';
    std::visit(JsonValue{line}, field.value);
  }
  return line;
}

std::string text_line(std::string_view event, std::initializer_list<Field> fields) {
  auto line = printable(event);
  for (const auto& field : fields) {
    line += ' ';
    line += printable(field.key);
    line += '=';
    std::visit(TextValue{line}, field.value);
  }
  return line;
}

/// A closed descriptor 0, 1 or 2 would be given to the next file or socket, and then it would get our lines.
void occupy_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) close(fd);
}

}  // namespace

void configure(Level level, Format format) {
  occupy_standard_streams();
  output().set_format(format);
  output().logger.set_level(spdlog_level(level));
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) try {
  auto& [sink, logger] = output();
  if (!logger.should_log(spdlog_level(level))) return;
  const auto line = sink->as_json ? json_line(event, fields) : text_line(event, fields);
  logger.log(spdlog_level(level), spdlog::string_view_t{line});
} catch (...) {
  return;  // no memory for a line: the event is lost, the work is not
}

void print(std::string_view line) {
  const std::string text{line};
  output().sink->print(text + "\n", json_line("note", {{"text", text}}));
}

void pin(std::string line) { output().sink->pin(std::move(line)); }

}  // namespace ferry::log
