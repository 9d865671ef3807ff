#pragma once
// One `verify`: a Verifier on one thread, with its signals and its progress; then the page, the JSON and the exit code.

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/clients.hpp"
#include "app/display.hpp"
#include "app/exit_code.hpp"
#include "app/report.hpp"
#include "app/settings.hpp"
#include "verify/verifier.hpp"

namespace ferry::app {

/// Every finding into the report, if there is one; the first differences for summary and page.
class Findings final : public FindingSink {
 public:
  static constexpr std::size_t kKeptMax = 1'000;

  /// `report` may be null. With `ignore_extra`, extras are in the report, but no differences.
  Findings(LineFile* report, bool ignore_extra) : report_(report), ignore_extra_(ignore_extra) {}
  void found(const Finding& finding) override;
  [[nodiscard]] const std::vector<Finding>& differences() const { return differences_; }

 private:
  LineFile* report_;
  bool ignore_extra_;
  std::vector<Finding> differences_;
};

struct VerifyEnding {
  Job job;
  std::uint64_t listed = 0, listed_bytes = 0, target_listed = 0, filtered = 0, skipped = 0;
  std::uint64_t read = 0, read_bytes = 0, asked = 0;
  std::array<std::uint64_t, kVerdicts> verdicts{};
  std::array<std::uint64_t, kEvidences> evidences{};
  std::array<std::uint64_t, kRungs> recorded{};  ///< of what rests on provenance: by the check that it names
  double seconds = 0;
  Seconds began{}, ended{};
  std::string who;  ///< "user@host"
  std::vector<std::string> include, exclude;
  std::uint64_t source_requests = 0, target_requests = 0;
  std::vector<Finding> differences;  ///< the first ones
  std::optional<Error> broken;       ///< why the pass is incomplete
  std::optional<Error> report;       ///< why the report, or the page, is incomplete
  bool interrupted = false, ignore_extra = false, deep = false, compare_metadata = false;
  Sample sample;
  std::string report_file;  ///< empty: none

  [[nodiscard]] std::uint64_t count(Verdict verdict) const { return verdicts[static_cast<std::size_t>(verdict)]; }
  [[nodiscard]] std::uint64_t count(Evidence evidence) const { return evidences[static_cast<std::size_t>(evidence)]; }
  /// Everything that isn't proved equal.
  [[nodiscard]] std::uint64_t different() const;
};

[[nodiscard]] ExitCode exit_code_of(const VerifyEnding& ending);
[[nodiscard]] std::string page_of(const VerifyEnding& ending);
[[nodiscard]] std::string json_of(const VerifyEnding& ending);
/// One line: what was compared, and of which objects.
[[nodiscard]] std::string how_text(const VerifyEnding& ending);

struct VerifyRooms {
  MakeClients make_clients;
  LineFile* report = nullptr;  ///< may be null
  Screen* screen = nullptr;
  ProgressMode progress = ProgressMode::kNone;
  Clock* clock = nullptr;
  Rng* rng = nullptr;  ///< draws a seed where none is given
  std::string who;
};

/// Blocks until the pass is over. The first SIGINT, SIGTERM or SIGHUP ends it, the second ends the process.
/// @error kInvalid: clients can't be made as the settings say
[[nodiscard]] Result<VerifyEnding> run_verify(const Settings& settings, VerifyRooms rooms);

}  // namespace ferry::app
