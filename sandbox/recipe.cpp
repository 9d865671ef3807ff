#include "sandbox/recipe.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kit/base/gzip.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "sandbox/pattern.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;

FillItem item(std::string key, std::uint64_t size) {
  FillItem one;
  one.key = std::move(key);
  one.size = size;
  return one;
}

/// Names that break careless software, all legal on both sides.
void add_awkward_names(std::vector<FillItem>* items) {
  const std::string_view kNames[] = {"names/a//b",
                                     "names//leading",
                                     "/leading-slash",
                                     "//two-slashes",
                                     "names/../up",
                                     "names/./here",
                                     "names/..",
                                     "names/plus+plus",
                                     "names/percent%",
                                     "names/percent%20not-space",
                                     "names/slash%2Fescaped",
                                     "names/space in name",
                                     "names/ leading space",
                                     "names/trailing space ",
                                     "names/amp&ersand",
                                     "names/less<more>",
                                     "names/quote\"double",
                                     "names/quote'single",
                                     "names/question?mark",
                                     "names/hash#mark",
                                     "names/semi;colon",
                                     "names/colon:name",
                                     "names/equals=sign",
                                     "names/comma,name",
                                     "names/dollar$name",
                                     "names/at@name",
                                     "names/star*",
                                     "names/brackets[1]",
                                     "names/braces{1}",
                                     "names/pipe|name",
                                     "names/back\\slash",
                                     "names/caret^name",
                                     "names/back`tick",
                                     "names/tilde~name",
                                     "names/tab\tname",
                                     "names/CASE",
                                     "names/case",
                                     "names/caf\xC3\xA9-composed",
                                     "names/cafe\xCC\x81-decomposed",
                                     "names/\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E",
                                     "names/emoji-\xF0\x9F\x9A\xA2",
                                     "names/right-to-left-\xE2\x80\xAE-mark",
                                     "names/zero-width-\xE2\x80\x8B-space",
                                     "names/\xC3\xBC/nested/\xC3\x9F",
                                     "names/dot.",
                                     ".hidden",
                                     "..twodots"};
  std::uint64_t size = 17;
  for (const auto name : kNames) items->push_back(item(std::string(name), size += 311));
  items->push_back(item("names/dir/", 0));
  items->push_back(item("names/dir-with-bytes/", 23));
  items->push_back(item("names/" + std::string(1024 - 6, 'k'), 1024));
  std::string multibyte = "names/";
  while (multibyte.size() + 4 <= 1024) multibyte += "\xF0\x9F\x9A\xA2";
  items->push_back(item(std::move(multibyte), 99));
}

void add_illegal_names(std::vector<FillItem>* items) {
  items->push_back(item("names/line\nfeed", 5));
  items->push_back(item("names/carriage\rreturn", 5));
  items->push_back(item(".", 5));
  items->push_back(item("..", 5));
  items->push_back(item(".well-known/acme-challenge/token", 5));
}

void add_sizes(std::vector<FillItem>* items) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, 256 * kKiB - 1, 256 * kKiB, 256 * kKiB + 1, kMiB,
                                   8 * kMiB, 16 * kMiB, 16 * kMiB + 1}) {
    items->push_back(item(fmt::format("sizes/{:09}", size), size));
  }
  const std::pair<std::uint64_t, std::uint64_t> kInParts[] = {{5 * kMiB + 1, 5 * kMiB},
                                                              {12 * kMiB, 5 * kMiB},
                                                              {20 * kMiB, 10 * kMiB},
                                                              {33 * kMiB + 7, 8 * kMiB},
                                                              {100 * kMiB, 16 * kMiB}};
  for (const auto& [size, part] : kInParts) {
    auto one = item(fmt::format("sizes/in-parts-{:09}", size), size);
    one.part_size = part;
    items->push_back(std::move(one));
  }
}

std::string encoded_word(std::string_view utf8) { return "=?UTF-8?B?" + base64(utf8) + "?="; }

