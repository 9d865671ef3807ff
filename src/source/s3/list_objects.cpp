#include "source/s3/list_objects.hpp"

#include <algorithm>

#include "kit/base/text.hpp"
#include "kit/resilience/retry.hpp"
#include "source/s3/object_headers.hpp"

namespace ferry::s3 {
namespace {

constexpr std::size_t kPageBytesMax = 8 * 1024 * 1024;  // 1000 keys of 1 KiB, each byte as %XX, and room

tl::unexpected<Error> broken(std::string what) {
  return fail(ErrorKind::kCorrupt, "broken listing: " + std::move(what));
}

/// Key texts as bytes. Servers that don't know encoding-type send them as they are and don't echo it.
enum class KeyEncoding { kRaw, kUrl };

Result<KeyEncoding> key_encoding_of(pugi::xml_node root) {
  const auto echoed = child_text(root, "EncodingType");
  if (!echoed || echoed->empty()) return KeyEncoding::kRaw;
  if (iequals(*echoed, "url")) return KeyEncoding::kUrl;
  return broken("unknown EncodingType '" + printable(*echoed) + "'");
}

/// The children that we read, each at most once.
struct EntryFields {
  std::optional<std::string_view> key, modified, etag, size, storage_class;
};

Result<EntryFields> fields_of(pugi::xml_node contents) {
  EntryFields fields;
  const std::pair<std::string_view, std::optional<std::string_view>*> wanted[] = {
      {"Key", &fields.key},   {"LastModified", &fields.modified},      {"ETag", &fields.etag},
      {"Size", &fields.size}, {"StorageClass", &fields.storage_class},
  };
  for (const auto child : contents.children()) {
    const auto name = local_name(child);
    for (const auto& [field, value] : wanted) {
      if (name != field) continue;
      if (*value) return broken("an entry with two of " + std::string{field});
      *value = text_of(child);
    }
  }
  return fields;
}

/// Tab, line feed and carriage return are legal in XML; the others can only be meant url-encoded.
bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
  });
}

/// RestoreStatus stands only where there is a restored copy, or soon will be. Of an archived object without it, Amazon
/// says that there is none; other servers don't know the element, so that reading must tell.
Access access_of(pugi::xml_node contents, std::string_view storage_class, ListDialect dialect) {
  for (const auto child : contents.children()) {
    if (local_name(child) != "RestoreStatus") continue;
    return child_text(child, "IsRestoreInProgress") == "true" ? Access::kRestoring : Access::kReadable;
  }
  const bool archived = dialect == ListDialect::kAmazon && is_archive_class(storage_class);
  return archived ? Access::kArchived : Access::kReadable;
}

Result<SourceEntry> parse_entry(pugi::xml_node contents, KeyEncoding encoding, ListDialect dialect) {
  const auto fields = fields_of(contents);
  if (!fields) return fail(fields.error());
  if (!fields->key || fields->key->empty()) return broken("an entry without a key");
  if (has_control_character(*fields->key)) {
    return fail(ErrorKind::kCorrupt,
                "listing has an unencoded control character in key '" + printable(*fields->key) + "'");
  }
  auto key = encoding == KeyEncoding::kUrl ? percent_decode(*fields->key, true) : std::string{*fields->key};
  if (!key || key->empty()) return broken("key '" + printable(*fields->key) + "' is not URL-encoded");

  const auto bad = [&key](std::string_view field, std::optional<std::string_view> value) {
    return broken("key '" + printable(*key) + "' has " + std::string{field} + " '" +
                  printable(value.value_or("").substr(0, 100)) + "'");
  };
  const auto size = parse_u64(trim(fields->size.value_or("")));
  if (!size || *size > INT64_MAX) return bad("size", fields->size);
  const auto modified = parse_rfc3339(trim(fields->modified.value_or("")));
  if (!modified) return bad("LastModified", fields->modified);
  auto etag = parse_etag(fields->etag.value_or(""));
  if (!etag) return bad("ETag", fields->etag);
  const auto storage_class = trim(fields->storage_class.value_or(""));

  SourceEntry entry;
  entry.key = ObjectKey{*std::move(key)};
  entry.version.etag = *std::move(etag);
  entry.version.modified = *modified;
  entry.size = *size;
  entry.storage_class = storage_class.empty() ? "STANDARD" : std::string{storage_class};
  entry.access = access_of(contents, entry.storage_class, dialect);
  return entry;
}

