#pragma once
// The routes of the publisher (docs/http-api.md). openapi.yaml lists the same, and a test holds them together.

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "admin/assets.hpp"
#include "admin/desk.hpp"
#include "admin/event_feed.hpp"
#include "admin/operator.hpp"

namespace ferry::admin {

class PublisherApi {
 public:
  PublisherApi(Executor executor, const AdminOptions& options, Operator* service, Clock* clock);

  Task<> answer(net::ServerExchange* exchange) { return desk_.answer(exchange); }
  [[nodiscard]] const std::vector<Route>& routes() const { return desk_.routes(); }
  [[nodiscard]] EventFeed& events() { return events_; }

 private:
  using Member = Task<> (PublisherApi::*)(Call*);
  void add(std::string_view method, std::string_view path, std::vector<std::string_view> parameters, Member member);

  // The cache.
  Task<> read_cache(Call* call);
  Task<> read_type(Call* call);
  Task<> read_entry(Call* call);
  Task<> delete_cache(Call* call);
  Task<> delete_type(Call* call);
  Task<> delete_entry(Call* call);
  Task<> read_records(Call* call, std::optional<Mark> only);
  Task<> send_page(Call* call, std::optional<Mark> only, RecordPage page);
  Task<> stream_records(Call* call, std::optional<Mark> only, RecordPage page);

  // The service.
  Task<> scan(Call* call);
  Task<> pause(Call* call) { return set_paused(call, true); }
  Task<> resume(Call* call) { return set_paused(call, false); }
  Task<> set_paused(Call* call, bool paused);
  Task<> read_status(Call* call);
  Task<> read_failures(Call* call);
  Task<> retry_failures(Call* call);
  Task<> read_metrics(Call* call);
  Task<> read_events(Call* call);

  Operator* service_;
  Desk desk_;
  EventFeed events_;
};

/// What a POST brought: a JSON object of known members, or nothing at all.
[[nodiscard]] Result<boost::json::object> command_of(const Call& call, const std::vector<std::string_view>& known);

Task<> serve_asset(Call* call, const Asset* asset);
Task<> answer_metrics(Call* call, Result<std::string> text);

}  // namespace ferry::admin
