#pragma once
// Programs that a test starts: with exactly the environment it names, output kept in files, never outliving the test.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ferry::system_test {

using Duration = std::chrono::duration<double>;
inline constexpr Duration kStartMax{60};  ///< for a server to come up, on a machine that does much else
using Environment = std::map<std::string, std::string>;

/// Asks again and again until `condition` holds or the time is up. For what other processes do; within one, use a
/// Clock.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition, Duration deadline);

struct Command {
  std::string program;  ///< a path, or a name to look up in PATH
  std::vector<std::string> arguments;
  Environment environment;  ///< all of it, but for PATH and sanitizer options, which are passed on
  bool own_group = false;   ///< what it starts ends with it
};

struct Ended {
  int code = -1;   ///< as a shell shows it: 128 + signal if one ended it
  int signal = 0;  ///< that ended it; 0: none
  bool dumped_core = false;
  std::string out, err;
  double seconds = 0;
  std::uint64_t peak_kib = 0;  ///< resident; never below that of the test program when it forked
};

class Process {
 public:
  /// `name` tells its output files in `folder` apart. Its stdin is a pipe that ends with this object.
  Process(const Command& command, const std::filesystem::path& folder, const std::string& name);
  ~Process();  ///< kills what still runs, waits for it
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  [[nodiscard]] bool running() const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::string out() const;  ///< so far
  [[nodiscard]] std::string err() const;
  /// Call once. Past the deadline the process is killed and the test fails.
  Ended wait(Duration deadline);
  /// Ends stdin, which some programs take as the wish to stop.
  void close_input();

 private:
  void reap(Ended* ended);

  std::string name_;
  std::filesystem::path out_, err_;
  std::chrono::steady_clock::time_point started_;
  bool own_group_ = false;
  pid_t pid_ = -1;
  int pidfd_ = -1;
  int input_ = -1;
};

/// Runs to the end.
Ended run(const Command& command, const std::filesystem::path& folder, const std::string& name, Duration deadline);

[[nodiscard]] std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& bytes);
void pause_briefly();  ///< between two looks at another process

template <class Condition>
bool eventually(Condition condition, Duration deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    pause_briefly();
  }
  return true;
}

}  // namespace ferry::system_test
