#include "app/summary.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>

#include "app/page.hpp"
#include "app/progress.hpp"
#include "app/report.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

std::string rungs_text(const TallySnapshot& tally) {
  std::string text;
  for (int i = 0; i < kRungs; ++i) {
    const auto count = tally.rungs[static_cast<std::size_t>(i)];
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + std::string{to_string(static_cast<Rung>(i))} + " " + with_commas(count);
  }
  return text.empty() ? text : "checked by " + text;
}

std::string losses_text(const TallySnapshot& tally) {
  std::string text;
  for (int i = 0; i < kLosses; ++i) {
    const auto count = tally.losses[static_cast<std::size_t>(i)];
    if (count == 0) continue;
    text +=
        (text.empty() ? "without " : ", ") + std::string{to_string(static_cast<Loss>(i))} + " " + with_commas(count);
  }
  return text;
}

std::string_view status_of(const CopyEnding& ending) {
  if (ending.interrupted) return "interrupted";
  switch (exit_code_of(ending)) {
    case ExitCode::kDone: return "done";
    case ExitCode::kDifferent: return "incomplete";
    case ExitCode::kUsage: return "usage";
    case ExitCode::kRefused: return "refused";
    case ExitCode::kInterrupted: return "interrupted";
  }
  return {};
}

std::uint64_t unsettled(const CopyEnding& ending) {
  const auto settled = ending.tally.settled() + (ending.dry_run ? ending.tally.planned : 0);
  return ending.tally.listed - std::min(ending.tally.listed, settled);
}

std::string headline(const CopyEnding& ending) {
  const TallySnapshot& tally = ending.tally;
  if (ending.dry_run) {
    return "Would copy " + with_commas(tally.planned) + " of " + with_commas(tally.listed) + " objects, " +
           human_bytes(tally.planned_bytes) + "; nothing was written.\n";
  }
  const auto rate = ending.seconds > 0 ? static_cast<double>(tally.moved_bytes) / ending.seconds : 0;
  std::string line = "Copied " + with_commas(tally.copied) + " of " + with_commas(tally.listed) + " objects, " +
                     human_bytes(tally.copied_bytes) + ", in " + precise_seconds(ending.seconds);
  if (tally.moved_bytes > 0) line += " (" + human_bytes(static_cast<std::uint64_t>(rate)) + "/s)";
  return line + ".\n";
}

std::string failures_text(const CopyEnding& ending) {
  if (ending.tally.failed == 0) return {};
  std::string text = ending.tally.failed > ending.failures.size()
                         ? "The first " + std::to_string(ending.failures.size()) + " failures:\n"
                         : std::string{"Failures:\n"};
  for (const Failure& failure : ending.failures) {
    text += "  " + std::string{to_string(failure.reason)} + "  " + printable(failure.key.str()) + "\n      " +
            printable(failure.what) + "\n";
  }
  if (ending.tally.failed <= ending.failures.size()) return text;
  if (!ending.report_file.empty()) return text + "  all of them: " + printable(ending.report_file) + "\n";
  return text + "  all of them: run again with --report FILE\n";
}

std::string deletions_row(const CopyEnding& ending) {
  const Pruned& pruned = *ending.pruned;
  if (ending.dry_run)
    return page_row("to delete", pruned.gone, std::nullopt, "of " + with_commas(pruned.ours) + " ours");
  std::string remark = "of " + with_commas(pruned.gone) + " that left the source";
  if (pruned.kept > 0) remark += "; " + with_commas(pruned.kept) + " came back or changed meanwhile";
  return page_row("deleted", pruned.deleted, std::nullopt, remark);
}

std::string deletions_text(const CopyEnding& ending) {
  if (!ending.pruned) return {};
  std::string text;
  if (!ending.pruned->refused.empty()) text += "Deletions refused: " + ending.pruned->refused + "\n";
  if (ending.pruned->failed > 0) {
    text += with_commas(ending.pruned->failed) +
            " could not be deleted; the first: " + printable(ending.pruned->trouble) + "\n";
  }
  return text;
}

/// What stands, and what to do next.
std::string outlook(const CopyEnding& ending) {
  if (ending.interrupted) {
    return "Interrupted. What is copied stays; the same command goes on from here (" + with_commas(unsettled(ending)) +
           (ending.tally.listing_done ? "" : " or more") + " objects to go).\n";
  }
  if (ending.broken) {
    return "Stopped: " + printable(ending.broken->what) +
           "\nWhat is copied stays; the same command goes on from here.\n";
  }
  if (const auto left = unsettled(ending); left > 0) {
    return with_commas(left) + " objects were listed, but not settled: please report this; the same command goes on.\n";
  }
  if (ending.tally.failed > 0 && !ending.dry_run) return "The same command tries the failed objects again.\n";
  return {};
}

}  // namespace

TallySnapshot look(const Tally& tally) {
  TallySnapshot seen;
  seen.listing_done = tally.listing_done;
  seen.copied = tally.copied;
  seen.copied_bytes = tally.copied_bytes;
  seen.unchanged = tally.unchanged;
  seen.unchanged_bytes = tally.unchanged_bytes;
  seen.superseded = tally.superseded;
  seen.superseded_bytes = tally.superseded_bytes;
  seen.failed = tally.failed;
  seen.failed_bytes = tally.failed_bytes;
  seen.skipped = tally.skipped;
  seen.skipped_bytes = tally.skipped_bytes;
  seen.deleted = tally.deleted;
  seen.restores = tally.restores;
  seen.retried = tally.retried;
  seen.moved_bytes = tally.moved_bytes;
  seen.active = tally.active;
  seen.adopted = tally.adopted;
  seen.examine = tally.examine;
  seen.planned = tally.planned;
  seen.planned_bytes = tally.planned_bytes;
  seen.filtered = tally.filtered;
  seen.listed = tally.listed;
  seen.listed_bytes = tally.listed_bytes;
  for (std::size_t i = 0; i < seen.rungs.size(); ++i) seen.rungs[i] = tally.rungs[i];
  seen.lossy = tally.lossy;
  for (std::size_t i = 0; i < seen.losses.size(); ++i) seen.losses[i] = tally.losses[i];
  return seen;
}

