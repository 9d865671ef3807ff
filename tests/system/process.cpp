#include "tests/system/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 forgot to say that these are C
}

namespace ferry::system_test {
namespace {

constexpr const char* kPassedOn[] = {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"};

int checked(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

std::vector<std::string> assignments(const Environment& environment) {
  std::vector<std::string> all;
  for (const auto& [name, value] : environment) all.push_back(name + "=" + value);
  for (const char* name : kPassedOn) {
    if (environment.contains(name)) continue;
    if (const char* value = std::getenv(name)) all.push_back(std::string{name} + "=" + value);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>* texts) {
  std::vector<char*> all;
  for (auto& text : *texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

int open_output(const std::filesystem::path& path) {
  return checked(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), path.string());
}

}  // namespace

Process::Process(const Command& command, const std::filesystem::path& folder, const std::string& name)
    : name_(name), out_(folder / (name + ".out")), err_(folder / (name + ".err")), own_group_(command.own_group) {
  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  auto variables = assignments(command.environment);
  const auto argv = pointers(&words);
  const auto envp = pointers(&variables);
  const int out = open_output(out_);
  const int err = open_output(err_);
  int input[2];
  checked(::pipe2(input, O_CLOEXEC), "pipe");

  started_ = std::chrono::steady_clock::now();
  pid_ = checked(::fork(), "fork");
  if (pid_ == 0) {
    // Only async-signal-safe calls from here on. Whoever kills the test must not leave servers behind.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (command.own_group) ::setpgid(0, 0);
    ::dup2(input[0], STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);  // sockets of the test's would stay open in there
    ::execvpe(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  input_ = input[1];
  ::close(input[0]);
  ::close(out);
  ::close(err);
  pidfd_ = checked(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), "pidfd_open");
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(own_group_ ? -pid_ : pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_input();
  ::close(pidfd_);
}

void Process::close_input() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool Process::running() const {
  pollfd ended{pidfd_, POLLIN, 0};
  return pid_ > 0 && ::poll(&ended, 1, 0) == 0;
}

std::string Process::out() const { return read_file(out_); }
std::string Process::err() const { return read_file(err_); }

Ended Process::wait(Duration deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline);
  pollfd watched{pidfd_, POLLIN, 0};
  const int ready = ::poll(&watched, 1, static_cast<int>(left.count()));
  if (ready == 0) {
    ::kill(pid_, SIGKILL);
    ADD_FAILURE() << name_ << " still ran after " << deadline.count() << " s; its stderr:\n" << err();
  }
  Ended ended;
  reap(&ended);
  ended.out = out();
  ended.err = err();
  return ended;
}

void Process::reap(Ended* ended) {
  int status = 0;
  rusage usage{};
  checked(::wait4(pid_, &status, 0, &usage), "wait4");
  pid_ = -1;
  ended->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  ended->dumped_core = WIFSIGNALED(status) && WCOREDUMP(status);
  ended->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  ended->seconds = Duration{std::chrono::steady_clock::now() - started_}.count();
  ended->peak_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
}

Ended run(const Command& command, const std::filesystem::path& folder, const std::string& name, Duration deadline) {
  return Process{command, folder, name}.wait(deadline);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

void pause_briefly() { ::poll(nullptr, 0, 3); }

}  // namespace ferry::system_test
