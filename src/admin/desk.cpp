#include "admin/desk.hpp"

#include <algorithm>

#include "admin/answer.hpp"
#include "kit/base/text.hpp"
#include "observe/log.hpp"

namespace ferry::admin {
namespace {

constexpr std::size_t kReadStep = 16 * 1024;

bool is_json(std::string_view content_type) {
  return iequals(trim(content_type.substr(0, content_type.find(';'))), kJsonType);
}

bool is_own_origin(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return iequals(origin.substr(scheme.size()), host);
  }
  return false;
}

bool serves(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

}  // namespace

std::optional<Refusal> refusal_of(const net::ServerRequest& request) {
  const auto origin = request.headers.find("origin");
  const auto site = request.headers.find("sec-fetch-site");
  const auto type = request.headers.find("content-type");
  const bool asked_for = request.headers.find("x-ferry-request").has_value();
  if (origin && !is_own_origin(*origin, request.headers.find("host").value_or("")))
    return Refusal{403, "requests of other origins are not obeyed"};
  if (site && *site != "same-origin" && *site != "none") return Refusal{403, "requests of other sites are not obeyed"};
  const bool has_body = request.content_length != 0;
  if (has_body && !(type && is_json(*type)))
    return Refusal{415, "a body must be JSON: send Content-Type: application/json"};
  const bool by_hand = request.method == "DELETE" && !origin && !site;
  if (asked_for || by_hand || (type && is_json(*type))) return std::nullopt;
  return Refusal{403, "send Content-Type: application/json or any X-Ferry-Request header with " + request.method};
}

Desk::Desk(const AdminOptions& options, std::function<bool()> ready, Clock* clock)
    : body_bytes_max_(options.body_bytes_max),
      challenge_("Basic realm=\"" + options.realm + "\", charset=\"UTF-8\""),
      ready_(std::move(ready)),
      clock_(clock),
      gate_(options.user, options.password, clock) {}

Task<> Desk::answer(net::ServerExchange* exchange) {
  const auto& request = exchange->request();
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && request.target == "/healthz") co_return co_await answer_liveness(exchange, true);
  if (reads && request.target == "/readyz") co_return co_await answer_liveness(exchange, ready_());
  if (co_await let_in(exchange)) co_await answer_welcome(exchange);
}

/// Anybody may ask this, so it tells nothing else.
Task<> Desk::answer_liveness(net::ServerExchange* exchange, bool up) {
  if (!up) co_return co_await answer_refusal(exchange, 503, "not ready");
  co_await exchange->respond(200, headers_for("text/plain; charset=utf-8"), "up\n");
}

Task<bool> Desk::let_in(net::ServerExchange* exchange) {
  const auto& request = exchange->request();
  const auto judgement = gate_.judge(request.headers.find("authorization"), request.peer);
  switch (judgement.verdict) {
    case Gate::Verdict::kWelcome: co_return true;
    case Gate::Verdict::kTooMany: {
      net::Headers wait{{"Retry-After", retry_after(judgement.wait)}};
      co_await answer_refusal(exchange, 429, "too many wrong passwords from this address", std::move(wait));
      co_return false;
    }
    case Gate::Verdict::kWrong:
      log::warn("admin.refused", {{"peer", request.peer}, {"guesses", std::uint64_t{judgement.guesses}}});
      co_await clock_->sleep(judgement.wait);
      break;
    case Gate::Verdict::kNobody: break;
  }
  net::Headers challenge{{"WWW-Authenticate", challenge_}};
  co_await answer_refusal(exchange, 401, "wrong or no credentials", std::move(challenge));
  co_return false;
}

Task<> Desk::answer_welcome(net::ServerExchange* exchange) {
  const auto& request = exchange->request();
  const auto path = path_of(request.target);
  const auto methods = methods_of(path);
  if (methods.empty()) co_return co_await answer_refusal(exchange, 404, "no such path");
  const auto route = std::ranges::find_if(
      routes_, [&](const Route& each) { return each.path == path && serves(each, request.method); });
  if (route == routes_.end()) {
    net::Headers allow{{"Allow", methods}};
    co_return co_await answer_refusal(exchange, 405, "this path takes " + methods, std::move(allow));
  }
  co_await serve(&*route, exchange);
}

Task<> Desk::serve(const Route* route, net::ServerExchange* exchange) {
  const auto& request = exchange->request();
  if (route->method != "GET") {
    if (auto refusal = refusal_of(request))
      co_return co_await answer_refusal(exchange, refusal->status, std::move(refusal->message));
  }
  auto body = co_await read_body(exchange);
  if (!body) {
    const int status = body.error().kind == ErrorKind::kLimit ? 413 : 400;
    co_return co_await answer_refusal(exchange, status, std::move(body).error().what);
  }
  auto parameters = parameters_of(request.target, route->parameters);
  if (!parameters) co_return co_await answer_refusal(exchange, 400, std::move(parameters).error().what);
  Call call{exchange, *std::move(parameters), *std::move(body)};
  co_await route->serve(&call);
}

std::string Desk::methods_of(std::string_view path) const {
  std::string methods;
  for (const auto& route : routes_) {
    if (route.path != path) continue;
    methods += (methods.empty() ? "" : ", ") + std::string(route.method) + (route.method == "GET" ? ", HEAD" : "");
  }
  return methods;
}

Task<Result<std::string>> Desk::read_body(net::ServerExchange* exchange) {
  const auto too_large = [this] {
    return fail(ErrorKind::kLimit, "a body of more than " + std::to_string(body_bytes_max_) + " bytes");
  };
  const auto announced = exchange->request().content_length;
  if (announced.value_or(0) > body_bytes_max_) co_return too_large();
  std::string body;
  if (announced == 0) co_return body;
  for (;;) {
    const auto filled = body.size();
    body.resize(filled + kReadStep);
    auto got = co_await exchange->read(std::span(body).subspan(filled));
    if (!got) co_return fail(std::move(got).error());
    body.resize(filled + *got);
    if (*got == 0) co_return body;
    if (body.size() > body_bytes_max_) co_return too_large();
  }
}

}  // namespace ferry::admin
