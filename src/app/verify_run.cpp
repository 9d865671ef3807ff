#include "app/verify_run.hpp"

#include <boost/json.hpp>
#include <utility>

#include "app/first_page.hpp"
#include "app/page.hpp"
#include "app/solo_run.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

boost::json::object line_of(const Finding& finding) {
  boost::json::object line{{"verdict", to_string(finding.judgement.verdict)},
                           {"evidence", to_string(finding.judgement.evidence)}};
  const bool extra = finding.judgement.verdict == Verdict::kExtra;
  set_key(&line, extra ? finding.target_key : finding.key);
  if (finding.source_version) {
    line["etag"] = printable(finding.source_version->etag.str());
    line["modified"] = rfc3339(finding.source_version->modified);
  }
  if (finding.source_size) line["bytes"] = *finding.source_size;
  if (finding.target_size) line["target_bytes"] = *finding.target_size;
  if (finding.target_generation) line["generation"] = std::to_string(finding.target_generation->value);
  if (finding.crc32c) line["crc32c"] = base64(big_endian(*finding.crc32c));
  if (!finding.judgement.what.empty()) line["what"] = printable(finding.judgement.what);
  return line;
}

class VerifyCrew {
 public:
  VerifyCrew(const Settings& settings, VerifyRooms rooms)
      : settings_(settings), rooms_(std::move(rooms)), findings_(rooms_.report, settings.ignore_extra) {}

  Result<VerifyEnding> run() {
    const auto started = rooms_.clock->now();
    if (auto built = build(); !built) return fail(std::move(built).error());
    run_.beside().spawn(show_progress(rooms_.progress, [this] { return progress(); }, rooms_.screen, rooms_.clock));
    auto ended = run_.run(verifier_->run());
    return ending(std::move(ended), std::chrono::duration<double>(rooms_.clock->now() - started).count());
  }

 private:
  Status build() {
    auto clients = rooms_.make_clients(run_.executor(), Patience::kWork);
    if (!clients) return fail(std::move(clients).error());
    clients_ = *std::move(clients);
    auto first_page = make_first_page(rooms_.make_clients, run_.executor(), clients_);
    if (!first_page) return fail(std::move(first_page).error());
    first_page_ = *std::move(first_page);
    VerifyOptions options;
    options.filter = settings_.filter;
    options.began = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall());
    options.partial = settings_.listing.manifest || settings_.listing.inventory;
    options.deep = settings_.deep;
    options.reads = settings_.transfers;
    verifier_.emplace(settings_.job, std::move(options), first_page_->source(), first_page_->target(), &tally_,
                      &findings_);
    return Unit{};
  }

  Progress progress() const {
    Progress now;
    now.verb = "verifying";
    now.listing = !tally_.listing_done;
    now.done = tally_.settled;
    now.bytes_done = tally_.settled_bytes;
    now.moved_bytes = tally_.read_bytes;
    for (int i = 0; i < kVerdicts; ++i) {
      const auto verdict = static_cast<Verdict>(i);
      if (verdict == Verdict::kOk || (verdict == Verdict::kExtra && settings_.ignore_extra)) continue;
      now.troubles += tally_.verdicts[static_cast<std::size_t>(i)];
    }
    now.trouble = "different";
    now.total = tally_.listed;
    now.bytes_total = tally_.listed_bytes;
    return now;
  }

  VerifyEnding ending(SoloRun::Ending ended, double seconds) const {
    VerifyEnding ending;
    ending.job = settings_.job;
    ending.listed = tally_.listed;
    ending.listed_bytes = tally_.listed_bytes;
    ending.target_listed = tally_.target_listed;
    ending.filtered = tally_.filtered;
    ending.skipped = tally_.skipped;
    ending.read_bytes = tally_.read_bytes;
    for (std::size_t i = 0; i < ending.verdicts.size(); ++i) ending.verdicts[i] = tally_.verdicts[i];
    for (std::size_t i = 0; i < ending.evidences.size(); ++i) ending.evidences[i] = tally_.evidences[i];
    ending.seconds = seconds;
    ending.source_requests = first_page_->source()->requests();
    ending.target_requests = first_page_->target()->requests();
    ending.differences = findings_.differences();
    ending.broken = std::move(ended.broken);
    ending.interrupted = ended.interrupted;
    ending.ignore_extra = settings_.ignore_extra;
    ending.deep = settings_.deep;
    return ending;
  }

  const Settings& settings_;
  VerifyRooms rooms_;
  VerifyTally tally_;
  Findings findings_;
  SoloRun run_;
  Clients clients_;
  std::unique_ptr<FirstPage> first_page_;
  std::optional<Verifier> verifier_;
};

std::string_view status_of(const VerifyEnding& ending) {
  if (ending.interrupted) return "interrupted";
  if (ending.broken) return "refused";
  return ending.different() > 0 ? "different" : "equal";
}

std::string evidence_text(const VerifyEnding& ending) {
  std::string text;
  for (const Evidence evidence : {Evidence::kBytes, Evidence::kMd5, Evidence::kProvenance}) {
    if (ending.count(evidence) == 0) continue;
    text +=
        (text.empty() ? "by " : ", ") + std::string{to_string(evidence)} + " " + with_commas(ending.count(evidence));
  }
  return text;
}