/// The token of the page that follows; nothing after the last.
Result<std::optional<std::string>> next_of(pugi::xml_node root) {
  const auto truncated = trim(child_text(root, "IsTruncated").value_or(""));
  if (truncated == "false") return std::nullopt;
  if (truncated != "true") return broken("IsTruncated is '" + printable(truncated) + "'");
  const auto token = child_text(root, "NextContinuationToken");
  if (!token || token->empty()) return broken("more keys follow, but there is no token to ask for them");
  return std::string{*token};
}

std::string query_of(const Options& options, std::string_view prefix, const Cursor& cursor,
                     const std::optional<ObjectKey>& after) {
  std::string query;
  const auto add = [&query](std::string_view name, std::string_view value) {
    if (!query.empty()) query.push_back('&');
    query.append(name).append("=").append(percent_encode(value));
  };
  // In the order of the canonical request.
  if (!cursor.token.empty()) add("continuation-token", cursor.token);
  add("encoding-type", "url");
  add("list-type", "2");
  add("max-keys", std::to_string(options.page_size));
  add("prefix", prefix);
  if (cursor.token.empty() && after) add("start-after", after->str());
  return query;
}

/// A bare 404 means an object elsewhere; here it is the bucket, or the whole server, that isn't what we were told.
Error about_bucket(Error error) {
  if (error.kind != ErrorKind::kGone) return error;
  error.kind = ErrorKind::kInvalid;
  error.what += " (no such bucket, or no S3 server there; check the bucket's name and the endpoint)";
  return error;
}

Call call_of(std::string query) {
  Call call{"GET", std::nullopt};
  call.query = std::move(query);
  call.headers.add("Accept-Encoding", "identity");
  call.headers.add("x-amz-optional-object-attributes", "RestoreStatus");
  return call;
}

Task<Result<ListPage>> fetch_page(Api* api, const std::string* prefix, const std::string* query) {
  auto call = call_of(*query);
  const auto place = api->place(call);
  auto reply = co_await api->send(std::move(call));
  if (!reply) co_return fail(about_bucket(std::move(reply).error()));
  const auto encoding = reply->head.headers.find("content-encoding");
  if (encoding && !encoding->empty() && !iequals(*encoding, "identity")) {
    co_return fail(ErrorKind::kCorrupt, place + ": broken listing: compressed, although nobody asked for it");
  }
  auto body = co_await reply->exchange->read_all(kPageBytesMax);
  if (!body) co_return fail(std::move(body).error().during(place));
  const auto document = Xml::parse(*std::move(body));
  if (!document) co_return fail(Error{document.error()}.during(place));
  if (is_error_document(*document)) co_return fail(to_error(read_failure(reply->head, *document, api->now()), place));
  const auto dialect = api->options().endpoint ? ListDialect::kAny : ListDialect::kAmazon;
  auto page = parse_list_page(*document, *prefix, std::max<std::size_t>(1000, api->options().page_size), dialect);
  if (!page) co_return fail(std::move(page).error().during(place));
  co_return page;
}

void append_field(std::string_view field, std::string* out) {
  out->append(std::to_string(field.size())).append(":").append(field);
}

std::optional<std::string> take_field(std::string_view* text) {
  const auto colon = text->find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto size = parse_u64(text->substr(0, colon));
  if (!size || *size > text->size() - colon - 1) return std::nullopt;
  std::string field{text->substr(colon + 1, *size)};
  text->remove_prefix(colon + 1 + *size);
  return field;
}

}  // namespace

std::string Cursor::encode() const {
  std::string text;
  for (const auto& field : {token, last_key, anchor, std::to_string(steps), std::to_string(steps_max)})
    append_field(field, &text);
  return text;
}

