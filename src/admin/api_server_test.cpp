// Who gets in, what is refused, and what every answer carries.

#include "admin/api_server.hpp"

#include <yaml-cpp/yaml.h>

#include <set>

#include "admin/assets.hpp"
#include "admin/fake_operator_test.hpp"
#include "admin/publisher_api.hpp"
#include "observe/log.hpp"

namespace ferry::admin {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::vector<std::string> kMethods{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"};

AdminOptions right_options() {
  AdminOptions options;
  options.user = kUser;
  options.password = kPassword;
  return options;
}

TEST(AdminApi, AsksForThePasswordBeforeAnythingElse_F163) {
  ApiSite site;
  FakeOperator nobody;
  const PublisherApi api{site.context.get_executor(), right_options(), &nobody, site.clock()};
  std::set<std::string> targets{"/nowhere", "//cache",    "/cache/../x", "/%63ache",
                                "*",        "/healthz?x", "/healthz/",   "//healthz"};
  for (const auto& route : api.routes()) targets.emplace(route.path);
  for (const auto& target : targets) {
    for (const auto& method : kMethods) {
      const auto reply = site.send_as(method, target, {});
      EXPECT_EQ(reply.status, 401) << method << " " << target;
      EXPECT_THAT(reply.header("www-authenticate"), StartsWith("Basic realm="));
      if (method != "HEAD") EXPECT_EQ(reply.json().at("statusCode").as_int64(), 401);
    }
  }
  for (const auto& method : kMethods) {
    const bool open = method == "GET" || method == "HEAD";
    EXPECT_EQ(site.send_as(method, "/healthz", {}).status, open ? 200 : 401) << method;
    EXPECT_EQ(site.send_as(method, "/readyz", {}).status, open ? 200 : 401) << method;
  }
  EXPECT_THAT(site.service.asked, IsEmpty());
}

TEST(AdminApi, TellsStrangersUpOrNotUpAndNothingElse_F158) {
  ApiSite site;
  EXPECT_EQ(site.send_as("GET", "/healthz", {}).body, "up\n");
  EXPECT_EQ(site.send_as("GET", "/readyz", {}).body, "up\n");
  site.service.is_ready = false;
  site.service.state.troubles = {"redis at 10.0.0.7 is away"};
  EXPECT_EQ(site.send_as("GET", "/healthz", {}).status, 200);
  const auto reply = site.send_as("GET", "/readyz", {});
  EXPECT_EQ(reply.body, R"({"statusCode":503,"msg":"not ready"})");
  EXPECT_EQ(reply.header("server"), "");
}

TEST(AdminApi, RefusesToStartWithoutRealCredentials_F158) {
  asio::io_context context{1};
  FakeOperator service;
  for (const auto& [user, password] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"admin", ""}, {"", kPassword}, {"admin", "admin"}, {"admin", "password1234"}, {kUser, "short"}}) {
    auto options = right_options();
    options.user = user;
    options.password = password;
    const auto server = make_admin_api(context.get_executor(), options, &service, system_clock());
    ASSERT_FALSE(server) << user << ":" << password;
    EXPECT_EQ(server.error().kind, ErrorKind::kInvalid);
  }
}

TEST(AdminApi, SlowsGuessersDownAndLetsOthersWork_F156) {
  ApiSite site{ApiSite::Time::kSimulated};
  const std::string guess = "guess-number-one";
  int refused = 0, shut = 0;
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 100; ++i) {
    const auto reply = site.send_as("GET", "/status", {{"Authorization", basic(kUser, guess + std::to_string(i))}});
    refused += reply.status == 401 ? 1 : 0;
    shut += reply.status == 429 ? 1 : 0;
    if (reply.status == 429) EXPECT_NE(reply.header("retry-after"), "");
  }
  const auto log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(refused + shut, 100);
  EXPECT_GE(shut, 80);
  EXPECT_GE(site.time.elapsed(), refused * Gate::kDelay);
  EXPECT_THAT(log, HasSubstr("admin.refused"));
  EXPECT_THAT(log, HasSubstr("127.0.0.1"));
  EXPECT_THAT(log, Not(HasSubstr(guess)));
  EXPECT_THAT(log, Not(HasSubstr(base64(kUser + ":" + guess + "0"))));
  EXPECT_EQ(site.get("/status").status, 429) << "this address has to wait, with the right password, too";
}

