#include "app/verify_run.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <span>
#include <utility>

#include "app/first_page.hpp"
#include "app/help.hpp"
#include "app/page.hpp"
#include "app/solo_run.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kShownMax = 5;

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
  if (finding.judgement.recorded) line["check"] = to_string(*finding.judgement.recorded);
  if (finding.crc32c) line["crc32c"] = base64(big_endian(*finding.crc32c));
  if (!finding.judgement.what.empty()) line["what"] = printable(finding.judgement.what);
  return line;
}

class VerifyCrew {
 public:
  VerifyCrew(const Settings& settings, VerifyRooms rooms)
      : settings_(settings),
        rooms_(std::move(rooms)),
        findings_(rooms_.report, settings.ignore_extra),
        sample_(settings.sample.value_or(Sample{})),
        began_(std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall())) {}

  Result<VerifyEnding> run() {
    if (!sample_.is_all()) sample_.seed = settings_.seed.value_or(rooms_.rng->next() & UINT32_MAX);
    const auto started = rooms_.clock->now();
    if (auto built = build(); !built) return fail(std::move(built).error());
    run_.beside().spawn(show_progress(rooms_.progress, [this] { return progress(); }, rooms_.screen, rooms_.clock));
    auto ended = run_.run(verifier_->run());
    return ending(std::move(ended), std::chrono::duration<double>(rooms_.clock->now() - started).count());
  }

 private:
  Status build() {
    auto made = make_both_patiences(rooms_.make_clients, run_.executor(), &clients_, &first_page_);
    if (!made) return made;
    VerifyOptions options;
    options.filter = settings_.filter;
    options.began = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall());
    options.partial = settings_.listing.from_file();
    options.deep = settings_.deep;
    options.metadata = settings_.compare_metadata;
    options.sample = sample_;
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
    ending.read = tally_.read;
    ending.read_bytes = tally_.read_bytes;
    ending.asked = tally_.asked;
    for (std::size_t i = 0; i < ending.verdicts.size(); ++i) ending.verdicts[i] = tally_.verdicts[i];
    for (std::size_t i = 0; i < ending.evidences.size(); ++i) ending.evidences[i] = tally_.evidences[i];
    for (std::size_t i = 0; i < ending.recorded.size(); ++i) ending.recorded[i] = tally_.recorded[i];
    ending.seconds = seconds;
    ending.began = began_;
    ending.ended = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall());
    ending.who = rooms_.who;
    ending.include = settings_.filter.include;
    ending.exclude = settings_.filter.exclude;
    ending.source_requests = first_page_->source()->requests();
    ending.target_requests = first_page_->target()->requests();
    ending.differences = findings_.differences();
    ending.broken = std::move(ended.broken);
    ending.interrupted = ended.interrupted;
    ending.ignore_extra = settings_.ignore_extra;
    ending.deep = settings_.deep;
    ending.compare_metadata = settings_.compare_metadata;
    ending.sample = sample_;
    return ending;
  }

  const Settings& settings_;
  VerifyRooms rooms_;
  VerifyTally tally_;
  Findings findings_;
  Sample sample_;
  Seconds began_;
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
  for (const Evidence evidence : {Evidence::kBytes, Evidence::kMd5, Evidence::kCrc32c, Evidence::kProvenance}) {
    if (ending.count(evidence) == 0) continue;
    text +=
        (text.empty() ? "by " : ", ") + std::string{to_string(evidence)} + " " + with_commas(ending.count(evidence));
  }
  return text;
}

/// "as recorded: md5 300, transport 2"
std::string recorded_text(const VerifyEnding& ending) {
  std::string text;
  for (int i = 0; i < kRungs; ++i) {
    const auto count = ending.recorded[static_cast<std::size_t>(i)];
    if (count == 0) continue;
    text +=
        (text.empty() ? "checked by " : ", ") + std::string{to_string(static_cast<Rung>(i))} + " " + with_commas(count);
  }
  return text;
}

std::string differences_text(const VerifyEnding& ending) {
  if (ending.differences.empty()) return {};
  const std::size_t shown = std::min(ending.differences.size(), kShownMax);
  const bool more = ending.different() > shown;
  std::string text = more ? "The first " + std::to_string(shown) + " differences:\n" : "Differences:\n";
  for (const Finding& finding : std::span{ending.differences}.first(shown)) {
    const bool extra = finding.judgement.verdict == Verdict::kExtra;
    text += "  " + std::string{to_string(finding.judgement.verdict)} + "  " +
            printable((extra ? finding.target_key : finding.key).str()) + "\n      " +
            printable(finding.judgement.what) + "\n";
  }
  if (!more) return text;
  if (!ending.report_file.empty()) return text + "  all of them: " + printable(ending.report_file) + "\n";
  return text + "  all of them: verify again with --report FILE\n";
}

