#include "app/options_verify.hpp"

#include <charconv>

#include "app/read_value.hpp"
#include "verify/verifier.hpp"

namespace ferry::app {
namespace {

/// "12.5%": above 0 up to 100, as a share.
std::optional<double> read_percent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !(number > 0) || number > 100) return std::nullopt;
  return number / 100;
}

std::string apply_sample(Settings* settings, const Given& given) {
  Sample sample;
  if (const auto share = read_percent(given.text)) {
    sample.share = *share;
  } else if (!read_number(given.text, 1, kSampleMax, &sample.objects).empty()) {
    return "is neither a share, as 5%, nor a number from 1 to " + std::to_string(kSampleMax);
  }
  settings->sample = sample;
  return {};
}

std::string apply_max_delete(Settings* settings, const Given& given) {
  PruneLimit limit;
  std::uint64_t objects = 0;
  if (const auto share = read_percent(given.text)) {
    limit.share = *share;
  } else if (read_number(given.text, 0, UINT64_MAX, &objects).empty()) {
    limit.objects = objects;
  } else {
    return "is neither a share, as 10%, nor a number of objects";
  }
  settings->prune_limit = limit;
  return {};
}

std::string apply_seed(Settings* settings, const Given& given) {
  std::uint64_t seed = 0;
  auto wrong = read_number(given.text, 0, UINT32_MAX, &seed);
  if (wrong.empty()) settings->seed = seed;
  return wrong;
}

}  // namespace

std::vector<Option> adoption_options() {
  return {{.name = "adopt",
           .value = "",
           .environment = {{"FERRY_ADOPT", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInServices,
           .help = "objects that another tool brought, and whose checksum is the source's, become ours: their metadata "
                   "gets our provenance, with one request each (without: they count as there all the same)",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->adopt); }}};
}

std::vector<Option> deletion_options() {
  return {{.name = "delete",
           .value = "",
           .environment = {{"FERRY_DELETE", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInPublisher,
           .help = "delete at the target what bucketferry wrote there and has left the source; each is asked for once "
                   "more before (default: nothing is ever deleted)",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->prune); }},
          {.name = "max-delete",
           .value = "N|N%",
           .environment = {{"FERRY_MAX_DELETE", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInPublisher,
           .help = "if more than so many objects, or than such a share of ours, would go at once, none does (default: "
                   "10%)",
           .apply = apply_max_delete},
          {.name = "allow-empty-source",
           .value = "",
           .environment = {{"FERRY_ALLOW_EMPTY_SOURCE", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInPublisher,
           .help = "with --delete: take a source without any object at its word",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->allow_empty_source); }}};
}

std::vector<Option> verify_options() {
  return {
      {.name = "deep",
       .value = "",
       .environment = {},
       .group = Group::kWork,
       .commands = kInVerify,
       .help = "read source objects again and compare their CRC32C with the target's",
       .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->deep); }},
      {.name = "metadata",
       .value = "",
       .environment = {},
       .group = Group::kWork,
       .commands = kInVerify,
       .help = "compare content headers and user metadata, too; S3 lists none, so this costs a HEAD for each object "
               "that is not read",
       .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->compare_metadata); }},
      {.name = "sample",
       .value = "N|N%",
       .environment = {},
       .group = Group::kWork,
       .commands = kInVerify,
       .help = "so many objects for --deep and --metadata, or such a share, drawn by --seed; listings decide the "
               "rest (default: 100%)",
       .apply = apply_sample},
      {.name = "seed",
       .value = "N",
       .environment = {},
       .group = Group::kWork,
       .commands = kInVerify,
       .help = "draws the same sample again (default: another each time; the summary says which)",
       .apply = apply_seed},
      {.name = "ignore-extra",
       .value = "",
       .environment = {},
       .group = Group::kWork,
       .commands = kInVerify,
       .help = "objects that only the target has are no difference",
       .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->ignore_extra); }}};
}

std::vector<Option> evidence_options() {
  return {{.name = "html",
           .value = "FILE",
           .environment = {},
           .group = Group::kOutput,
           .commands = kInVerify | kInPlan,
           .help = "one HTML page for people; plan: with charts; verify: counts, checks, who and when, and the first "
                   "1,000 differences",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->html_file); }}};
}

}  // namespace ferry::app