TEST(AdminApi, NeverTellsASecret_F165) {
  ApiSite site{ApiSite::Time::kSimulated};
  log::configure(log::Level::kDebug, log::Format::kText);
  ::testing::internal::CaptureStderr();
  std::string said;
  for (const auto* target :
       {"/status", "/metrics", "/failures", "/cache", "/nowhere", "/cache/type", "/openapi.yaml", "/"}) {
    const auto reply = site.get(target);
    said += reply.body;
    for (const auto& [name, value] : reply.headers) said += name + value;
  }
  said += site.send_as("GET", "/status", {{"Authorization", basic(kUser, kPassword + "!")}}).body;
  said += ::testing::internal::GetCapturedStderr();
  log::configure(log::Level::kInfo, log::Format::kText);
  EXPECT_THAT(said, Not(HasSubstr(kPassword)));
  EXPECT_THAT(said, Not(HasSubstr(base64(kUser + ":" + kPassword))));
}

TEST(AdminApi, MatchesPathsExactly_F163) {
  ApiSite site;
  for (const auto* target :
       {"//cache", "/cache/", "/cache/../cache", "/./cache", "/%63ache", "/cache%2fname", "/Cache", "/cache;x",
        "/cache%3Fvalue=x", "http://127.0.0.1/cache", "/index.html", "/dashboard/app.js", "*"}) {
    const auto reply = site.get(target);
    EXPECT_EQ(reply.status, 404) << target;
    EXPECT_EQ(reply.body, R"({"statusCode":404,"msg":"no such path"})");
  }
}

TEST(AdminApi, NamesTheMethodsOfAPath_F163) {
  ApiSite site;
  EXPECT_EQ(site.send("PUT", "/cache").header("allow"), "GET, HEAD, DELETE");
  EXPECT_EQ(site.send("OPTIONS", "/scan").header("allow"), "POST");
  for (const auto* method : {"PUT", "PATCH", "OPTIONS", "TRACE", "BREW"})
    EXPECT_EQ(site.send(method, "/cache").status, 405);
  EXPECT_EQ(site.get("/scan").status, 405);
  EXPECT_EQ(site.send("DELETE", "/failures").status, 405);
}

TEST(AdminApi, TakesSmallJsonOnly_F163) {
  ApiSite site;
  const std::string json = "application/json";
  EXPECT_EQ(site.post("/scan", "{}", {{"Content-Type", "Application/JSON; charset=utf-8"}}).status, 202);
  for (const auto* type :
       {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""}) {
    EXPECT_EQ(site.post("/scan", "{}", {{"Content-Type", type}, {"X-Ferry-Request", "1"}}).status, 415) << type;
  }
  EXPECT_EQ(site.post("/scan", "{}", {}).status, 415);
  EXPECT_EQ(site.post("/scan", std::string(64 * 1024, ' ') + "{}", {{"Content-Type", json}}).status, 413);
  EXPECT_EQ(site.post("/scan", std::string(60 * 1024, ' ') + "{}", {{"Content-Type", json}}).status, 202);
}

TEST(AdminApi, RefusesWhatAForeignPageMakesABrowserSend_F164) {
  ApiSite site;
  const auto own = "http://127.0.0.1:" + std::to_string(site.api->port());
  const std::pair<std::string, std::string> json{"Content-Type", "application/json"}, custom{"X-Ferry-Request", "1"};
  const std::vector<std::pair<std::string, net::Headers>> foreign{
      {"form", {{"Origin", "http://evil.example"}, {"Content-Type", "application/x-www-form-urlencoded"}}},
      {"json", {{"Origin", "http://evil.example"}, json}},
      {"opaque", {{"Origin", "null"}, json}},
      {"other port", {{"Origin", "http://127.0.0.1:1"}, json}},
      {"lookalike", {{"Origin", own + ".evil.example"}, json}},
      {"sibling", {{"Sec-Fetch-Site", "same-site"}, json}},
      {"cross", {{"Sec-Fetch-Site", "cross-site"}, custom}},
      {"plain", {{"Origin", own}}},
      {"nothing", {}}};
  for (const auto& [name, headers] : foreign) {
    for (const auto* target : {"/scan", "/pause", "/resume", "/failures/retry"}) {
      const auto reply = site.post(target, "", headers);
      EXPECT_THAT(reply.status, ::testing::AnyOf(403, 415)) << name << " " << target;
      EXPECT_EQ(reply.header("access-control-allow-origin"), "");
    }
    if (name != "nothing") EXPECT_EQ(site.send("DELETE", "/cache", headers).status, 403) << name;
  }
  EXPECT_THAT(site.service.asked, IsEmpty());
  EXPECT_EQ(
      site.send("OPTIONS", "/scan", {{"Origin", "http://evil.example"}, {"Access-Control-Request-Method", "POST"}})
          .status,
      405)
      << "a preflight gets no grant";
  EXPECT_EQ(site.post("/scan", "{}", {{"Origin", own}, {"Sec-Fetch-Site", "same-origin"}, json}).status, 202);
  EXPECT_EQ(site.post("/pause", "", {custom}).status, 200);
  EXPECT_EQ(site.send("DELETE", "/cache").status, 200) << "curl -X DELETE";
  EXPECT_EQ(site.send("DELETE", "/cache", {{"Origin", own}, custom}).status, 200);
}