ExitCode exit_code_of(const CopyEnding& ending) {
  if (ending.interrupted) return ExitCode::kInterrupted;
  if (ending.broken) return ExitCode::kRefused;
  if (ending.tally.failed > 0 || ending.report || unsettled(ending) > 0) return ExitCode::kDifferent;
  if (ending.pruned && (ending.pruned->failed > 0 || !ending.pruned->refused.empty())) return ExitCode::kDifferent;
  return ExitCode::kDone;
}

std::string page_of(const CopyEnding& ending) {
  const TallySnapshot& tally = ending.tally;
  if (ending.broken && tally.listed == 0) return page_refused(*ending.broken);
  std::string page = headline(ending) + "  " + printable(ending.job.describe()) + "\n";
  page += page_row("listed", tally.listed, tally.listed_bytes);
  if (ending.dry_run) {
    page += page_row("to copy", tally.planned, tally.planned_bytes);
    if (tally.examine > 0)
      page += page_row("  to compare", tally.examine, std::nullopt, "another tool's, maybe the same");
  } else {
    page += page_row("copied", tally.copied, tally.copied_bytes, rungs_text(tally));
  }
  if (tally.lossy > 0) page += page_row("  not whole", tally.lossy, std::nullopt, losses_text(tally));
  page += page_row("unchanged", tally.unchanged, tally.unchanged_bytes);
  if (tally.adopted > 0) {
    page += page_row("  adopted", tally.adopted, std::nullopt, "brought by another tool, known by a checksum");
  }
  if (tally.superseded > 0) {
    page += page_row("superseded", tally.superseded, tally.superseded_bytes, "changed or deleted meanwhile: run again");
  }
  page += page_row(ending.dry_run ? "can't be copied" : "failed", tally.failed, tally.failed_bytes);
  if (tally.skipped > 0) {
    page += page_row("skipped", tally.skipped, tally.skipped_bytes, "names that the target can't hold (--names skip)");
  }
  if (tally.restores > 0) page += page_row("restores", tally.restores, std::nullopt, "asked for; run again when ready");
  if (tally.filtered > 0) page += page_row("left out", tally.filtered, std::nullopt, "by filters");
  if (ending.pruned) page += deletions_row(ending);
  page += page_requests(ending.source_requests, ending.target_requests);
  for (const ObjectKey& key : ending.examples) page += "  would copy  " + printable(key.str()) + "\n";
  if (tally.planned > ending.examples.size() && !ending.examples.empty()) page += "  would copy  ...\n";
  page += failures_text(ending) + deletions_text(ending);
  if (ending.report) page += printable(ending.report->what) + "\n";
  return page + outlook(ending);
}

std::string json_of(const CopyEnding& ending) {
  const TallySnapshot& tally = ending.tally;
  boost::json::object rungs;
  for (int i = 0; i < kRungs; ++i) rungs[to_string(static_cast<Rung>(i))] = tally.rungs[static_cast<std::size_t>(i)];
  boost::json::object losses;
  for (int i = 0; i < kLosses; ++i) losses[to_string(static_cast<Loss>(i))] = tally.losses[static_cast<std::size_t>(i)];
  boost::json::array failures;
  for (const Failure& failure : ending.failures) {
    boost::json::object entry;
    set_key(&entry, failure.key);
    entry["reason"] = to_string(failure.reason);
    entry["what"] = printable(failure.what);
    failures.push_back(std::move(entry));
  }
  boost::json::object object{{"status", status_of(ending)},
                             {"listed", tally.listed},
                             {"copied", tally.copied},
                             {"unchanged", tally.unchanged},
                             {"adopted", tally.adopted},
                             {"superseded", tally.superseded},
                             {"failed", tally.failed},
                             {"skipped", tally.skipped},
                             {"deleted", tally.deleted},
                             {"restores", tally.restores},
                             {"bytes", tally.copied_bytes},
                             {"requests", {{"source", ending.source_requests}, {"target", ending.target_requests}}},
                             {"rungs", std::move(rungs)},
                             {"not_whole", tally.lossy},
                             {"losses", std::move(losses)},
                             {"never_read", {"acl"}},
                             {"state", printable(ending.state_file)},
                             {"filtered", tally.filtered},
                             {"planned", tally.planned},
                             {"planned_bytes", tally.planned_bytes},
                             {"retried", tally.retried},
                             {"read_bytes", tally.moved_bytes},
                             {"listing_done", tally.listing_done},
                             {"interrupted", ending.interrupted},
                             {"dry_run", ending.dry_run},
                             {"scan", ending.scan},
                             {"job", ending.job.id()},
                             {"failures", std::move(failures)}};
  if (const auto& pruned = ending.pruned) {
    object["deletions"] = {{"ours", pruned->ours}, {"gone", pruned->gone},     {"deleted", pruned->deleted},
                           {"kept", pruned->kept}, {"failed", pruned->failed}, {"refused", pruned->refused}};
  }
  if (ending.broken) object["error"] = printable(ending.broken->what);
  return json_line(object, ending.seconds);
}

}  // namespace ferry::app
