#pragma once
// One `doctor`: looks at everything that a run needs, changes nothing, and says for each what is wrong and what helps.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/cloud_credentials.hpp"
#include "app/exit_code.hpp"
#include "app/settings.hpp"
#include "kit/base/time.hpp"

namespace ferry::app {

enum class Health { kOk, kWarn, kFail };

struct Check {
  Health health = Health::kOk;
  std::string name;    ///< "source list"
  std::string what;    ///< what was seen
  std::string remedy;  ///< what helps; empty: nothing needs to, or `what` says it
  bool ours = false;   ///< a failure of settings, not of a service
};

/// kUsage if a setting is wrong, else kRefused if anything failed; warnings are none.
[[nodiscard]] ExitCode exit_code_of(const std::vector<Check>& checks);
/// "ok    source list         s3://photos\n"; the remedy on a line of its own.
[[nodiscard]] std::string page_of(const Check& check);
/// One object with all checks and the counts.
[[nodiscard]] std::string json_of(const std::vector<Check>& checks);
/// Signatures are refused when clocks differ by much, tokens soon after.
[[nodiscard]] Check judge_clock(std::string name, Seconds theirs, Seconds ours);
/// `asked` are the permissions of the target, in the order of kTargetPermissions.
[[nodiscard]] Check judge_permissions(const std::vector<std::string>& granted, const std::string& bucket);

struct DoctorRooms {
  Result<CloudCredentials> credentials = CloudCredentials{};
  /// Called with each check as soon as it is known.
  std::function<void(const Check& check)> tell;
  Clock* clock = nullptr;
  Rng* rng = nullptr;
};

/// Blocks until all is seen, or a signal comes. @error kInvalid: clients can't be made as the settings say;
/// kCancelled: by a signal
[[nodiscard]] Result<std::vector<Check>> run_doctor(const Settings& settings, DoctorRooms rooms);

}  // namespace ferry::app