/// "5% of all, seed 7"
std::string sample_text(const Sample& sample) {
  char share[32];
  std::snprintf(share, sizeof share, "%.6g%%", 100 * sample.share);
  const std::string of = sample.objects > 0 ? with_commas(sample.objects) + " objects" : std::string{share} + " of all";
  return of + ", drawn with seed " + std::to_string(sample.seed);
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
  if (difference && differences_.size() < kKeptMax) differences_.push_back(finding);
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
  if (ending.count(Evidence::kProvenance) > 0) {
    page += page_row("  when copied", ending.count(Evidence::kProvenance), std::nullopt, recorded_text(ending));
  }
  for (const Verdict verdict : {Verdict::kMissing, Verdict::kDifferent, Verdict::kStale, Verdict::kMetadata,
                                Verdict::kUnverified, Verdict::kExtra}) {
    if (ending.count(verdict) == 0) continue;
    const bool ignored = verdict == Verdict::kExtra && ending.ignore_extra;
    page += page_row(to_string(verdict), ending.count(verdict), std::nullopt, ignored ? "ignored" : "");
  }
  if (ending.skipped > 0) {
    page += page_row("skipped", ending.skipped, std::nullopt, "names that the target can't hold (--names skip)");
  }
  if (ending.filtered > 0) page += page_row("left out", ending.filtered, std::nullopt, "by filters");
  if (ending.deep) page += page_row("read again", ending.read, ending.read_bytes);
  if (ending.asked > 0) page += page_row("asked by HEAD", ending.asked, std::nullopt);
  if (!ending.sample.is_all()) page += "  sample           " + sample_text(ending.sample) + "\n";
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
  for (const Evidence evidence : {Evidence::kProvenance, Evidence::kMd5, Evidence::kCrc32c, Evidence::kBytes}) {
    evidences[to_string(evidence)] = ending.count(evidence);
  }
  boost::json::array differences;
  const std::size_t shown = std::min(ending.differences.size(), kShownMax);
  for (const Finding& finding : std::span{ending.differences}.first(shown)) differences.push_back(line_of(finding));
  boost::json::object recorded;
  for (int i = 0; i < kRungs; ++i)
    recorded[to_string(static_cast<Rung>(i))] = ending.recorded[static_cast<std::size_t>(i)];
  boost::json::object object{{"status", status_of(ending)},
                             {"listed", ending.listed},
                             {"bytes", ending.listed_bytes},
                             {"target_listed", ending.target_listed},
                             {"differences", ending.different()},
                             {"verdicts", std::move(verdicts)},
                             {"evidence", std::move(evidences)},
                             {"rungs", std::move(recorded)},
                             {"filtered", ending.filtered},
                             {"skipped", ending.skipped},
                             {"read", ending.read},
                             {"read_bytes", ending.read_bytes},
                             {"asked", ending.asked},
                             {"deep", ending.deep},
                             {"metadata", ending.compare_metadata},
                             {"began", rfc3339(ending.began)},
                             {"ended", rfc3339(ending.ended)},
                             {"by", ending.who},
                             {"version", program_version()},
                             {"requests", {{"source", ending.source_requests}, {"target", ending.target_requests}}},
                             {"job", ending.job.id()},
                             {"interrupted", ending.interrupted},
                             {"sample", std::move(differences)}};
  if (!ending.sample.is_all()) object["seed"] = ending.sample.seed;
  if (!ending.sample.is_all()) object["drawn"] = sample_text(ending.sample);
  if (ending.broken) object["error"] = printable(ending.broken->what);
  return json_line(object, ending.seconds);
}

std::string how_text(const VerifyEnding& ending) {
  std::string text = "identity, size and checksums of both listings";
  if (ending.deep) text += "; bytes of the source read again";
  if (ending.compare_metadata) text += "; content headers and user metadata";
  if (!ending.sample.is_all()) text += ", of a sample: " + sample_text(ending.sample);
  return text;
}

Result<VerifyEnding> run_verify(const Settings& settings, VerifyRooms rooms) {
  return VerifyCrew{settings, std::move(rooms)}.run();
}

}  // namespace ferry::app
