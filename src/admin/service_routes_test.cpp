// Commands and what the service tells of itself, over a socket.

#include "admin/fake_operator_test.hpp"

namespace ferry::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ServiceRoutes, PassCommandsOn) {
  ApiSite site;
  EXPECT_EQ(site.post("/scan").body, R"({"scan":"started"})");
  site.service.scan_answer = ScanRequest::kAlreadyQueued;
  const auto audit = site.post("/scan", R"({"audit":true})");
  EXPECT_EQ(audit.status, 202);
  EXPECT_EQ(audit.body, R"({"scan":"already queued"})");
  EXPECT_EQ(site.post("/pause").body, R"({"paused":true})");
  EXPECT_EQ(site.post("/resume", "", {{"X-Ferry-Request", "1"}}).body, R"({"paused":false})");
  EXPECT_THAT(site.service.asked, ElementsAre("scan", "audit", "pause", "resume"));
}

TEST(ServiceRoutes, RetryNamedFailuresOrAllButNeverAllByMistake) {
  ApiSite site;
  site.service.fail_object("a");
  site.service.fail_object("b");
  EXPECT_EQ(site.post("/failures/retry", R"({"keys":["a","*"],"keys_percent_encoded":["%FF+"]})").body,
            R"({"retried":3})");
  EXPECT_EQ(site.post("/failures/retry").body, R"({"retried":2})");
  EXPECT_THAT(site.service.asked, ElementsAre("retry a * \xff+", "retry"));
  site.service.asked.clear();
  for (const auto* body : {R"({"keys":[]})", R"({"keys":"a"})", R"({"keys":[1]})", R"({"keys":[""]})",
                           R"({"kyes":["a"]})", R"({"keys_percent_encoded":["%F"]})", "[]", "{", "null", "\"a\""}) {
    const auto reply = site.post("/failures/retry", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.json().at("statusCode").as_int64(), 400);
  }
  EXPECT_THAT(site.service.asked, IsEmpty());
}

TEST(ServiceRoutes, RefuseCommandsTheyDoNotUnderstand_F163) {
  ApiSite site;
  const auto deep = std::string(20'000, '[') + std::string(20'000, ']');
  for (const auto& body : {std::string(R"({"audit":1})"), std::string(R"({"adit":true})"), deep,
                           R"({"audit":)" + deep + "}", std::string("\xff"), std::string("{} {}")}) {
    EXPECT_EQ(site.post("/scan", body).status, 400) << body.substr(0, 20);
  }
  EXPECT_EQ(site.post("/pause", R"({"for":"ever"})").status, 400);
  EXPECT_THAT(site.service.asked, IsEmpty());
}

TEST(ServiceRoutes, PageTheLedger) {
  ApiSite site;
  for (const auto* key : {"a", "b", "c\xff"}) site.service.fail_object(key);
  const auto first = site.get("/failures?limit=2");
  const auto value = first.json();
  EXPECT_EQ(value.at("failures").as_array().size(), 2U);
  EXPECT_EQ(value.at("failures").at(0).at("reason").as_string(), "denied");
  const auto rest = site.get("/failures?cursor=" + first.header("x-next-cursor"));
  EXPECT_EQ(rest.json().at("failures").at(0).at("key_percent_encoded").as_string(), "c%FF");
  EXPECT_EQ(rest.header("x-next-cursor"), "");
}

TEST(ServiceRoutes, DescribeTheServiceAsValidJsonWhateverItHolds_F151) {
  ApiSite site;
  auto& state = site.service.state;
  state.job = "s3://b\xff → gs://b";
  state.bytes_per_second = std::numeric_limits<double>::infinity();
  state.troubles = {"line\nbreak \x1b[31m %s%n \"quoted\""};
  state.rungs = {{"md5", 3}};
  state.losses = {{"tags", 2}};
  state.seconds_left = 61;
  state.scans.emplace_back();
  state.workers.emplace_back();
  state.workers[0].transfers = {{"k\xfe", 10, 4, Seconds{}}};
  const auto value = site.get("/status").json();
  EXPECT_EQ(value.at("job").as_string(), "s3://b\\xff → gs://b");
  EXPECT_EQ(value.at("bytes_per_second").to_number<double>(), 0);
  EXPECT_EQ(value.at("troubles").at(0).as_string(), state.troubles[0]);
  EXPECT_EQ(value.at("rungs").at("md5").to_number<int>(), 3);
  EXPECT_EQ(value.at("losses").at("tags").to_number<int>(), 2);
  EXPECT_EQ(value.at("workers").at(0).at("transfers").at(0).at("key_percent_encoded").as_string(), "k%FE");
  EXPECT_FALSE(value.as_object().contains("next_scan"));
}

TEST(ServiceRoutes, AnswerMetricsAndErrorsByKind) {
  ApiSite site;
  EXPECT_EQ(site.get("/metrics").header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(site.get("/metrics").body, "ferry_up 1\n");
  struct Case {
    ErrorKind kind;
    int status;
  };
  for (const auto& each :
       {Case{ErrorKind::kUnavailable, 503}, Case{ErrorKind::kDenied, 502}, Case{ErrorKind::kGone, 404},
        Case{ErrorKind::kConflict, 409}, Case{ErrorKind::kCorrupt, 500}}) {
    site.service.broken = Error{each.kind, "why"};
    for (const auto* target : {"/status", "/failures", "/metrics"}) EXPECT_EQ(site.get(target).status, each.status);
    for (const auto* target : {"/scan", "/pause", "/resume", "/failures/retry"}) {
      const auto reply = site.post(target);
      EXPECT_EQ(reply.status, each.status) << target;
      EXPECT_EQ(reply.json().at("msg").as_string(), "why");
    }
  }
}

}  // namespace
}  // namespace ferry::admin
