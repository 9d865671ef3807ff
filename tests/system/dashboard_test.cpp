// The dashboard in a real browser: what it shows, and that its buttons reach the operator.

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <filesystem>

#include "testing/base/temporary_folder.hpp"
#include "tests/system/process.hpp"
#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

using ::testing::HasSubstr;

TEST(Dashboard, ShowsTheServiceAndCommandsIt) {
  const std::filesystem::path modules = FERRY_NODE_MODULES;
  ASSERT_TRUE(std::filesystem::exists(modules)) << modules << " is missing: run `scripts/bootstrap test`";
  const testing::TemporaryFolder folder;
  const std::string user = "operator", password = "gull-over-the-harbour";

  Process demo{{FERRY_DASHBOARD_DEMO, {user, password}, {}}, folder.path(), "demo"};
  ASSERT_TRUE(eventually([&] { return demo.out().find('\n') != std::string::npos; }, Duration{20})) << demo.err();
  const auto port = boost::json::parse(demo.out().substr(0, demo.out().find('\n'))).at("port").as_int64();

  std::filesystem::create_directories(FERRY_PICTURES);
  const auto script = (modules.parent_path() / "dashboard.mjs").string();
  const auto browser = run({"node",
                            {script, "http://127.0.0.1:" + std::to_string(port), user, password, FERRY_PICTURES},
                            {{"HOME", folder.path().string()}}},
                           folder.path(), "browser", Duration{100});
  EXPECT_EQ(browser.code, 0) << browser.out << browser.err;

  demo.close_input();
  const auto ended = demo.wait(Duration{20});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("\npause\nresume\nscan audit=0\nscan audit=1\nretry 1\nretry 1\nretry 0\n"))
      << "what the buttons did";
  EXPECT_EQ(ended.err.find(password), std::string::npos);
}

class ServiceDashboard : public Service {};

TEST_F(ServiceDashboard, PausesResumesAndRetriesInARealRun) {
  constexpr int kObjects = 6'000;
  const std::string strangers_key = "data/0000000/007";
  start_synthetic_service(kObjects, kKiB, {"--latency", "40"});
  target_->put(strangers_key, "somebody else's");
  start_migrator({"--transfers", "16"});
  start_migrator({"--transfers", "16"});
  start_publisher();
  const std::filesystem::path modules = FERRY_NODE_MODULES;
  ASSERT_TRUE(std::filesystem::exists(modules)) << modules << " is missing: run `scripts/bootstrap test`";
  std::filesystem::create_directories(FERRY_PICTURES);
  const auto browser = run({"node",
                            {(modules.parent_path() / "dashboard_service.mjs").string(), api_, kUser, kPassword,
                             sandbox_->gcs(), kTarget, strangers_key, std::to_string(kObjects), FERRY_PICTURES},
                            {{"HOME", folder().string()}}},
                           folder(), "browser", Duration{150});
  EXPECT_EQ(browser.code, 0) << browser.out << browser.err;
  expect_all_there();
}

}  // namespace
}  // namespace ferry::system_test
