#include "app/plan_html.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "app/evidence_page.hpp"
#include "app/help.hpp"
#include "app/page.hpp"
#include "app/plan_text.hpp"
#include "app/progress.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::string_view kPlanStyle = R"(
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #dfe4ea; --page: #f6f7f9; --card: #fff;
  --main: #2b6cb0; --second: #8fb8de; --good: #2f855a; --bad: #c53030; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa5b4; --line: #2c3542; --page: #12161c;
  --card: #1a2029; --main: #63a4e8; --second: #34577d; --good: #68c08e; --bad: #f08a8a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 0 0 .75rem; }
.job { color: var(--soft); margin: 0 0 1.5rem; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1rem; margin-bottom: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.25rem; }
section.card { margin-bottom: 1rem; break-inside: avoid; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.3; } .tile span, .note { color: var(--soft); }
.note { margin: .75rem 0 0; font-size: .87rem; } .bad b, .bad-text { color: var(--bad); } .good b { color: var(--good); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 13px; }
svg .soft { fill: var(--soft); } svg .track { fill: var(--line); opacity: .55; }
svg .main { fill: var(--main); } svg .second { fill: var(--second); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: .2em; margin-right: .35em; }
.key.main { background: var(--main); } .key.second { background: var(--second); margin-left: 1em; }
table { border-collapse: collapse; width: 100%; } td, th { padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 500; } tr + tr td { border-top: 1px solid var(--line); }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
code { font: .87rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
@media print { body { background: none; } main { padding: 0; max-width: none; } .card { border-color: #bbb; } }
)";

// Of the charts, in units of their view box.
constexpr int kChartWidth = 860, kRow = 30, kBarHeight = 16, kBarFrom = 205, kChartBarMax = 370, kTextFrom = 592;

std::string escaped(std::string_view text) { return html_text(printable(text)); }

struct Bar {
  std::string label, text;
  double value = 0;  ///< the whole bar
  double part = 0;   ///< of it, in the main colour
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string rectangle(std::string_view style, int y, double width) {
  if (width <= 0) return {};
  return "<rect class=\"" + std::string{style} + "\" x=\"" + std::to_string(kBarFrom) + "\" y=\"" + std::to_string(y) +
         "\" width=\"" + number(std::max(width, 1.5)) + "\" height=\"" + std::to_string(kBarHeight) + "\" rx=\"3\"/>";
}

std::string chart(const std::vector<Bar>& bars, std::string_view title) {
  if (bars.empty()) return {};
  double largest = 0;
  for (const Bar& bar : bars) largest = std::max(largest, bar.value);
  const double scale = largest > 0 ? kChartBarMax / largest : 0;
  std::string svg = "<svg viewBox=\"0 0 " + std::to_string(kChartWidth) + " " +
                    std::to_string(kRow * static_cast<int>(bars.size())) + "\" role=\"img\" aria-label=\"" +
                    escaped(title) + "\">\n";
  int row = 0;
  for (const Bar& bar : bars) {
    const int top = row++ * kRow + (kRow - kBarHeight) / 2;
    const std::string baseline = std::to_string(top + 13);
    svg += "<text x=\"" + std::to_string(kBarFrom - 12) + "\" y=\"" + baseline + "\" text-anchor=\"end\">" +
           escaped(bar.label) + "</text>" + rectangle("track", top, kChartBarMax) +
           rectangle("second", top, bar.value * scale) + rectangle("main", top, bar.part * scale) +
           "<text class=\"soft\" x=\"" + std::to_string(kTextFrom) + "\" y=\"" + baseline + "\">" + escaped(bar.text) +
           "</text>\n";
  }
  return svg + "</svg>\n";
}

std::string section(std::string_view title, const std::string& body) {
  return "<section class=\"card\"><h2>" + escaped(title) + "</h2>\n" + body + "</section>\n";
}

std::string note(std::string_view text) { return "<p class=\"note\">" + escaped(text) + "</p>\n"; }

std::string tile(std::string_view style, const std::string& figure, const std::string& caption) {
  return "<div class=\"card tile " + std::string{style} + "\"><b>" + escaped(figure) + "</b><span>" + escaped(caption) +
         "</span></div>\n";
}

std::string amount_text(const Amount& amount) {
  return with_commas(amount.objects) + (amount.objects == 1 ? " object, " : " objects, ") + human_bytes(amount.bytes);
}

std::string tiles(const PlanEnding& ending) {
  const Amount work = ending.estimate.to_copy();
  const Amount& blocked = ending.estimate.of(Action::kBlocked);
  return "<div class=\"tiles\">\n" +
         tile("", human_bytes(work.bytes), "to copy, in " + with_commas(work.objects) + " objects") +
         tile(blocked.objects > 0 ? "bad" : "good", with_commas(blocked.objects), "objects that can't be copied") +
         tile("", money(ending.cost.total(), ending.prices.currency), "for requests, retrieval and traffic") +
         tile("", precise_seconds(ending.time.seconds), speed_text(ending)) + "</div>\n";
}

std::string actions_section(const Estimate& estimate) {
  std::vector<Bar> bars;
  for (int i = 0; i < kActions; ++i) {
    const auto action = static_cast<Action>(i);
    const Amount& amount = estimate.of(action);
    if (amount.objects == 0) continue;
    const auto objects = static_cast<double>(amount.objects);
    const bool copied = action == Action::kNew || action == Action::kChanged;
    bars.push_back({std::string{label_of(action)}, amount_text(amount), objects, copied ? objects : 0});
  }
  return section("What a copy would do", chart(bars, "objects by what a copy would do"));
}

std::string sizes_section(const Estimate& estimate) {
  std::vector<Bar> objects, bytes;
  const auto used = [](const Amount& amount) { return amount.objects > 0; };
  const auto& sizes = estimate.sizes();
  const auto first = std::ranges::find_if(sizes, used) - sizes.begin();
  const auto last = std::find_if(sizes.rbegin(), sizes.rend(), used).base() - sizes.begin();
  for (auto step = static_cast<std::size_t>(first); step < static_cast<std::size_t>(last); ++step) {
    const Amount& amount = sizes[step];
    const auto count = static_cast<double>(amount.objects), size = static_cast<double>(amount.bytes);
    objects.push_back({size_label(step), with_commas(amount.objects), count, count});
    bytes.push_back({size_label(step), human_bytes(amount.bytes), size, size});
  }
  return section("Objects by size", chart(objects, "objects by size")) +
         section("Bytes by size of the object", chart(bytes, "bytes by size of the object"));
}

std::string classes_section(const Estimate& estimate) {
  std::vector<Bar> bars;
  for (const auto& [name, use] : estimate.classes()) {
    bars.push_back(
        {name, amount_text(use.all), static_cast<double>(use.all.bytes), static_cast<double>(use.to_copy.bytes)});
  }
  return section("Bytes by storage class", chart(bars, "bytes by storage class") +
                                               "<p class=\"note\"><span class=\"key main\"></span>to copy<span "
                                               "class=\"key second\"></span>there already, or can't be copied</p>\n");
}

std::string blocked_section(const Estimate& estimate) {
  if (estimate.blocked().empty()) return {};
  std::string table =
      "<table><tr><th>reason</th><th class=\"number\">objects</th><th class=\"number\">bytes</th>"
      "<th>for example</th></tr>\n";
  for (const auto& [reason, blocked] : estimate.blocked()) {
    table += "<tr><td class=\"bad-text\">" + escaped(to_string(reason)) + "</td><td class=\"number\">" +
             with_commas(blocked.amount.objects) + "</td><td class=\"number\">" + human_bytes(blocked.amount.bytes) +
             "</td><td>";
    for (const auto& example : blocked.examples) table += "<code>" + escaped(example.key.str()) + "</code><br>";
    if (!blocked.examples.empty()) table += escaped(blocked.examples.front().what);
    table += "</td></tr>\n";
  }
  return section("What can't be copied, and why", table + "</table>\n");
}

std::string cost_section(const PlanEnding& ending) {
  std::vector<Bar> bars;
  for (const CostLine& line : lines_of(ending.cost)) {
    if (line.amount < 0.005) continue;
    bars.push_back({std::string{line.label}, money(line.amount, ending.prices.currency), line.amount, line.amount});
  }
  return section(
      "Cost", chart(bars, "cost") + note("By prices as of " + ending.prices.as_of + ", from " + ending.prices.source +
                                         ", all of it within one month. Yours may differ: --prices."));
}

std::string requests_section(const PlanEnding& ending) {
  std::string table = "<table><tr><th>side</th><th>request</th><th class=\"number\">count</th></tr>\n";
  for (const RequestLine& line : requests_of(ending)) {
    if (line.count == 0) continue;
    table += std::string{"<tr><td>"} + (line.side == "source" ? "S3" : "GCS") + "</td><td>" + escaped(line.label) +
             "</td><td class=\"number\">" + with_commas(line.count) + "</td></tr>\n";
  }
  return section(
      "Requests of a copy",
      table + "</table>\n" +
          note("Beside these, tags cost one request for each object that has some, and repeats after failures. " +
               human_bytes(ending.estimate.read_bytes()) + " leave the source."));
}

}  // namespace

std::string html_of(const PlanEnding& ending) {
  const std::string job = escaped(ending.job.describe());
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Plan: " +
      job + "</title>\n<style>" + std::string{kPlanStyle} + "</style></head>\n<body><main>\n<h1>" +
      escaped(headline_of(ending)) + "</h1>\n<p class=\"job\">" + job + "</p>\n";
  page += tiles(ending) + blocked_section(ending.estimate);
  if (ending.estimate.listed().objects > 0) {
    page += actions_section(ending.estimate) + sizes_section(ending.estimate) + classes_section(ending.estimate) +
            cost_section(ending);
  }
  page += requests_section(ending);
  return page +
         note("Made by bucketferry " + program_version() + " on " + rfc3339(ending.when) +
              " from listings alone. Nothing was written anywhere.") +
         "</main></body></html>\n";
}

}  // namespace ferry::app
