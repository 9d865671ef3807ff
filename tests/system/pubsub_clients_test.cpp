// Google's own Pub/Sub client library and our queue, with the sandbox's broker between them.

#include <set>

#include "queue/pubsub/room_test.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

class PubsubLibrary : public SystemTest {
 protected:
  void SetUp() override {
    start({"--pubsub", "0"});
    endpoint_ = boost::json::value_to<std::string>(sandbox_->ready().at("pubsub"));
    queue_ = std::make_unique<pubsub::HomedQueue>(pubsub::local_options(endpoint_));
  }
  [[nodiscard]] Ended node(const std::string& script, const std::string& resource, const std::string& last) {
    const std::filesystem::path modules = FERRY_NODE_MODULES;
    if (!std::filesystem::exists(modules / "@google-cloud/pubsub")) {
      ADD_FAILURE() << modules << " lacks a library: run `scripts/bootstrap test`";
      return {};
    }
    const Environment environment{
        {"HOME", folder().string()}, {"METADATA_SERVER_DETECTION", "none"}, {"PUBSUB_EMULATOR_HOST", endpoint_}};
    return run({"node", {(modules.parent_path() / script).string(), "test", resource, last}, environment}, folder(),
               "node", Duration{90});
  }
  [[nodiscard]] std::uint64_t messages(const char* operation) {
    const auto counters = sandbox_->counters();
    const auto* of = counters.at("pubsub").as_object().if_contains(operation);
    return of ? boost::json::value_to<std::uint64_t>(of->as_object().at("messages")) : 0;
  }

  std::string endpoint_;
  std::unique_ptr<pubsub::HomedQueue> queue_;
};

TEST_F(PubsubLibrary, PublishesMessagesThatWeUnderstand) {
  constexpr int kMessages = 300;
  std::string lines;
  for (int i = 0; i < kMessages; ++i) {
    const auto number = std::to_string(i);
    const boost::json::object message{{"key", "of a library/" + number + " \xf0\x9f\x9a\xa2"},
                                      {"etag", "\"tag-" + number + "\""}};
    lines += boost::json::serialize(message) + "\n";
  }
  write_file(folder() / "messages", lines);
  const auto ended = node("pubsub_publish.mjs", "topic-work", (folder() / "messages").string());
  ASSERT_EQ(ended.code, 0) << ended.err;
  std::set<std::string> seen;
  while (seen.size() < kMessages) {
    auto batch = testing::run(queue_->receive(100)).value();
    for (auto& delivery : batch) {
      EXPECT_EQ(delivery.defect(), "");
      EXPECT_TRUE(delivery.plan().etag.str().starts_with("\"tag-")) << delivery.plan().etag.str();
      seen.insert(delivery.plan().key.str());
      std::move(delivery).ack();
    }
  }
  EXPECT_TRUE(seen.contains("of a library/0 \xf0\x9f\x9a\xa2"));
}

TEST_F(PubsubLibrary, ConsumesWhatWePublish) {
  constexpr int kMessages = 120;
  std::vector<TransferPlan> plans;
  for (int i = 0; i < kMessages; ++i) {
    plans.push_back({ObjectKey{"a\n\"b\"/" + std::to_string(i)}, ETag{"\"t\""}, 7u});
  }
  ASSERT_TRUE(testing::run(queue_->publish(std::move(plans))));
  const auto ended = node("pubsub_consume.mjs", "subscription-work", std::to_string(kMessages));
  ASSERT_EQ(ended.code, 0) << ended.err;
  std::set<std::string> seen;
  for (std::string_view rest = ended.out; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
    const auto message = boost::json::parse(rest.substr(0, rest.find('\n'))).as_object();
    const auto& data = message.at("data").as_object();
    seen.insert(boost::json::value_to<std::string>(data.at("key")));
    EXPECT_EQ(data.at("etag"), "\"t\"");
    EXPECT_EQ(data.at("size"), 7);
    EXPECT_EQ(message.at("attributes").as_object().at("schema"), "1");
    EXPECT_EQ(message.at("attributes").as_object().at("job"), "0123456789abcdef");
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kMessages));
  EXPECT_TRUE(seen.contains("a\n\"b\"/0"));
  EXPECT_TRUE(eventually([&] { return messages("Acknowledge") >= kMessages; }, Duration{10}));
}

}  // namespace
}  // namespace ferry::system_test
