#include "admin/target.hpp"

#include <algorithm>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::admin {
namespace {

constexpr std::size_t kKeyBytesMax = 1'024;
constexpr std::size_t kShown = 64;

/// Of text that somebody sent: enough to recognise it.
std::string in_quotes(std::string_view text) {
  return "'" + printable(text.substr(0, kShown)) + (text.size() > kShown ? "…'" : "'");
}

tl::unexpected<Error> invalid(std::string what) { return fail(ErrorKind::kInvalid, std::move(what)); }

}  // namespace

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

Result<Parameters> parameters_of(std::string_view target, const std::vector<std::string_view>& known) {
  Parameters parameters;
  const auto mark = target.find('?');
  auto rest = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decode(pair.substr(0, equals), /*plus_is_space=*/true);
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), /*plus_is_space=*/true);
    if (!name || !value) return invalid("the query has a % that is not followed by two hexadecimal digits");
    if (std::ranges::find(known, *name) == known.end()) return invalid("unknown parameter " + in_quotes(*name));
    if (!parameters.emplace(*name, *std::move(value)).second)
      return invalid("parameter '" + *name + "' is given twice");
  }
  return parameters;
}

std::optional<Mark> parse_mark(std::string_view text) {
  if (text == "published") return Mark::kPublished;
  if (text == "consumed") return Mark::kConsumed;
  return std::nullopt;
}

std::string_view to_string(Mark mark) { return mark == Mark::kPublished ? "published" : "consumed"; }

Result<EntryName> parse_entry_name(std::string_view text) {
  const auto colon = text.find(':');
  const auto mark = colon == std::string_view::npos ? std::nullopt : parse_mark(text.substr(0, colon));
  if (!mark) return invalid("value " + in_quotes(text) + ": expected published:KEY or consumed:KEY");
  const auto key = text.substr(colon + 1);
  if (key.empty()) return invalid("value " + in_quotes(text) + ": the key after the colon is empty");
  if (key.size() > kKeyBytesMax) {
    return invalid("value " + in_quotes(text) + ": a key has at most 1024 bytes, this one " +
                   std::to_string(key.size()));
  }
  return EntryName{*mark, ObjectKey{std::string(key)}};
}

Result<PageWish> parse_page_wish(const Parameters& parameters) {
  PageWish wish;
  if (const auto limit = parameters.find("limit"); limit != parameters.end()) {
    const auto number = parse_u64(limit->second);
    if (!number || *number < 1 || *number > kLimitMax)
      return invalid("limit " + in_quotes(limit->second) + ": expected a number from 1 to 10000");
    wish.limit = number;
  }
  if (const auto cursor = parameters.find("cursor"); cursor != parameters.end()) {
    wish.cursor = from_hex(cursor->second);
    if (!wish.cursor || wish.cursor->empty())
      return invalid("cursor " + in_quotes(cursor->second) + ": expected what X-Next-Cursor of the page before said");
  }
  return wish;
}

std::string cursor_text(std::string_view cursor) { return hex(cursor); }

}  // namespace ferry::admin
