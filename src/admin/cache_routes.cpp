// Reading and forgetting what the state store remembers.

#include <boost/json/serialize.hpp>

#include "admin/answer.hpp"
#include "admin/describe.hpp"
#include "admin/publisher_api.hpp"
#include "observe/log.hpp"

namespace ferry::admin {
namespace {

namespace json = boost::json;

constexpr std::string_view kNextCursor = "X-Next-Cursor";

Task<> refuse_value(Call* call, std::string message) { return answer_refusal(call->exchange, 400, std::move(message)); }

Result<Mark> mark_of(const Call& call) {
  const auto value = call.parameters.find("value");
  const auto mark = value == call.parameters.end() ? std::nullopt : parse_mark(value->second);
  if (!mark) return fail(ErrorKind::kInvalid, "give ?value=published or ?value=consumed");
  return *mark;
}

Result<EntryName> entry_of(const Call& call) {
  const auto value = call.parameters.find("value");
  if (value == call.parameters.end())
    return fail(ErrorKind::kInvalid, "give ?value=published:KEY or ?value=consumed:KEY");
  return parse_entry_name(value->second);
}

Task<> answer_deleted(Call* call, Result<std::uint64_t> deleted) {
  if (!deleted) co_return co_await answer_error(call->exchange, std::move(deleted).error());
  const json::object answer{{"deleted", *deleted}};
  co_await answer_json(call->exchange, 200, json::serialize(answer));
}

}  // namespace

Task<> PublisherApi::read_cache(Call* call) { return read_records(call, std::nullopt); }

Task<> PublisherApi::read_type(Call* call) {
  const auto mark = mark_of(*call);
  if (!mark) co_return co_await refuse_value(call, mark.error().what);
  co_await read_records(call, *mark);
}

/// A page where one is asked for, else everything. The first page is there before the answer begins, so that what can
/// fail fails with a status.
Task<> PublisherApi::read_records(Call* call, std::optional<Mark> only) {
  auto wish = parse_page_wish(call->parameters);
  if (!wish) co_return co_await refuse_value(call, std::move(wish).error().what);
  const bool paged = wish->limit || wish->cursor;
  const bool given = wish->cursor.has_value();
  auto page = co_await service_->records(std::move(wish->cursor), wish->limit.value_or(kLimitDefault));
  if (!page && given && page.error().kind == ErrorKind::kInvalid)
    co_return co_await refuse_value(call, std::move(page).error().what);
  if (!page) co_return co_await answer_error(call->exchange, std::move(page).error());
  if (paged) co_return co_await send_page(call, only, *std::move(page));
  co_await stream_records(call, only, *std::move(page));
}

Task<> PublisherApi::send_page(Call* call, std::optional<Mark> only, RecordPage page) {
  auto headers = headers_for(kJsonType);
  if (page.next) headers.add(std::string(kNextCursor), cursor_text(*page.next));
  co_await call->exchange->respond(200, std::move(headers), "{" + entries_text(page.records, only) + "}");
}

/// One page in memory at a time. If a later one can't be had, the answer breaks off: no reader takes half for all.
Task<> PublisherApi::stream_records(Call* call, std::optional<Mark> only, RecordPage page) {
  auto begun = co_await call->exchange->begin(200, headers_for(kJsonType), std::nullopt);
  if (begun && call->is_head()) co_await call->exchange->finish();
  if (!begun || call->is_head()) co_return;
  std::string text = "{";
  for (bool first = true;;) {
    const auto entries = entries_text(page.records, only);
    if (!entries.empty() && !std::exchange(first, false)) text += ',';
    text += entries;
    if (!page.next) text += '}';
    if (auto sent = co_await call->exchange->write(std::string_view(text)); !sent) co_return;
    if (!page.next) break;
    auto next = co_await service_->records(std::move(page.next), kLimitDefault);
    if (!next) {
      log::warn("admin.listing_broken_off", {{"reason", next.error().what}});
      co_return call->exchange->abort(/*reset=*/false);
    }
    page = *std::move(next);
    text.clear();
  }
  co_await call->exchange->finish();
}

Task<> PublisherApi::read_entry(Call* call) {
  auto name = entry_of(*call);
  if (!name) co_return co_await refuse_value(call, std::move(name).error().what);
  auto record = co_await service_->record(name->key);
  if (!record) co_return co_await answer_error(call->exchange, std::move(record).error());
  record->key = name->key;
  const std::vector<Record> records{*std::move(record)};
  const auto entry = entries_text(records, name->mark);
  if (entry.empty()) co_return co_await answer_refusal(call->exchange, 404, "no such entry");
  co_await answer_json(call->exchange, 200, "{" + entry + "}");
}

/// Published marks go first: if the other half fails, what is left says "copied", which is true.
Task<> PublisherApi::delete_cache(Call* call) {
  auto published = co_await service_->forget_all(Mark::kPublished);
  if (!published) co_return co_await answer_deleted(call, std::move(published));
  auto consumed = co_await service_->forget_all(Mark::kConsumed);
  if (consumed) *consumed += *published;
  co_await answer_deleted(call, std::move(consumed));
}

Task<> PublisherApi::delete_type(Call* call) {
  const auto mark = mark_of(*call);
  if (!mark) co_return co_await refuse_value(call, mark.error().what);
  auto deleted = co_await service_->forget_all(*mark);
  co_await answer_deleted(call, std::move(deleted));
}

Task<> PublisherApi::delete_entry(Call* call) {
  auto name = entry_of(*call);
  if (!name) co_return co_await refuse_value(call, std::move(name).error().what);
  auto deleted = co_await service_->forget(name->mark, name->key);
  co_await answer_deleted(call, std::move(deleted));
}

}  // namespace ferry::admin
