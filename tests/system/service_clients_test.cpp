// Google's own Pub/Sub client library and our processes, with the sandbox's broker between them.

#include <gmock/gmock.h>

#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

class ServiceAndLibrary : public Service {
 protected:
  const std::string kTopic = "bucketferry", kSubscription = "bucketferry-migrators", kProject = "bucketferry-local";

  Ended node(const std::string& script, const std::string& resource, const std::string& last) {
    const std::filesystem::path modules = FERRY_NODE_MODULES;
    if (!std::filesystem::exists(modules / "@google-cloud/pubsub")) {
      ADD_FAILURE() << modules << " lacks a library: run `scripts/bootstrap test`";
      return {};
    }
    const Environment environment{
        {"HOME", folder().string()},
        {"METADATA_SERVER_DETECTION", "none"},
        {"PUBSUB_EMULATOR_HOST", boost::json::value_to<std::string>(sandbox_->ready().at("pubsub"))}};
    return run({"node", {(modules.parent_path() / script).string(), kProject, resource, last}, environment}, folder(),
               "node", Duration{90});
  }
  void publish(const std::vector<std::string>& messages) {
    std::string lines;
    for (const auto& message : messages) lines += message + "\n";
    write_file(folder() / "messages", lines);
    const auto ended = node("pubsub_publish.mjs", kTopic, (folder() / "messages").string());
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(boost::json::parse(ended.out).at("published").to_number<std::size_t>(), messages.size());
  }
};

TEST_F(ServiceAndLibrary, WhatItPublishesInTheSmallestFormIsMigrated) {
  start_service();
  std::vector<std::string> messages;
  for (int i = 0; i < 100; ++i) {
    const auto key = "of a library/" + std::to_string(i) + " \xf0\x9f\x9a\xa2";
    const auto etag = source_->put(key, "bytes of " + std::to_string(i));
    messages.push_back(boost::json::serialize(boost::json::object{{"key", key}, {"etag", etag}}));
  }
  start_migrator();
  await_migrators();
  publish(messages);
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return broker_holds() == 0; }, Duration{20}));
  expect_one_commit_each();
}

TEST_F(ServiceAndLibrary, MessagesThatMakeNoSenseGoToTheLedgerAndHoldNothingUp_F089_F091_F092_F093) {
  start_service();
  const auto etag = source_->put("good", "bytes");
  start_migrator();
  await_migrators();
  start_publisher();
  expect_all_there();
  const auto later = source_->put("later", "bytes");
  const auto message = [](const std::string& key, const std::string& tag) {
    return boost::json::serialize(boost::json::object{{"key", key}, {"etag", tag}, {"colour", {{"of", "the sea"}}}});
  };
  publish({"this is no JSON: canary-text", R"({"etag":"\"x\""})", R"({"key":5,"etag":"\"x\""})", "[]", "",
           std::string(10'000, '[') + std::string(10'000, ']'), R"({"key":"a","key":"b","etag":"\"x\""})",
           R"({"key":"a","etag":"\"x\"","size":1e999})", message(std::string(2'000, 'k'), "\"x\""),
           message("gone", "\"x\""), message("good", etag), message("later", later)});
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return broker_holds() == 0; }, Duration{60}))
      << boost::json::serialize(sandbox_->broker_holdings());
  const auto failures = api_json("GET", "/failures");
  EXPECT_GE(failures.at("failures").as_array().size(), 5u) << boost::json::serialize(failures);
  for (const auto& failure : failures.at("failures").as_array()) EXPECT_EQ(failure.at("reason"), "message");
  EXPECT_THAT(migrators_[0]->err(), ::testing::Not(::testing::HasSubstr("canary-text")));
  expect_one_commit_each();
}

TEST_F(ServiceAndLibrary, ConsumesWhatThePublisherPublishes) {
  constexpr int kObjects = 60;
  start_service();
  std::map<std::string, std::string> etags;
  for (int i = 0; i < kObjects; ++i) {
    const auto key = "a \"b\"/" + std::to_string(i);
    etags[key] = source_->put(key, "bytes of " + std::to_string(i));
  }
  start_publisher();
  EXPECT_TRUE(eventually([&] { return broker_holds() == kObjects; }, Duration{20}));
  const auto ended = node("pubsub_consume.mjs", kSubscription, std::to_string(kObjects));
  ASSERT_EQ(ended.code, 0) << ended.err;
  for (const auto& line : parse_events(ended.out)) {
    const auto& data = line.fields().at("data").as_object();
    const auto key = boost::json::value_to<std::string>(data.at("key"));
    EXPECT_EQ(data.at("etag"), boost::json::value(etags[key])) << key;
    EXPECT_TRUE(data.contains("size"));
    EXPECT_EQ(line.fields().at("attributes").at("schema"), "1");
    etags.erase(key);
  }
  EXPECT_TRUE(etags.empty());
}

}  // namespace
}  // namespace ferry::system_test
