// GET b/BUCKET/o. Our page tokens carry the server's token together with the last name seen, so that a listing which
// loops or goes backwards is noticed although nothing is remembered between calls.

#include <algorithm>

#include "kit/base/text.hpp"
#include "target/gcs/api.hpp"

namespace ferry::gcs {
namespace {

constexpr std::size_t kListReplyMax = 32 << 20;  // 1,000 objects with 8 KiB of metadata each, escaped
constexpr std::string_view kHeaderFields =
    ",contentType,contentEncoding,contentDisposition,contentLanguage,cacheControl";
constexpr std::uint64_t kEmptyPagesMax = 10'000;  // in a row: a server that answers so is looping

/// "EMPTY PAGES:LENGTH OF LAST:LAST TOKEN"
struct Place {
  std::uint64_t empty_pages = 0;
  std::string last;
  std::string token;

  [[nodiscard]] std::string str() const {
    return std::to_string(empty_pages) + ":" + std::to_string(last.size()) + ":" + last + token;
  }
  static std::optional<Place> parse(std::string_view text) {
    const auto first = text.find(':');
    const auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto empty_pages = parse_u64(text.substr(0, first));
    const auto length = parse_u64(text.substr(first + 1, second - first - 1));
    text.remove_prefix(second + 1);
    if (!empty_pages || !length || *length > text.size()) return std::nullopt;
    Place place;
    place.empty_pages = *empty_pages;
    place.last = std::string{text.substr(0, *length)};
    place.token = std::string{text.substr(*length)};
    return place;
  }
};

/// Strictly ascending, after `last`, all below `prefix`.
bool in_order(const std::vector<TargetObject>& objects, const std::string& prefix, const std::string& last) {
  const std::string* before = &last;
  return std::all_of(objects.begin(), objects.end(), [&](const TargetObject& object) {
    const auto& name = object.key.str();
    const bool right = name > *before && name.starts_with(prefix);
    before = &name;
    return right;
  });
}

}  // namespace

Task<Result<TargetPage>> Api::list_objects(std::string prefix, std::optional<std::string> token, Detail detail) {
  const auto action = "list " + bucket_place() + "/" + printable(prefix);
  auto place = token ? Place::parse(*token) : Place{};
  if (!place) co_return fail(ErrorKind::kInvalid, action + ": the page token is not one of ours");

  std::string target = list_target_ + "?maxResults=" + std::to_string(options_.page_size) +
                       "&projection=noAcl&fields=items(name,size,generation,md5Hash,crc32c,metadata";
  if (detail == Detail::kMetadata) target += kHeaderFields;
  target += "),nextPageToken";
  if (!prefix.empty()) target += "&prefix=" + percent_encode(prefix);
  if (!place->token.empty()) target += "&pageToken=" + percent_encode(place->token);

  const auto once = [this, &action, &target, detail] { return list_once(action, target, detail); };
  auto listing = co_await repeat(once);
  if (!listing) co_return fail(std::move(listing).error());
  if (!in_order(listing->objects, prefix, place->last)) {
    co_return fail(ErrorKind::kCorrupt,
                   action + ": the server's listing is out of order, repeats itself or leaves the prefix");
  }
  TargetPage page;
  page.objects = std::move(listing->objects);
  if (!listing->next_page_token) co_return page;

  Place next;
  next.token = *std::move(listing->next_page_token);
  if (page.objects.empty()) {
    next.empty_pages = place->empty_pages + 1;
    next.last = std::move(place->last);
  } else {
    next.last = page.objects.back().key.str();
  }
  if (next.token == place->token || next.empty_pages > kEmptyPagesMax) {
    co_return fail(ErrorKind::kCorrupt, action + ": the server's listing doesn't get on: the same page token again");
  }
  page.next = next.str();
  co_return page;
}

Task<Result<Listing>> Api::list_once(std::string action, std::string target, Detail detail) {
  auto reply = co_await call("GET", std::move(target), net::Headers{}, std::string_view{}, kListReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during(action));
  if (reply->status != 200) co_return fail(refused(*reply, action, Subject::kBucket));
  auto listing = parse_listing(reply->body, detail);
  if (!listing) co_return fail(std::move(listing).error().during(action));
  co_return listing;
}

}  // namespace ferry::gcs
