// What `doctor` makes of what it saw, and how it says so.

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "app/doctor_run.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::chrono::seconds kOffMax{60}, kSkewMax{300};
constexpr std::size_t kNameColumns = 22;

std::string_view word_for(Health health) {
  switch (health) {
    case Health::kOk: return "ok";
    case Health::kWarn: return "warn";
    case Health::kFail: return "FAIL";
  }
  return {};
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const auto word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

}  // namespace

ExitCode exit_code_of(const std::vector<Check>& checks) {
  const auto failed = [](const Check& check) { return check.health == Health::kFail; };
  if (std::ranges::none_of(checks, failed)) return ExitCode::kDone;
  const bool ours = std::ranges::any_of(checks, [&](const Check& check) { return failed(check) && check.ours; });
  return ours ? ExitCode::kUsage : ExitCode::kRefused;
}

std::string page_of(const Check& check) {
  std::string line{word_for(check.health)};
  line.resize(6, ' ');
  std::string name = check.name;
  name.resize(std::max(name.size() + 1, kNameColumns), ' ');
  line += name + printable(check.what) + "\n";
  if (!check.remedy.empty()) line += std::string(6 + kNameColumns, ' ') + "to do: " + printable(check.remedy) + "\n";
  return line;
}

std::string json_of(const std::vector<Check>& checks) {
  boost::json::array list;
  std::array<std::uint64_t, 3> counts{};
  for (const auto& check : checks) {
    ++counts.at(static_cast<std::size_t>(check.health));
    boost::json::object entry{
        {"check", check.name}, {"result", to_lower(word_for(check.health))}, {"what", printable(check.what)}};
    if (!check.remedy.empty()) entry["remedy"] = printable(check.remedy);
    list.push_back(std::move(entry));
  }
  return boost::json::serialize(
      boost::json::object{{"checks", std::move(list)}, {"ok", counts[0]}, {"warn", counts[1]}, {"fail", counts[2]}});
}

Check judge_clock(std::string name, Seconds theirs, Seconds ours) {
  const auto off = ours - theirs;
  const auto size = std::chrono::abs(off);
  Check check{Health::kOk, std::move(name), "this machine's clock agrees", {}, false};
  if (off.count() != 0) {
    check.what =
        "this machine's clock is " + std::to_string(size.count()) + " s " + (off.count() > 0 ? "ahead" : "behind");
  }
  if (size <= kOffMax) return check;
  check.health = size > kSkewMax ? Health::kFail : Health::kWarn;
  check.remedy = "set the clock (timedatectl set-ntp true): signatures and tokens are refused when it is minutes off";
  return check;
}

Check judge_permissions(const std::vector<std::string>& granted, const std::string& bucket) {
  std::vector<std::string_view> missing;
  for (const std::string_view needed : {"storage.objects.list", "storage.objects.get", "storage.objects.create"}) {
    if (std::ranges::find(granted, needed) == granted.end()) missing.push_back(needed);
  }
  const bool may_replace = std::ranges::find(granted, "storage.objects.delete") != granted.end();
  Check check{Health::kOk, "target permissions", "list, get, create, delete in gs://" + bucket, {}, false};
  if (missing.empty() && may_replace) return check;
  check.health = missing.empty() ? Health::kWarn : Health::kFail;
  if (!may_replace) missing.push_back("storage.objects.delete");
  check.what = "missing in gs://" + bucket + ": " + joined(missing) +
               (check.health == Health::kWarn ? "; objects that change can't be replaced" : "");
  check.remedy = "grant roles/storage.objectUser on the bucket";
  return check;
}

}  // namespace ferry::app