void add_with_headers(std::vector<FillItem>* items) {
  auto page = item("headers/page.html", 2048);
  page.headers = {{"Content-Type", "text/html; charset=utf-8"},
                  {"Cache-Control", "public, max-age=60"},
                  {"Content-Language", "en"},
                  {"Content-Disposition", "inline; filename=\"page.html\""}};
  items->push_back(std::move(page));
  auto tagged = item("headers/user-metadata", 333);
  tagged.headers = {
      {"Content-Type", "application/x-demo"},
      {"x-amz-meta-author", "A. N. Other"},
      {"x-amz-meta-empty", ""},
      {"x-amz-meta-city", encoded_word("Z\xC3\xBCrich")},
      {"x-amz-meta-ship", encoded_word("\xF0\x9F\x9A\xA2 \xE3\x83\x95\xE3\x82\xA7\xE3\x83\xAA\xE3\x83\xBC")}};
  items->push_back(std::move(tagged));
  auto archived = item("headers/infrequent", 4096);
  archived.headers = {{"x-amz-storage-class", "STANDARD_IA"}, {"x-amz-tagging", "team=ferry&stage=demo"}};
  items->push_back(std::move(archived));
  std::string log;
  for (int line = 0; line < 400; ++line)
    log += fmt::format("2026-01-01T00:00:{:02} line {} of a log that packs well\n", line % 60, line);
  auto packed = item("headers/log.txt.gz-encoded", 0);
  packed.text = gzip(log);
  packed.size = packed.text.size();
  packed.headers = {{"Content-Type", "text/plain"}, {"Content-Encoding", "gzip"}};
  items->push_back(std::move(packed));
}

void add_ordinary(std::vector<FillItem>* items, std::uint64_t seed) {
  for (int i = 0; i < 160; ++i) {
    const auto key = fmt::format("photos/2026/{:02}/img-{:04}.jpg", i % 12 + 1, i);
    const auto drawn = scatter(key, seed);
    auto photo = item(key, drawn % (kKiB << (drawn >> 32) % 9));  // up to 256 KiB, most of them small
    photo.headers = {{"Content-Type", "image/jpeg"}, {"x-amz-meta-camera", fmt::format("camera-{}", i % 7)}};
    items->push_back(std::move(photo));
  }
  for (int i = 0; i < 80; ++i) {
    auto log = item(fmt::format("logs/service-{}/{:03}.log", i % 4, i),
                    scatter("log", seed + static_cast<std::uint64_t>(i)) % 20'000);
    log.headers = {{"Content-Type", "text/plain"}};
    items->push_back(std::move(log));
  }
}

Result<std::vector<FillItem>> counted(std::string_view recipe) {
  auto spec = parse_synthetic(recipe);
  if (!spec)
    return fail(ErrorKind::kInvalid, "recipe '" + printable(recipe) + "': demo, small:COUNT:SIZE or large:COUNT:SIZE");
  const bool large = spec->bucket == "large";
  std::vector<FillItem> items;
  for (std::uint64_t i = 0; i < spec->count; ++i) {
    auto one =
        item(large ? fmt::format("large/{:06}", i) : fmt::format("small/{:05}/{:03}", i / 1000, i % 1000), spec->size);
    if (large && spec->size > 16 * kMiB) one.part_size = std::max(16 * kMiB, spec->size / 9000);
    items.push_back(std::move(one));
  }
  return items;
}

}  // namespace

Result<std::vector<FillItem>> make_recipe(std::string_view recipe, std::uint64_t seed, bool with_illegal) {
  if (recipe.starts_with("small:") || recipe.starts_with("large:")) return counted(recipe);
  if (recipe != "demo") {
    return fail(ErrorKind::kInvalid, "recipe '" + printable(recipe) + "': demo, small:COUNT:SIZE or large:COUNT:SIZE");
  }
  std::vector<FillItem> items;
  add_awkward_names(&items);
  if (with_illegal) add_illegal_names(&items);
  add_sizes(&items);
  add_with_headers(&items);
  add_ordinary(&items, seed);
  return items;
}

std::vector<FillItem> chosen_for_change(std::vector<FillItem> items, std::uint64_t count) {
  std::erase_if(items, [](const FillItem& one) { return one.size == 0 || !one.text.empty(); });  // these can't change
  count = std::min<std::uint64_t>(count, items.size());
  std::vector<FillItem> chosen;
  for (std::uint64_t i = 0; i < count; ++i) chosen.push_back(std::move(items[i * items.size() / count]));
  return chosen;
}

}  // namespace ferry::sandbox
