#pragma once
// The one table of settings: flag, environment names and key of the settings file, help text, and how a value is
// checked. The parser, the help and docs/configuration.md all follow it.

#include <string>
#include <string_view>
#include <vector>

#include "app/settings.hpp"

namespace ferry::app {

enum class Origin { kFlag, kEnvironment, kFile };

/// One value as somebody wrote it.
struct Given {
  std::string text;
  Origin origin = Origin::kFlag;
  std::string name;   ///< "--transfers", "SYSTEM_MAX_WORKERS", "transfers"
  std::string place;  ///< how an error calls it: "--transfers", "SYSTEM_MAX_WORKERS (environment)", "ferry.yaml line 3:
                      ///< transfers"
};

enum class Group { kWork, kSelection, kSource, kTarget, kPubsub, kRedis, kAdmin, kCache, kPlan, kOutput, kGeneral };
/// In the order in which help shows them.
inline constexpr Group kGroups[] = {Group::kCache,  Group::kPlan,   Group::kWork,   Group::kSelection,
                                    Group::kSource, Group::kTarget, Group::kPubsub, Group::kRedis,
                                    Group::kAdmin,  Group::kOutput, Group::kGeneral};
[[nodiscard]] std::string_view heading(Group group);

struct EnvironmentName {
  std::string_view name;
  bool empty_is_unset = true;  ///< as the clouds' own tools treat theirs; our own may not be empty
  bool document = false;       ///< may hold a whole JSON document, which is a secret
};

/// Checks the text and takes it over. Returns what is wrong with it, without the value; empty: nothing.
using Apply = std::string (*)(Settings* settings, const Given& given);

/// Sets of commands.
inline constexpr unsigned kInCopy = 1U << static_cast<unsigned>(Command::kCopy);
inline constexpr unsigned kInVerify = 1U << static_cast<unsigned>(Command::kVerify);
inline constexpr unsigned kInPublisher = 1U << static_cast<unsigned>(Command::kPublisher);
inline constexpr unsigned kInMigrator = 1U << static_cast<unsigned>(Command::kMigrator);
inline constexpr unsigned kInCache = 1U << static_cast<unsigned>(Command::kCache);
inline constexpr unsigned kInDoctor = 1U << static_cast<unsigned>(Command::kDoctor);
inline constexpr unsigned kInPlan = 1U << static_cast<unsigned>(Command::kPlan);
inline constexpr unsigned kInServices = kInPublisher | kInMigrator;
inline constexpr unsigned kInScans = kInCopy | kInVerify | kInPublisher | kInPlan;  ///< that list the source
inline constexpr unsigned kAnywhere = kInCopy | kInVerify | kInServices | kInCache | kInPlan | kInDoctor;

struct Option {
  std::string_view name;   ///< "transfers": --transfers, and `transfers:` in the file
  std::string_view value;  ///< "N", "FILE"; empty: a switch
  std::vector<EnvironmentName> environment;
  Group group = Group::kGeneral;
  unsigned commands = kAnywhere;  ///< that have it
  std::string_view help;          ///< unit and default included
  Apply apply = nullptr;
  bool list = false;       ///< may be given several times
  bool discreet = false;   ///< holds a secret if there is an '@' in it, so that errors don't quote it
  bool secret = false;     ///< never a flag (process list), never printed
  bool flag_only = false;  ///< not in the settings file; any bytes, as keys have them
};

[[nodiscard]] const std::vector<Option>& options();
[[nodiscard]] bool belongs_to(const Option& option, Command command);

}  // namespace ferry::app
