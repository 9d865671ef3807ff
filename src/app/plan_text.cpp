#include "app/plan_text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>

#include "app/page.hpp"
#include "app/progress.hpp"
#include "app/report.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kBarColumns = 30;
constexpr double kShownCostMin = 0.005;

std::string_view status_of(const PlanEnding& ending) {
  if (ending.interrupted) return "interrupted";
  if (ending.broken) return "refused";
  return ending.estimate.of(Action::kBlocked).objects > 0 ? "blocked" : "possible";
}

std::string actions_text(const PlanEnding& ending) {
  const Amount listed = ending.estimate.listed();
  std::string text = page_row("listed", listed.objects, listed.bytes);
  for (int i = 0; i < kActions; ++i) {
    const auto action = static_cast<Action>(i);
    const Amount& amount = ending.estimate.of(action);
    if (amount.objects == 0 && action != Action::kNew && action != Action::kBlocked) continue;
    text += page_row(label_of(action), amount.objects, amount.bytes);
  }
  if (ending.filtered > 0) text += page_row("left out", ending.filtered, std::nullopt, "by filters");
  return text;
}

std::string blocked_text(const Estimate& estimate) {
  if (estimate.blocked().empty()) return {};
  std::string text = "\nWhat can't be copied, and why:\n";
  for (const auto& [reason, blocked] : estimate.blocked()) {
    text += page_row(to_string(reason), blocked.amount.objects, blocked.amount.bytes);
    for (const auto& example : blocked.examples) {
      text += "    " + printable(example.key.str()) + "\n      " + printable(example.what) + "\n";
    }
    if (blocked.amount.objects > blocked.examples.size()) text += "    ...\n";
  }
  return text;
}

std::string classes_text(const Estimate& estimate) {
  std::string text = "\nBy storage class:\n";
  for (const auto& [name, use] : estimate.classes()) {
    text += page_row(printable(name), use.all.objects, use.all.bytes,
                     "to copy: " + with_commas(use.to_copy.objects) + ", " + human_bytes(use.to_copy.bytes));
  }
  return text;
}

std::string sizes_text(const SizeHistogram& sizes) {
  std::string text = "\nBy size:\n";
  const auto largest = std::ranges::max(sizes, {}, &Amount::objects).objects;
  for (std::size_t step = 0; step < sizes.size(); ++step) {
    if (sizes[step].objects == 0) continue;
    const auto columns = std::max<std::uint64_t>(1, sizes[step].objects * kBarColumns / largest);
    text += page_row(size_label(step), sizes[step].objects, sizes[step].bytes, std::string(columns, '#'));
  }
  return text;
}

/// The figure ends where those of page_row() do.
std::string labelled_row(std::string_view label, const std::string& figure) {
  constexpr std::size_t kLabelColumns = 33;
  std::string row = "  " + std::string{label};
  row.resize(std::max(row.size(), kLabelColumns), ' ');
  return row + std::string(figure.size() < 12 ? 12 - figure.size() : 0, ' ') + figure + "\n";
}

std::string requests_text(const PlanEnding& ending) {
  std::string text = "\nRequests of a copy:\n";
  for (const RequestLine& line : requests_of(ending)) {
    const std::string side = line.side == "source" ? "S3   " : "GCS  ";
    if (line.count > 0) text += labelled_row(side + std::string{line.label}, with_commas(line.count));
  }
  return text;
}

std::string cost_text(const PlanEnding& ending) {
  std::string text = "\nCost: " + money(ending.cost.total(), ending.prices.currency) + ", by prices as of " +
                     printable(ending.prices.as_of) + " (--prices)\n";
  for (const CostLine& line : lines_of(ending.cost)) {
    if (line.amount >= kShownCostMin) text += labelled_row(line.label, money(line.amount, ending.prices.currency));
  }
  return text;
}

boost::json::object json_of(const Amount& amount) { return {{"objects", amount.objects}, {"bytes", amount.bytes}}; }

boost::json::object blocked_json(const Estimate& estimate) {
  boost::json::object reasons;
  for (const auto& [reason, blocked] : estimate.blocked()) {
    boost::json::array examples;
    for (const auto& example : blocked.examples) {
      boost::json::object line;
      set_key(&line, example.key);
      line["what"] = printable(example.what);
      examples.emplace_back(std::move(line));
    }
    auto entry = json_of(blocked.amount);
    entry["examples"] = std::move(examples);
    reasons[to_string(reason)] = std::move(entry);
  }
  return reasons;
}

boost::json::array sizes_json(const SizeHistogram& sizes) {
  boost::json::array steps;
  for (std::size_t step = 0; step < sizes.size(); ++step) {
    auto entry = json_of(sizes[step]);
    if (step < kSizeSteps.size()) entry["up_to"] = kSizeSteps[step];
    steps.emplace_back(std::move(entry));
  }
  return steps;
}

/// To a hundredth of a cent: more would only be noise of binary fractions.
double rounded(double amount) { return std::round(amount * 1e4) / 1e4; }

boost::json::object cost_json(const PlanEnding& ending) {
  boost::json::object cost{{"currency", printable(ending.prices.currency)},
                           {"as_of", printable(ending.prices.as_of)},
                           {"source", printable(ending.prices.source)},
                           {"total", rounded(ending.cost.total())}};
  for (const CostLine& line : lines_of(ending.cost)) cost[line.name] = rounded(line.amount);
  return cost;
}

boost::json::object requests_json(const PlanEnding& ending) {
  boost::json::object sides{{"source", boost::json::object{}}, {"target", boost::json::object{}}};
  for (const RequestLine& line : requests_of(ending)) sides[line.side].as_object()[line.name] = line.count;
  return sides;
}

}  // namespace