std::string differences_text(const VerifyEnding& ending) {
  if (ending.differences.empty()) return {};
  const bool more = ending.different() > ending.differences.size();
  std::string text =
      more ? "The first " + std::to_string(ending.differences.size()) + " differences:\n" : "Differences:\n";
  for (const Finding& finding : ending.differences) {
    const bool extra = finding.judgement.verdict == Verdict::kExtra;
    text += "  " + std::string{to_string(finding.judgement.verdict)} + "  " +
            printable((extra ? finding.target_key : finding.key).str()) + "\n      " +
            printable(finding.judgement.what) + "\n";
  }
  if (!more) return text;
  if (!ending.report_file.empty()) return text + "  all of them: " + printable(ending.report_file) + "\n";
  return text + "  all of them: verify again with --report FILE\n";
}

std::string headline(const VerifyEnding& ending) {
  if (ending.interrupted) return "Interrupted: what was not looked at is not verified.\n";
  if (ending.broken) return "Stopped: " + printable(ending.broken->what) + "\n";
  if (ending.different() == 0) {
    return "Equal: " + with_commas(ending.listed) + " objects, " + human_bytes(ending.listed_bytes) + ", in " +
           precise_seconds(ending.seconds) + ".\n";
  }
  return "Different: " + with_commas(ending.different()) + " differences among " + with_commas(ending.listed) +
         " source objects.\n";
}

}  // namespace

void Findings::found(const Finding& finding) {
  const Verdict verdict = finding.judgement.verdict;
  const bool difference = verdict != Verdict::kOk && !(verdict == Verdict::kExtra && ignore_extra_);
  if (difference && differences_.size() < kShownMax) differences_.push_back(finding);
  if (report_) report_->write(boost::json::serialize(line_of(finding)));
}

std::uint64_t VerifyEnding::different() const {
  std::uint64_t sum = 0;
  for (const auto each : verdicts) sum += each;
  return sum - count(Verdict::kOk) - (ignore_extra ? count(Verdict::kExtra) : 0);
}

ExitCode exit_code_of(const VerifyEnding& ending) {
  if (ending.interrupted) return ExitCode::kInterrupted;
  if (ending.broken) return ExitCode::kRefused;
  return ending.different() > 0 || ending.report ? ExitCode::kDifferent : ExitCode::kDone;
}

std::string page_of(const VerifyEnding& ending) {
  if (ending.broken && ending.listed == 0) return page_refused(*ending.broken);
  std::string page = headline(ending) + "  " + printable(ending.job.describe()) + "\n";
  page += page_row("at the source", ending.listed, ending.listed_bytes);
  page += page_row("at the target", ending.target_listed, std::nullopt);
  page += page_row("equal", ending.count(Verdict::kOk), std::nullopt, evidence_text(ending));
  for (const Verdict verdict :
       {Verdict::kMissing, Verdict::kDifferent, Verdict::kStale, Verdict::kUnverified, Verdict::kExtra}) {
    if (ending.count(verdict) == 0) continue;
    const bool ignored = verdict == Verdict::kExtra && ending.ignore_extra;
    page += page_row(to_string(verdict), ending.count(verdict), std::nullopt, ignored ? "ignored" : "");
  }
  if (ending.skipped > 0) {
    page += page_row("skipped", ending.skipped, std::nullopt, "names that the target can't hold (--names skip)");
  }
  if (ending.filtered > 0) page += page_row("left out", ending.filtered, std::nullopt, "by filters");
  if (ending.deep) page += "  read again       " + human_bytes(ending.read_bytes) + "\n";
  page += page_requests(ending.source_requests, ending.target_requests);
  page += differences_text(ending);
  if (ending.report) page += printable(ending.report->what) + "\n";
  return page;
}

std::string json_of(const VerifyEnding& ending) {
  boost::json::object verdicts, evidences;
  for (int i = 0; i < kVerdicts; ++i) {
    verdicts[to_string(static_cast<Verdict>(i))] = ending.verdicts[static_cast<std::size_t>(i)];
  }
  for (const Evidence evidence : {Evidence::kProvenance, Evidence::kMd5, Evidence::kBytes}) {
    evidences[to_string(evidence)] = ending.count(evidence);
  }
  boost::json::array differences;
  for (const Finding& finding : ending.differences) differences.push_back(line_of(finding));
  boost::json::object object{{"status", status_of(ending)},
                             {"listed", ending.listed},
                             {"bytes", ending.listed_bytes},
                             {"target_listed", ending.target_listed},
                             {"differences", ending.different()},
                             {"verdicts", std::move(verdicts)},
                             {"evidence", std::move(evidences)},
                             {"filtered", ending.filtered},
                             {"skipped", ending.skipped},
                             {"read_bytes", ending.read_bytes},
                             {"deep", ending.deep},
                             {"requests", {{"source", ending.source_requests}, {"target", ending.target_requests}}},
                             {"job", ending.job.id()},
                             {"interrupted", ending.interrupted},
                             {"sample", std::move(differences)}};
  if (ending.broken) object["error"] = printable(ending.broken->what);
  return json_line(object, ending.seconds);
}

Result<VerifyEnding> run_verify(const Settings& settings, VerifyRooms rooms) {
  return VerifyCrew{settings, std::move(rooms)}.run();
}

}  // namespace ferry::app
