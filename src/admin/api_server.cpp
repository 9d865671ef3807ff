#include "admin/api_server.hpp"

#include <exception>

#include "admin/answer.hpp"
#include "admin/describe.hpp"
#include "admin/publisher_api.hpp"
#include "kit/net/http_server.hpp"

namespace ferry::admin {
namespace {

net::ServerOptions server_options(const AdminOptions& options) {
  net::ServerOptions server;
  server.address = options.address;
  server.port = options.port;
  server.certificate_file = options.certificate_file;
  server.key_file = options.key_file;
  server.head_timeout = options.head_timeout;
  server.idle_timeout = options.idle_timeout;
  server.body_timeout = options.body_timeout;
  server.head_bytes_max = options.head_bytes_max;
  server.connections_max = options.connections_max;
  server.own_answer = [](int status) {
    return std::pair(headers_for(kJsonType), error_text(status, status == 500 ? "no answer" : "not a proper request"));
  };
  return server;
}

template <class Answerer>
net::Handler handler_of(Answerer* answerer) {
  return [answerer](net::ServerExchange* exchange) { return answerer->answer(exchange); };
}

/// Credentials that protect something, then a server; nothing listens before.
Result<std::unique_ptr<net::HttpServer>> open(Executor executor, const AdminOptions& options, net::Handler handler,
                                              Clock* clock) {
  if (auto checked = check_credentials(options.user, options.password); !checked)
    return fail(std::move(checked).error());
  return net::make_http_server(executor, server_options(options), std::move(handler), clock);
}

class PublisherServer final : public AdminServer {
 public:
  PublisherServer(Executor executor, const AdminOptions& options, Operator* service, Clock* clock)
      : api_(executor, options, service, clock) {}
  Status open(Executor executor, const AdminOptions& options, Clock* clock) {
    auto server = admin::open(executor, options, handler_of(&api_), clock);
    if (!server) return fail(std::move(server).error());
    server_ = *std::move(server);
    return Unit{};
  }
  [[nodiscard]] std::uint16_t port() const override { return server_->port(); }
  Task<> run() override {
    std::exception_ptr cancelled;
    try {
      co_await server_->run();
    } catch (...) {
      cancelled = std::current_exception();
    }
    if (cancelled) co_await shield();
    api_.events().close();
    co_await api_.events().join();
    if (cancelled) std::rethrow_exception(cancelled);
  }
  void stop() override {
    api_.events().close();
    server_->stop();
  }

 private:
  PublisherApi api_;
  std::unique_ptr<net::HttpServer> server_;
};

class ProbeServer final : public AdminServer {
 public:
  ProbeServer(const AdminOptions& options, Probe* probe, Clock* clock)
      : desk_(options, [probe] { return probe->ready(); }, clock) {
    desk_.add({"GET", "/metrics", {}, [probe](Call* call) { return serve_metrics(probe, call); }});
  }
  Status open(Executor executor, const AdminOptions& options, Clock* clock) {
    auto server = admin::open(executor, options, handler_of(&desk_), clock);
    if (!server) return fail(std::move(server).error());
    server_ = *std::move(server);
    return Unit{};
  }
  [[nodiscard]] std::uint16_t port() const override { return server_->port(); }
  Task<> run() override { return server_->run(); }
  void stop() override { server_->stop(); }

 private:
  static Task<> serve_metrics(Probe* probe, Call* call) {
    auto text = co_await probe->metrics();
    co_await answer_metrics(call, std::move(text));
  }

  Desk desk_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace

PublisherApi::PublisherApi(Executor executor, const AdminOptions& options, Operator* service, Clock* clock)
    : service_(service),
      desk_(
          options, [service] { return service->ready(); }, clock),
      events_(executor, service, clock, options.event_clients_max) {
  using Self = PublisherApi;
  add("GET", "/cache", {"limit", "cursor"}, &Self::read_cache);
  add("DELETE", "/cache", {}, &Self::delete_cache);
  add("GET", "/cache/type", {"value", "limit", "cursor"}, &Self::read_type);
  add("DELETE", "/cache/type", {"value"}, &Self::delete_type);
  add("GET", "/cache/name", {"value"}, &Self::read_entry);
  add("DELETE", "/cache/name", {"value"}, &Self::delete_entry);
  add("POST", "/scan", {}, &Self::scan);
  add("GET", "/status", {}, &Self::read_status);
  add("GET", "/failures", {"limit", "cursor"}, &Self::read_failures);
  add("POST", "/failures/retry", {}, &Self::retry_failures);
  add("POST", "/pause", {}, &Self::pause);
  add("POST", "/resume", {}, &Self::resume);
  add("GET", "/metrics", {}, &Self::read_metrics);
  add("GET", "/events", {}, &Self::read_events);
  for (const auto& asset : assets()) {
    desk_.add({"GET", asset.path, {}, [&asset](Call* call) { return serve_asset(call, &asset); }});
  }
}

void PublisherApi::add(std::string_view method, std::string_view path, std::vector<std::string_view> parameters,
                       Member member) {
  desk_.add({method, path, std::move(parameters), [this, member](Call* call) { return (this->*member)(call); }});
}

/// The browser asks each time whether it still has the right one; what doesn't change isn't sent again.
Task<> serve_asset(Call* call, const Asset* asset) {
  auto headers = headers_for(asset->type, "no-cache");
  headers.add("ETag", std::string(asset->etag));
  const auto known = call->exchange->request().headers.find("if-none-match");
  if (known && known->find(asset->etag) != std::string_view::npos) {
    co_await call->exchange->respond(304, std::move(headers), {});
    co_return;
  }
  co_await call->exchange->respond(200, std::move(headers), std::string(asset->bytes));
}

Task<> answer_metrics(Call* call, Result<std::string> text) {
  if (!text) co_return co_await answer_error(call->exchange, std::move(text).error());
  co_await call->exchange->respond(200, headers_for("text/plain; version=0.0.4; charset=utf-8"), *std::move(text));
}

Result<std::unique_ptr<AdminServer>> make_admin_api(Executor executor, AdminOptions options, Operator* service,
                                                    Clock* clock) {
  auto server = std::make_unique<PublisherServer>(executor, options, service, clock);
  if (auto opened = server->open(executor, options, clock); !opened) return fail(std::move(opened).error());
  return server;
}

Result<std::unique_ptr<AdminServer>> make_probe_server(Executor executor, AdminOptions options, Probe* probe,
                                                       Clock* clock) {
  auto server = std::make_unique<ProbeServer>(options, probe, clock);
  if (auto opened = server->open(executor, options, clock); !opened) return fail(std::move(opened).error());
  return server;
}

}  // namespace ferry::admin