std::string headline_of(const PlanEnding& ending) {
  if (ending.interrupted) return "Interrupted: this is what was seen until then.";
  if (ending.broken) return "Stopped: " + printable(ending.broken->what);
  const Amount work = ending.estimate.to_copy();
  std::string line = "To copy: " + with_commas(work.objects) + " of " + with_commas(ending.estimate.listed().objects) +
                     " objects, " + human_bytes(work.bytes) + ".";
  const auto blocked = ending.estimate.of(Action::kBlocked).objects;
  if (blocked > 0) line += " " + with_commas(blocked) + " can't be copied.";
  return line;
}

std::string_view label_of(Action action) {
  switch (action) {
    case Action::kThere: return "already there";
    case Action::kExamined: return "to be examined";
    case Action::kBlocked: return "can't be copied";
    case Action::kNew:
    case Action::kChanged:
    case Action::kUnchanged:
    case Action::kSkipped: return to_string(action);
  }
  return {};
}

std::string size_label(std::size_t step) {
  if (step == 0) return "empty";
  if (step >= kSizeSteps.size()) return "above 5 TiB";
  return "to " + human_bytes(kSizeSteps[step]);
}

std::string money(double amount, std::string_view currency) {
  const auto cents = static_cast<std::uint64_t>(std::llround(amount * 100));
  char text[8];
  std::snprintf(text, sizeof text, ".%02u ", static_cast<unsigned>(cents % 100));
  return with_commas(cents / 100) + text + printable(currency);
}

std::string speed_text(const PlanEnding& ending) {
  return "at " + human_bytes(ending.bytes_per_second) + "/s and " + with_commas(ending.objects_per_second) +
         " objects/s; " + (ending.time.limited_by_objects ? "objects" : "bytes") + " limit it";
}

std::vector<CostLine> lines_of(const Cost& cost) {
  return {{"egress", "traffic out of S3", cost.egress},
          {"s3_retrieval", "retrieval from colder classes", cost.s3_retrieval},
          {"s3_reads", "S3 GET and HEAD", cost.s3_reads},
          {"s3_lists", "S3 listings", cost.s3_lists},
          {"gcs_uploads", "GCS uploads", cost.gcs_uploads},
          {"gcs_lists", "GCS listings", cost.gcs_lists}};
}

std::vector<RequestLine> requests_of(const PlanEnding& ending) {
  const TargetUse uploads = ending.estimate.uploads();
  return {{"source", "list", "listings", ending.source_lists},
          {"source", "get", "GET, objects read", ending.estimate.gets()},
          {"source", "head", "HEAD, parts and checksums", ending.estimate.heads()},
          {"target", "list", "listings", ending.target_lists},
          {"target", "look", "objects looked at", ending.estimate.of(Action::kExamined).objects},
          {"target", "upload", "uploads in one request", uploads.single},
          {"target", "session", "upload sessions begun", uploads.sessions},
          {"target", "chunk", "pieces sent into them", uploads.chunks}};
}

std::string page_of(const PlanEnding& ending) {
  if (ending.broken && ending.estimate.listed().objects == 0) return page_refused(*ending.broken);
  std::string page = headline_of(ending) + "\n  " + printable(ending.job.describe()) + "\n";
  page += actions_text(ending) + blocked_text(ending.estimate);
  if (ending.estimate.listed().objects > 0) {
    page += classes_text(ending.estimate) + sizes_text(ending.estimate.sizes());
  }
  page += requests_text(ending);
  page += "\nTraffic: " + human_bytes(ending.estimate.read_bytes()) + " leave the source\n";
  page += cost_text(ending);
  page += "\nTime: " + precise_seconds(ending.time.seconds) + " " + speed_text(ending) + " (--rate, --object-rate)\n";
  if (ending.output) page += printable(ending.output->what) + "\n";
  return page;
}

std::string json_of(const PlanEnding& ending) {
  boost::json::object actions, classes;
  for (int i = 0; i < kActions; ++i) {
    const auto action = static_cast<Action>(i);
    actions[to_string(action)] = json_of(ending.estimate.of(action));
  }
  for (const auto& [name, use] : ending.estimate.classes()) {
    auto entry = json_of(use.all);
    entry["to_copy"] = json_of(use.to_copy);
    classes[printable(name)] = std::move(entry);
  }
  const Amount listed = ending.estimate.listed();
  boost::json::object object{{"status", status_of(ending)},
                             {"listed", listed.objects},
                             {"bytes", listed.bytes},
                             {"to_copy", json_of(ending.estimate.to_copy())},
                             {"actions", std::move(actions)},
                             {"blocked", blocked_json(ending.estimate)},
                             {"classes", std::move(classes)},
                             {"sizes", sizes_json(ending.estimate.sizes())},
                             {"copy_requests", requests_json(ending)},
                             {"egress_bytes", ending.estimate.read_bytes()},
                             {"cost", cost_json(ending)},
                             {"time",
                              {{"seconds", rounded(ending.time.seconds)},
                               {"limit", ending.time.limited_by_objects ? "objects" : "bytes"},
                               {"bytes_per_second", ending.bytes_per_second},
                               {"objects_per_second", ending.objects_per_second}}},
                             {"filtered", ending.filtered},
                             {"job", ending.job.id()},
                             {"interrupted", ending.interrupted}};
  if (ending.broken) object["error"] = printable(ending.broken->what);
  return json_line(object, ending.seconds);
}

}  // namespace ferry::app