std::optional<Cursor> Cursor::decode(std::string_view text) {
  Cursor cursor;
  std::optional<std::uint64_t> steps, steps_max;
  for (auto* field : {&cursor.token, &cursor.last_key, &cursor.anchor}) {
    auto taken = take_field(&text);
    if (!taken) return std::nullopt;
    *field = *std::move(taken);
  }
  for (auto* number : {&steps, &steps_max}) {
    const auto taken = take_field(&text);
    if (taken) *number = parse_u64(*taken);
  }
  if (!steps || !steps_max || !text.empty() || cursor.token.empty()) return std::nullopt;
  cursor.steps = *steps;
  cursor.steps_max = *steps_max;
  return cursor;
}

Result<ListPage> parse_list_page(const Xml& document, std::string_view prefix, std::size_t entries_max,
                                 ListDialect dialect) {
  const auto root = document.root();
  if (local_name(root) != "ListBucketResult") {
    return broken("a document <" + printable(local_name(root).substr(0, 100)) + "> instead of a listing");
  }
  const auto encoding = key_encoding_of(root);
  if (!encoding) return fail(encoding.error());
  ListPage page;
  for (const auto child : root.children()) {
    const auto name = local_name(child);
    if (name == "CommonPrefixes") return broken("keys are folded into prefixes, although nobody asked for it");
    if (name != "Contents") continue;
    if (page.entries.size() == entries_max)
      return broken("more than " + std::to_string(entries_max) + " keys on one page");
    auto entry = parse_entry(child, *encoding, dialect);
    if (!entry) return fail(std::move(entry).error());
    if (!entry->key.str().starts_with(prefix)) {
      return broken("key '" + printable(entry->key.str()) + "' is outside of prefix '" + printable(prefix) + "'");
    }
    page.entries.push_back(*std::move(entry));
  }
  auto next = next_of(root);
  if (!next) return fail(std::move(next).error());
  page.next = *std::move(next);
  return page;
}

Result<std::optional<Cursor>> follow(const Cursor& before, const ListPage& page) {
  const std::string* last = &before.last_key;
  for (const auto& entry : page.entries) {
    const auto& key = entry.key.str();
    if (key == *last) return broken("key '" + printable(key) + "' comes again after '" + printable(*last) + "'");
    if (key < *last) return broken("key '" + printable(key) + "' comes after '" + printable(*last) + "', out of order");
    last = &key;
  }
  if (!page.next) return std::nullopt;
  if (*page.next == before.token)
    return broken("the same continuation token comes again after '" + printable(*last) + "'");

  Cursor cursor;
  cursor.token = *page.next;
  cursor.last_key = *last;
  if (!page.entries.empty()) return cursor;  // keys only go up: no loop
  if (cursor.token == before.anchor) return broken("empty pages whose continuation tokens run in a circle");
  const bool renew = before.steps + 1 >= before.steps_max;
  cursor.anchor = renew ? cursor.token : before.anchor;
  cursor.steps = renew ? 0 : before.steps + 1;
  cursor.steps_max = renew ? before.steps_max * 2 : before.steps_max;
  return cursor;
}

Task<Result<SourcePage>> list_objects(Api* api, std::string prefix, std::optional<std::string> token,
                                      std::optional<ObjectKey> after) {
  Cursor before;
  if (after) before.last_key = after->str();
  if (token) {
    auto cursor = Cursor::decode(*token);
    if (!cursor)
      co_return fail(ErrorKind::kInvalid, "list s3://" + api->options().bucket.str() + ": not a token of this listing");
    before = *std::move(cursor);
  }
  const auto query = query_of(api->options(), prefix, before, after);
  const auto once = [api, &prefix, &query] { return fetch_page(api, &prefix, &query); };
  auto page = co_await retry(api->options().backoff, api->clock(), api->rng(), Idempotency::kIdempotent, once);
  if (!page) co_return fail(std::move(page).error());
  auto cursor = follow(before, *page);
  if (!cursor) co_return fail(std::move(cursor).error().during("list s3://" + api->options().bucket.str()));
  SourcePage result;
  result.entries = std::move(page->entries);
  if (*cursor) result.next = (*cursor)->encode();
  co_return result;
}

}  // namespace ferry::s3