TEST(AdminApi, GivesEveryAnswerItsGuards_F164) {
  ApiSite site;
  for (const auto& reply : {site.get("/"), site.get("/status"), site.get("/nowhere"), site.send("PUT", "/cache"),
                            site.send_as("GET", "/status", {}), site.get("/readyz"), site.get("/metrics")}) {
    EXPECT_THAT(reply.header("content-security-policy"), HasSubstr("default-src 'self'"));
    EXPECT_THAT(reply.header("content-security-policy"), HasSubstr("frame-ancestors 'none'"));
    EXPECT_THAT(reply.header("content-security-policy"), Not(HasSubstr("unsafe")));
    EXPECT_EQ(reply.header("x-content-type-options"), "nosniff");
    EXPECT_EQ(reply.header("referrer-policy"), "no-referrer");
  }
  EXPECT_EQ(site.get("/status").header("cache-control"), "no-store");
}

TEST(AdminApi, ServesTheDashboardAndKnowsWhatABrowserHasAlready) {
  ApiSite site;
  for (const auto& asset : assets()) {
    const auto reply = site.get(std::string(asset.path));
    EXPECT_EQ(reply.status, 200) << asset.path;
    EXPECT_EQ(reply.body, asset.bytes);
    EXPECT_EQ(reply.header("content-type"), asset.type);
    EXPECT_EQ(reply.header("cache-control"), "no-cache");
    const auto again = site.get(std::string(asset.path), {{"If-None-Match", reply.header("etag")}});
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.body, "");
  }
  EXPECT_THAT(site.get("/").body, StartsWith("<!doctype html>"));
}

TEST(AdminApi, PageHoldsNothingThatItsPolicyForbids) {
  for (const auto& asset : assets()) {
    if (asset.path == "/openapi.yaml") continue;
    for (const auto* forbidden : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                                  " style=\"", " onclick=", "https://", "<script>", "<style>"}) {
      EXPECT_EQ(asset.bytes.find(forbidden), std::string_view::npos) << asset.path << " has " << forbidden;
    }
  }
}

TEST(AdminApi, IsWhatItsDescriptionSays) {
  ApiSite site;
  FakeOperator nobody;
  const PublisherApi api{site.context.get_executor(), right_options(), &nobody, site.clock()};
  std::map<std::string, std::set<std::string>> served{{"get /healthz", {}}, {"get /readyz", {}}}, described;
  for (const auto& route : api.routes()) {
    std::string method(route.method);
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    auto& parameters = served[method + " " + std::string(route.path)];
    for (const auto parameter : route.parameters) parameters.emplace(parameter);
  }
  const auto description = YAML::Load(site.get("/openapi.yaml").body);
  const auto resolve = [&description](const YAML::Node& parameter) {
    const auto name = parameter["$ref"].as<std::string>();
    return description["components"]["parameters"][name.substr(name.rfind('/') + 1)]["name"].as<std::string>();
  };
  for (const auto& path : description["paths"]) {
    for (const auto& method : path.second) {
      auto& parameters = described[method.first.as<std::string>() + " " + path.first.as<std::string>()];
      for (const auto& parameter : method.second["parameters"]) parameters.insert(resolve(parameter));
    }
  }
  EXPECT_EQ(served, described);
}

