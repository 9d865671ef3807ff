#pragma once
// The front desk of both servers: who you are first, then where to, then whether it is you who wants it (not a web page
// behind your back), then how much you bring. Only then a route's handler runs.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/api_server.hpp"
#include "admin/gate.hpp"
#include "admin/target.hpp"
#include "kit/net/http_server.hpp"

namespace ferry::admin {

/// A request that passed the desk.
struct Call {
  net::ServerExchange* exchange;
  Parameters parameters;
  std::string body;  ///< of a POST: JSON or nothing

  [[nodiscard]] bool is_head() const { return exchange->request().method == "HEAD"; }
};

struct Route {
  using Serve = std::function<Task<>(Call*)>;
  std::string_view method;  ///< GET serves HEAD, too
  std::string_view path;    ///< exact
  std::vector<std::string_view> parameters;
  Serve serve;
};

class Desk {
 public:
  /// @param ready  for /readyz
  Desk(const AdminOptions& options, std::function<bool()> ready, Clock* clock);

  void add(Route route) { routes_.push_back(std::move(route)); }
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

  Task<> answer(net::ServerExchange* exchange);

 private:
  Task<> answer_liveness(net::ServerExchange* exchange, bool up);
  Task<bool> let_in(net::ServerExchange* exchange);
  Task<> answer_welcome(net::ServerExchange* exchange);
  Task<> serve(const Route* route, net::ServerExchange* exchange);
  [[nodiscard]] std::string methods_of(std::string_view path) const;
  Task<Result<std::string>> read_body(net::ServerExchange* exchange);

  std::size_t body_bytes_max_;
  std::string challenge_;
  std::function<bool()> ready_;
  Clock* clock_;
  Gate gate_;
  std::vector<Route> routes_;
};

/// Why a request that changes something is not obeyed; nothing if it is. A page of another origin can send forms and
/// plain requests with the user's password, but neither JSON nor a header of its own, and it can't hide its origin.
struct Refusal {
  int status;
  std::string message;
};
[[nodiscard]] std::optional<Refusal> refusal_of(const net::ServerRequest& request);

}  // namespace ferry::admin
