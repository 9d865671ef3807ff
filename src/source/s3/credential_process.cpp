// credential_process: a program of the user's own prints the credentials. Its words are split as a shell would, but no
// shell runs.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <csignal>
#include <vector>

#include "kit/base/text.hpp"
#include "source/s3/credential_sources.hpp"

namespace ferry::s3 {
namespace {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

constexpr Milliseconds kProcessMax{60'000};
constexpr Milliseconds kReapEvery{10};
constexpr int kReapTries = 100;
constexpr std::size_t kProcessOutputMax = 64 << 10;

/// Quotes and backslashes as in sh(1). Nothing: a quote is left open.
std::optional<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      inside = false;
      continue;
    }
    if (!std::exchange(inside, true)) words.emplace_back();
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      words.back() += text[++i];
    } else {
      words.back() += c;
    }
  }
  if (quote != 0 || words.empty()) return std::nullopt;
  return words;
}

/// A running program; killed with its group, and waited for, however this ends.
class Program {
 public:
  /// Its stdout is `output`.
  static std::optional<Program> start(const std::vector<std::string>& words, int output) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    Program program;
    const int failed = ::posix_spawnp(&program.pid_, arguments.front(), &files, &attributes, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
    if (failed != 0) return std::nullopt;
    return program;
  }
  Program(Program&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Program& operator=(Program&&) = delete;
  ~Program() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  /// Its exit code; nothing while it runs.
  std::optional<int> ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  Program() = default;
  pid_t pid_ = -1;
};

/// What comes until the end; more than the limit is cut.
Task<> read_output(Descriptor* from, std::string* into) {
  std::array<char, 4096> piece;
  while (into->size() <= kProcessOutputMax) {
    boost::system::error_code end;
    const auto got = co_await from->async_read_some(asio::buffer(piece), asio::redirect_error(use_task, end));
    if (end == asio::error::operation_aborted) throw boost::system::system_error(end);
    if (end) co_return;
    into->append(piece.data(), got);
  }
}

Error process_failure(const std::string& why) { return {ErrorKind::kUnavailable, "credential_process " + why}; }

}  // namespace

Task<Result<CredentialSource::Fetched>> run_credential_process(std::string command, Clock* clock) {
  using namespace asio::experimental::awaitable_operators;
  const auto words = split_words(command);
  if (!words) co_return fail(ErrorKind::kInvalid, "credential_process is not a command line");
  const auto what = "'" + printable(words->front()) + "'";
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) co_return fail(process_failure(what + ": no pipe for its output"));
  Descriptor output{co_await asio::this_coro::executor, ends[0]};
  auto program = Program::start(*words, ends[1]);
  ::close(ends[1]);
  if (!program) co_return fail(ErrorKind::kInvalid, "credential_process " + what + " can't be started");

  std::string text;
  const auto first = co_await (read_output(&output, &text) || clock->sleep(kProcessMax));
  if (first.index() == 1) co_return fail(process_failure(what + " gave no answer within a minute"));
  std::optional<int> code = program->ended();
  for (int i = 0; !code && i < kReapTries; ++i) {
    co_await clock->sleep(kReapEvery);
    code = program->ended();
  }
  if (code != 0) {
    co_return fail(
        process_failure(what + (code ? " ended with " + std::to_string(*code) : std::string{" did not end"})));
  }
  co_return parse_credentials(text, std::chrono::floor<std::chrono::seconds>(clock->wall()),
                              "credential_process " + what);
}

}  // namespace ferry::s3
