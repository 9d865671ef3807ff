// Commands to the service, and what it tells of itself.

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "admin/answer.hpp"
#include "admin/describe.hpp"
#include "admin/publisher_api.hpp"
#include "kit/base/text.hpp"

namespace ferry::admin {
namespace {

namespace json = boost::json;

std::string_view to_string(ScanRequest request) {
  switch (request) {
    case ScanRequest::kStarted: return "started";
    case ScanRequest::kQueued: return "queued";
    case ScanRequest::kAlreadyQueued: return "already queued";
  }
  return "";
}

tl::unexpected<Error> invalid(std::string what) { return fail(ErrorKind::kInvalid, std::move(what)); }

Result<bool> flag_of(const json::object& command, std::string_view name) {
  const auto* value = command.if_contains(name);
  if (!value) return false;
  if (!value->is_bool()) return invalid(std::string(name) + " must be true or false");
  return value->get_bool();
}

/// Adds the strings of that member, which may be missing.
Status add_keys(const json::object& command, std::string_view name, bool encoded, std::vector<ObjectKey>* keys) {
  const auto* list = command.if_contains(name);
  if (!list) return Unit{};
  if (!list->is_array()) return invalid(std::string(name) + " must be a list of keys");
  for (const auto& each : list->get_array()) {
    if (!each.is_string() || each.get_string().empty()) return invalid(std::string(name) + " must be a list of keys");
    const std::string_view text{each.get_string().data(), each.get_string().size()};
    auto key = encoded ? percent_decode(text) : std::optional<std::string>(text);
    if (!key) return invalid(std::string(name) + " has a % that is not followed by two hexadecimal digits");
    keys->emplace_back(*std::move(key));
  }
  return Unit{};
}

/// The keys that were named; none if none were, which means all.
Result<std::vector<ObjectKey>> keys_of(const json::object& command) {
  std::vector<ObjectKey> keys;
  auto added = add_keys(command, "keys", false, &keys);
  if (added) added = add_keys(command, "keys_percent_encoded", true, &keys);
  if (!added) return fail(std::move(added).error());
  if (keys.empty() && !command.empty()) return invalid("no keys are named: send {} to retry everything");
  return keys;
}

}  // namespace

Result<json::object> command_of(const Call& call, const std::vector<std::string_view>& known) {
  if (call.body.empty()) return json::object{};
  json::error_code fault;
  auto value = json::parse(call.body, fault);
  if (fault || !value.is_object()) return invalid("the body is not a JSON object");
  for (const auto& member : value.get_object()) {
    const std::string_view name{member.key().data(), member.key().size()};
    if (std::ranges::find(known, name) == known.end()) return invalid("unknown member '" + printable(name) + "'");
  }
  return std::move(value).as_object();
}

Task<> PublisherApi::scan(Call* call) {
  const auto command = command_of(*call, {"audit"});
  const auto audit = command ? flag_of(*command, "audit") : Result<bool>(fail(command.error()));
  if (!audit) co_return co_await answer_refusal(call->exchange, 400, audit.error().what);
  auto request = co_await service_->scan(*audit);
  if (!request) co_return co_await answer_error(call->exchange, std::move(request).error());
  const json::object answer{{"scan", to_string(*request)}};
  co_await answer_json(call->exchange, 202, json::serialize(answer));
}

Task<> PublisherApi::set_paused(Call* call, bool paused) {
  const auto command = command_of(*call, {});
  if (!command) co_return co_await answer_refusal(call->exchange, 400, command.error().what);
  auto done = co_await service_->set_paused(paused);
  if (!done) co_return co_await answer_error(call->exchange, std::move(done).error());
  const json::object answer{{"paused", paused}};
  co_await answer_json(call->exchange, 200, json::serialize(answer));
}

Task<> PublisherApi::read_status(Call* call) {
  auto status = co_await service_->status();
  if (!status) co_return co_await answer_error(call->exchange, std::move(status).error());
  co_await answer_json(call->exchange, 200, json::serialize(describe(*status)));
}

Task<> PublisherApi::read_failures(Call* call) {
  auto wish = parse_page_wish(call->parameters);
  if (!wish) co_return co_await answer_refusal(call->exchange, 400, std::move(wish).error().what);
  std::optional<ObjectKey> after;
  if (wish->cursor) after = ObjectKey{*std::move(wish->cursor)};
  auto page = co_await service_->failures(std::move(after), wish->limit.value_or(kLimitDefault));
  if (!page) co_return co_await answer_error(call->exchange, std::move(page).error());
  json::array failures;
  for (const auto& failure : page->failures) failures.emplace_back(describe(failure));
  auto headers = headers_for(kJsonType);
  if (page->next) headers.add("X-Next-Cursor", cursor_text(page->next->str()));
  const json::object answer{{"failures", std::move(failures)}};
  co_await call->exchange->respond(200, std::move(headers), json::serialize(answer));
}

Task<> PublisherApi::retry_failures(Call* call) {
  const auto command = command_of(*call, {"keys", "keys_percent_encoded"});
  auto keys = command ? keys_of(*command) : Result<std::vector<ObjectKey>>(fail(command.error()));
  if (!keys) co_return co_await answer_refusal(call->exchange, 400, std::move(keys).error().what);
  auto retried = co_await service_->retry(*std::move(keys));
  if (!retried) co_return co_await answer_error(call->exchange, std::move(retried).error());
  const json::object answer{{"retried", *retried}};
  co_await answer_json(call->exchange, 202, json::serialize(answer));
}

Task<> PublisherApi::read_metrics(Call* call) {
  auto text = co_await service_->metrics();
  co_await answer_metrics(call, std::move(text));
}

Task<> PublisherApi::read_events(Call* call) { return events_.serve(call->exchange); }

}  // namespace ferry::admin