TEST(AdminApi, AnswersRequestsItCannotReadAsJsonToo_F154) {
  ApiSite site;
  const std::string authorized = "Host: h\r\nAuthorization: " + basic(kUser, kPassword) + "\r\n";
  const std::string smuggled = "DELETE /cache HTTP/1.1\r\n" + authorized + "\r\n";
  for (const auto& request :
       {"POST /scan HTTP/1.1\r\n" + authorized + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /scan HTTP/1.1\r\n" + authorized + "Content-Length: 5\r\nContent-Length: 0\r\n\r\n",
        "GET /status HTTP/1.1\r\n" + authorized + "X: a\r\n folded\r\n\r\n",
        "GET /status HTTP/1.1\r\n" + authorized + "X : a\r\n\r\n", std::string("GET /status HTTP/1.1\nHost: h\n\n")}) {
    const auto reply = site.run(testing::talk(site.api->port(), {request + smuggled}));
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 400 ")) << request;
    EXPECT_THAT(reply, ::testing::EndsWith(R"({"statusCode":400,"msg":"not a proper request"})"));
  }
  const auto bad_chunks = site.run(testing::talk(
      site.api->port(),
      {"POST /scan HTTP/1.1\r\n" + authorized +
       "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n" + smuggled}));
  EXPECT_THAT(bad_chunks, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(site.service.asked, IsEmpty()) << "nothing was taken from a body";
}

TEST(AdminApi, BoundsHeadsAndBodies_F155) {
  ApiSite site;
  const std::string authorized = "Host: h\r\nAuthorization: " + basic(kUser, kPassword) + "\r\n";
  const auto head = site.run(testing::talk(
      site.api->port(), {"GET /status HTTP/1.1\r\n" + authorized + "X: " + std::string(1 << 20, 'x') + "\r\n\r\n"}));
  EXPECT_THAT(head, StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(head, HasSubstr(R"({"statusCode":431,)"));
  const auto announced =
      site.run(testing::talk(site.api->port(), {"POST /scan HTTP/1.1\r\n" + authorized +
                                                "Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n" +
                                                std::string(1 << 20, ' ')}));
  EXPECT_THAT(announced, StartsWith("HTTP/1.1 413 "));
  std::string chunks;
  for (int i = 0; i < 100; ++i) chunks += "1000\r\n" + std::string(0x1000, ' ') + "\r\n";
  const auto chunked =
      site.run(testing::talk(site.api->port(), {"POST /scan HTTP/1.1\r\n" + authorized +
                                                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                                chunks + "0\r\n\r\n"}));
  EXPECT_THAT(chunked, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(site.service.asked, IsEmpty());
}

TEST(AdminApi, EndsWhoTakesTooLong_F155) {
  const std::string post = "POST /scan HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\n";
  struct Case {
    std::string sent;
    Milliseconds limit;
  };
  for (const auto& each :
       {Case{"GET / HTTP/1.1\r\nHost:", Milliseconds{10'000}}, Case{"", Milliseconds{30'000}},
        Case{post + "Authorization: " + basic(kUser, kPassword) + "\r\n\r\n{", Milliseconds{30'000}}}) {
    ApiSite site{ApiSite::Time::kSimulated};
    site.run(testing::talk(site.api->port(), {each.sent}));
    EXPECT_GE(site.time.elapsed(), each.limit) << each.sent;
    EXPECT_LE(site.time.elapsed(), each.limit + Milliseconds{4'000}) << each.sent;
  }
}

TEST(AdminApi, UnwindsWhenItIsCancelled) {
  testing::SimulatedClock clock;
  asio::io_context context{1};
  FakeOperator service;
  const auto server = make_admin_api(context.get_executor(), right_options(), &service, &clock).value();
  TaskGroup group{context.get_executor()};
  group.spawn(server->run());
  static constexpr auto cancel = [](TaskGroup* tasks, Clock* c) -> Task<> {
    co_await c->sleep(Milliseconds{10});
    tasks->cancel();
    co_await tasks->join();
  };
  testing::run(context, cancel(&group, &clock), &clock);
  EXPECT_EQ(group.size(), 0U);
}

struct FakeProbe final : Probe {
  bool up = true;
  [[nodiscard]] bool ready() const override { return up; }
  Task<Result<std::string>> metrics() override { co_return "ferry_transfers 3\n"; }
};

TEST(ProbeServer, HasThreeRoutesAndNothingElse) {
  FakeProbe probe;
  ApiSite site;
  site.api->stop();
  site.run(site.group.join());
  site.api = make_probe_server(site.context.get_executor(), right_options(), &probe, site.clock()).value();
  site.group.spawn(site.api->run());
  EXPECT_EQ(site.send_as("GET", "/healthz", {}).body, "up\n");
  EXPECT_EQ(site.send_as("HEAD", "/readyz", {}).status, 200);
  probe.up = false;
  EXPECT_EQ(site.send_as("GET", "/readyz", {}).status, 503);
  EXPECT_EQ(site.send_as("GET", "/metrics", {}).status, 401);
  EXPECT_EQ(site.get("/metrics").body, "ferry_transfers 3\n");
  for (const auto* target : {"/", "/status", "/cache", "/events", "/openapi.yaml"}) {
    EXPECT_EQ(site.get(target).status, 404) << target;
    EXPECT_EQ(site.send_as("GET", target, {}).status, 401) << target;
  }
  EXPECT_EQ(site.post("/pause").status, 404);
}

TEST(ProbeServer, RefusesToStartWithoutRealCredentials_F158) {
  asio::io_context context{1};
  FakeProbe probe;
  auto options = right_options();
  options.password.clear();
  EXPECT_FALSE(make_probe_server(context.get_executor(), options, &probe, system_clock()));
}

}  // namespace
}  // namespace ferry::admin
