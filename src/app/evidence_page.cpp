#include "app/evidence_page.hpp"

#include <algorithm>
#include <cstdio>

#include "app/help.hpp"
#include "app/page.hpp"
#include "app/progress.hpp"
#include "kit/base/text.hpp"
#include "kit/base/time.hpp"

namespace ferry::app {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
)";

constexpr std::string_view kStyle = R"(<style>
:root { --ground: #f6f7f9; --card: #fff; --ink: #1a1f26; --soft: #5b6673; --line: #dfe3e8; --good: #0b7a4b; --bad: #b3261e;
  --bar: #2f6fde; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161b; --card: #1a2027; --ink: #e6eaef; --soft: #9aa6b2;
  --line: #2c3540; --good: #4cc38a; --bad: #ff8a80; --bar: #6ea0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 2rem 0 .6rem; font-size: 1.05rem; }
p { margin: .4rem 0; }
.job, .key, .what { overflow-wrap: anywhere; }
.job { font-size: 1.05rem; }
.soft { color: var(--soft); }
.verdict { display: inline-block; margin: 1rem 0 .25rem; padding: .3rem .9rem; border: 2px solid; border-radius: 2rem;
  font-weight: 650; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 1rem 0 0; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .7rem 1rem; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; }
.tiles .number { font-size: 1.6rem; font-weight: 600; line-height: 1.3; }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
th, td { padding: .45rem .9rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
tbody:first-child tr:first-child > *, thead th { border-top: 0; }
thead th { color: var(--soft); font-size: .85rem; font-weight: 500; }
thead th.number { text-align: right; }
tbody th { font-weight: 600; white-space: nowrap; }
td.number { text-align: right; white-space: nowrap; }
.number, .key { font-variant-numeric: tabular-nums; }
.key, code { font-family: ui-monospace, Consolas, "DejaVu Sans Mono", monospace; font-size: .92em; }
.share { width: 9rem; }
.share span { display: block; height: .55rem; margin-top: .45rem; background: var(--bar); border-radius: .3rem; min-width: 1px; }
.differences tbody td { border-top: 0; padding-top: 0; }
.differences tbody tr:nth-child(even) td { padding-bottom: .6rem; }
@media print { :root { --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --good: #000; --bad: #000; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } tr, .tiles div { break-inside: avoid; } h2 { break-after: avoid; }
  .share span { print-color-adjust: exact; -webkit-print-color-adjust: exact; background: #666; } thead { display: table-header-group; } }
@page { margin: 16mm 14mm; }
</style>
)";

std::string shown_text(std::string_view text) { return html_text(printable(text)); }

struct Meaning {
  Verdict verdict;
  std::string_view text;
};
constexpr Meaning kMeanings[] = {
    {Verdict::kOk, "the same object on both sides; below is what that rests on"},
    {Verdict::kMissing, "the target has no such object"},
    {Verdict::kDifferent, "the size or a checksum says that the bytes are others"},
    {Verdict::kStale, "the target holds another version than the source has now"},
    {Verdict::kMetadata, "the same bytes; content headers or user metadata differ"},
    {Verdict::kUnverified, "nothing proves or refutes that they are the same"},
    {Verdict::kExtra, "only the target has it"},
};

class EvidencePage {
 public:
  explicit EvidencePage(const VerifyEnding& ending) : ending_(ending) {}

  std::string run() && {
    page_ = kHead;
    page_ += "<title>Evidence: " + shown_text(ending_.job.describe()) + "</title>\n";
    page_ += kStyle;
    page_ += "</head>\n<body>\n<main>\n";
    append_top();
    append_verdicts();
    append_grounds();
    append_circumstances();
    append_differences();
    return std::move(page_) + "</main>\n</body>\n</html>\n";
  }

 private:
  void append_top() {
    const auto [word, good] = headline();
    page_ += "<h1>Evidence of comparison</h1>\n<p class=\"job key\">" + shown_text(ending_.job.describe()) + "</p>\n";
    page_ += "<p class=\"verdict " + std::string{good ? "good" : "bad"} + "\">" + word + "</p>\n";
    if (ending_.broken) page_ += "<p>" + shown_text(ending_.broken->what) + "</p>\n";
    page_ += "<dl class=\"tiles\">\n";
    append_tile("At the source", ending_.listed, human_bytes(ending_.listed_bytes));
    append_tile("At the target", ending_.target_listed, "objects in scope");
    append_tile("Equal", ending_.count(Verdict::kOk), share_text(ending_.count(Verdict::kOk)));
    append_tile("Differences", ending_.different(),
                ending_.ignore_extra ? "extra objects not counted" : "of every kind");
    page_ += "</dl>\n";
  }

  [[nodiscard]] std::pair<std::string, bool> headline() const {
    if (ending_.interrupted) return {"Interrupted: what was not looked at is not verified", false};
    if (ending_.broken) return {"Incomplete: the comparison could not be finished", false};
    if (const auto count = ending_.different(); count > 0) {
      return {"Different: " + with_commas(count) + (count == 1 ? " difference" : " differences"), false};
    }
    return {"Equal: all " + with_commas(ending_.listed) + " objects", true};
  }

  [[nodiscard]] std::string share_text(std::uint64_t count) const {
    if (ending_.listed == 0) return "of none";
    char text[48];
    std::snprintf(text, sizeof text, "%.4g %% of the source",
                  100.0 * static_cast<double>(count) / static_cast<double>(ending_.listed));
    return text;
  }

  void append_tile(std::string_view name, std::uint64_t count, const std::string& remark) {
    page_.append("<div><dt>").append(name).append("</dt><dd class=\"number\">" + with_commas(count));
    page_.append("</dd><dd class=\"soft\">" + remark + "</dd></div>\n");
  }

  void append_verdicts() {
    page_ +=
        "<h2>Verdicts</h2>\n<table>\n<thead><tr><th>verdict</th><th class=\"number\">objects</th><th>means</th></tr>"
        "</thead>\n<tbody>\n";
    for (const Meaning& meaning : kMeanings) {
      page_ += "<tr><th>" + std::string{to_string(meaning.verdict)} + "</th><td class=\"number\">" +
               with_commas(ending_.count(meaning.verdict)) + "</td><td>" + std::string{meaning.text};
      if (meaning.verdict == Verdict::kExtra && ending_.ignore_extra) page_ += "; no difference here (--ignore-extra)";
      page_ += "</td></tr>\n";
    }
    page_ += "</tbody>\n</table>\n";
  }

  void append_grounds() {
    page_ += "<h2>What equality rests on</h2>\n";
    if (ending_.count(Verdict::kOk) == 0) {
      page_ += "<p class=\"soft\">No object was found equal.</p>\n";
      return;
    }
    page_ +=
        "<table>\n<thead><tr><th>check</th><th class=\"number\">objects</th><th></th><th>means</th></tr></thead>\n"
        "<tbody>\n";
    append_ground("bytes, now", ending_.count(Evidence::kBytes),
                  "the source's bytes were read again, and their CRC32C is that of the target");
    append_ground("md5, now", ending_.count(Evidence::kMd5), "the MD5 that S3 lists is the one that GCS computed");
    append_ground("crc32c, now", ending_.count(Evidence::kCrc32c),
                  "the CRC32C that S3 stores is the one that GCS computed");
    for (int i = 0; i < kRungs; ++i) {
      append_ground(std::string{to_string(static_cast<Rung>(i))} + ", when copied",
                    ending_.recorded[static_cast<std::size_t>(i)],
                    static_cast<Rung>(i) == Rung::kTransport
                        ? "version and size are as recorded when it was copied; S3 had no checksum to compare with then"
                        : "version and size are as recorded when it was copied and this check held");
    }
    page_ += "</tbody>\n</table>\n";
  }

  void append_ground(const std::string& name, std::uint64_t count, std::string_view text) {
    if (count == 0) return;
    char width[32];
    std::snprintf(width, sizeof width, "%.2f%%",
                  100.0 * static_cast<double>(count) / static_cast<double>(ending_.count(Verdict::kOk)));
    page_ += "<tr><th>" + name + "</th><td class=\"number\">" + with_commas(count) +
             "</td><td class=\"share\"><span style=\"width:" + width + "\"></span></td><td>" + std::string{text} +
             "</td></tr>\n";
  }

  void append_circumstances() {
    page_ += "<h2>Who, when, how</h2>\n<table>\n<tbody>\n";
    append_fact("by", shown_text(ending_.who));
    append_fact("with", html_text("bucketferry " + program_version()));
    append_fact("began", rfc3339(ending_.began));
    append_fact("ended", rfc3339(ending_.ended) + ", after " + precise_seconds(ending_.seconds));
    append_fact("how", html_text(how_text(ending_)));
    if (!ending_.include.empty()) append_fact("only keys like", globs(ending_.include));
    if (!ending_.exclude.empty()) append_fact("no keys like", globs(ending_.exclude));
    if (ending_.filtered > 0) append_fact("left out", with_commas(ending_.filtered) + " source objects");
    append_fact("requests",
                "S3 " + with_commas(ending_.source_requests) + ", GCS " + with_commas(ending_.target_requests));
    append_fact("job", ending_.job.id());
    if (!ending_.report_file.empty())
      append_fact("every object", "<code>" + shown_text(ending_.report_file) + "</code>");
    page_ += "</tbody>\n</table>\n";
  }

  static std::string globs(const std::vector<std::string>& patterns) {
    std::string text;
    for (const auto& pattern : patterns)
      text += (text.empty() ? "<code>" : " <code>") + shown_text(pattern) + "</code>";
    return text;
  }

  void append_fact(std::string_view name, const std::string& html) {
    page_.append("<tr><th>").append(name).append("</th><td>" + html + "</td></tr>\n");
  }

  void append_differences() {
    page_ += "<h2>Differences</h2>\n";
    if (ending_.differences.empty()) {
      page_ += "<p class=\"soft\">None.</p>\n";
      return;
    }
    const auto more = ending_.different() - ending_.differences.size();
    if (more > 0) {
      page_ += "<p>The first " + with_commas(ending_.differences.size()) + "; " + with_commas(more) + " more are ";
      page_ += ending_.report_file.empty() ? "not shown: verify with <code>--report FILE</code> to have all of them"
                                           : "in <code>" + shown_text(ending_.report_file) + "</code>";
      page_ += ".</p>\n";
    }
    page_ +=
        "<table class=\"differences\">\n<thead><tr><th>verdict</th><th>object</th><th>source</th><th>target</th></tr>"
        "</thead>\n<tbody>\n";
    for (const Finding& finding : ending_.differences) append_difference(finding);
    page_ += "</tbody>\n</table>\n";
  }

  void append_difference(const Finding& finding) {
    const auto verdict = finding.judgement.verdict;
    const auto& key = verdict == Verdict::kExtra ? finding.target_key : finding.key;
    page_ += "<tr><th class=\"bad\">" + std::string{to_string(verdict)} + "</th><th class=\"key\">" +
             shown_text(key.str()) + "</th><th class=\"number\">";
    page_ += finding.source_size ? with_commas(*finding.source_size) + " B" : std::string{"–"};
    page_ += "</th><th class=\"number\">";
    page_ += finding.target_size ? with_commas(*finding.target_size) + " B" : std::string{"–"};
    page_ += "</th></tr>\n<tr><td></td><td class=\"what\">" + shown_text(finding.judgement.what) +
             "</td><td class=\"soft\">";
    if (finding.source_version) {
      page_ += rfc3339(finding.source_version->modified) + "<br><code>" +
               shown_text(finding.source_version->etag.str()) + "</code>";
    }
    page_ += "</td><td class=\"soft\">";
    if (finding.target_generation)
      page_ += "generation<br><code>" + std::to_string(finding.target_generation->value) + "</code>";
    page_ += "</td></tr>\n";
  }

  const VerifyEnding& ending_;
  std::string page_;
};

}  // namespace

std::string html_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string evidence_page(const VerifyEnding& ending) { return EvidencePage{ending}.run(); }

}  // namespace ferry::app
