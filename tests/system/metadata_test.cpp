// What belongs to an object besides its bytes: it arrives, or the report names what did not.

#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

using boost::json::array;
using boost::json::object;

class Metadata : public SystemTest {
 protected:
  void SetUp() override { start(); }

  object resource(const std::string& key) {
    auto found = target_->describe(key);
    EXPECT_TRUE(found) << key;
    return found ? *found : object{};
  }
  std::string entry(const std::string& key, const std::string& name) {
    const auto all = resource(key);
    const auto* metadata = all.if_contains("metadata");
    const auto* value = metadata ? metadata->as_object().if_contains(name) : nullptr;
    return value ? std::string{value->as_string()} : "(none)";
  }
  /// "losses" of the object's line in the report.
  array losses(const std::string& key) {
    for (const auto& line : reported("copied")) {
      if (line.at("key").as_string() == key) return line.contains("losses") ? line.at("losses").as_array() : array{};
    }
    ADD_FAILURE() << key << " is not in the report";
    return {};
  }
};

TEST_F(Metadata, TagsArriveAsEntriesForOneMoreRequestWhereThereAreSome) {
  source_->put("plain", "bytes");
  source_->put("tagged", "bytes", {{"x-amz-tagging", "Project=x&a%20b=%2Fsrv%C3%A4"}});
  sandbox_->forget();
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(entry("tagged", "s3-tag-Project"), "x");
  EXPECT_EQ(entry("tagged", "s3-tag-a%20b"), "/srv\xc3\xa4");
  EXPECT_EQ(sandbox_->requests("s3", "GetObjectTagging"), 1);
  EXPECT_EQ(sandbox_->requests("s3", "GetObject"), 2);
  EXPECT_EQ(sandbox_->requests("s3", "HeadObject"), 0);
  EXPECT_EQ(sandbox_->requests("gcs", "InsertMultipart"), 2);
  EXPECT_EQ(outcome.number("not_whole"), 0);
}

TEST_F(Metadata, TagsArriveAsContextsByChoice) {
  source_->put("small", "bytes", {{"x-amz-tagging", "Project=x&path=%2Fsrv"}});
  source_->put_in_parts("large", {noise(20 * kMiB, 1)}, {{"x-amz-tagging", "Project=y"}});
  const auto outcome = copy({"--tags", "contexts"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(resource("small").at("contexts"), (object{{"custom", {{"Project", {{"value", "x"}}}}}}));
  EXPECT_EQ(entry("small", "s3-tag-path"), "/srv") << "no context can hold it";
  EXPECT_EQ(resource("large").at("contexts"), (object{{"custom", {{"Project", {{"value", "y"}}}}}}));
}

TEST_F(Metadata, TagsThatStayBehindAreNamed) {
  source_->put("unwanted", "bytes", {{"x-amz-tagging", "Project=x"}});
  const auto outcome = copy({"--tags", "none"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(losses("unwanted"), array{"tags"});
  EXPECT_EQ(sandbox_->requests("s3", "GetObjectTagging"), 0);

  source_->put("forbidden", "bytes", {{"x-amz-tagging", "Project=x"}});
  sandbox_->fault({{"service", "s3"},
                   {"op", "GetObjectTagging"},
                   {"action", {{"status", 403}, {"body", "<Error><Code>AccessDenied</Code></Error>"}}}});
  const auto denied = copy();
  EXPECT_EQ(denied.code(), 0) << denied.describe();
  EXPECT_EQ(losses("forbidden"), array{"tags"});
  EXPECT_EQ(denied.summary.at("losses").at("tags"), 1);
  EXPECT_EQ(denied.number("not_whole"), 1);
}

TEST_F(Metadata, ClassTimeAndKeyAreChosenForAJob) {
  const std::string key = "projects/p/locations/eu/keyRings/r/cryptoKeys/k";
  source_->put("rare", "bytes", {{"x-amz-storage-class", "STANDARD_IA"}});
  source_->put("usual", "bytes");
  source_->put_in_parts("large", {noise(20 * kMiB, 1)}, {{"x-amz-storage-class", "GLACIER_IR"}});
  const auto outcome = copy({"--storage-class-map", "STANDARD_IA=NEARLINE,GLACIER_IR=ARCHIVE", "--custom-time",
                             "modified", "--kms-key", key});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(resource("rare").at("storageClass"), "NEARLINE");
  EXPECT_EQ(resource("usual").at("storageClass"), "STANDARD");
  EXPECT_EQ(resource("large").at("storageClass"), "ARCHIVE");
  for (const auto* name : {"rare", "usual", "large"}) {
    EXPECT_EQ(std::string{resource(name).at("customTime").as_string()}, entry(name, "ferry-modified")) << name;
    EXPECT_EQ(std::string{resource(name).at("kmsKeyName").as_string()}, key) << name;
  }
}

TEST_F(Metadata, WithoutAChoiceTheTargetBucketDecides) {
  source_->put("rare", "bytes", {{"x-amz-storage-class", "STANDARD_IA"}});
  EXPECT_EQ(copy().code(), 0);
  EXPECT_EQ(resource("rare").at("storageClass"), "STANDARD");
  EXPECT_FALSE(resource("rare").contains("customTime"));
  EXPECT_FALSE(resource("rare").contains("kmsKeyName"));
}

TEST_F(Metadata, WhatGcsHasNoPlaceForIsNamedInReportAndSummary_F046) {
  source_->put("redirect", "bytes", {{"x-amz-website-redirect-location", "/elsewhere"}});
  source_->put("locked", "bytes", {{"x-amz-object-lock-legal-hold", "ON"}});
  source_->put("typeless", "bytes", {{"content-type", "not a type"}});
  source_->put("header", "bytes", {{"content-disposition", "attachment; filename=\"\xc3\xa4\""}});
  source_->put("missing", "bytes");
  source_->put("expiring", "bytes");
  source_->put("whole", "bytes", {{"content-type", "text/plain"}});
  const auto reply_with = [&](const char* key, const char* name, const char* value) {
    sandbox_->fault(
        {{"service", "s3"}, {"op", "GetObject"}, {"key", key}, {"action", {{"set_headers", {{name, value}}}}}});
  };
  reply_with("missing", "x-amz-missing-meta", "2");
  reply_with("expiring", "x-amz-expiration", "expiry-date=\"Fri, 21 Dec 2035 00:00:00 GMT\", rule-id=\"r\"");
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(losses("redirect"), array{"website-redirect"});
  EXPECT_EQ(losses("locked"), array{"object-lock"});
  EXPECT_EQ(losses("typeless"), array{"content-type"});
  EXPECT_EQ(resource("typeless").at("contentType"), "application/octet-stream");
  EXPECT_EQ(losses("header"), array{"content-header"});
  EXPECT_EQ(entry("header", "content-disposition"), "attachment; filename=\"\xc3\xa4\"");
  EXPECT_EQ(losses("missing"), array{"missing-metadata"});
  EXPECT_EQ(losses("expiring"), array{"expiry"});
  EXPECT_EQ(losses("whole"), array{});
  EXPECT_EQ(outcome.number("not_whole"), 6);
  EXPECT_EQ(outcome.summary.at("losses").at("website-redirect"), 1);
  EXPECT_EQ(outcome.summary.at("never_read"), array{"acl"});
}

TEST_F(Metadata, EncodedWordsArriveAsTheirText_F044) {
  source_->put("key", "bytes",
               {{"x-amz-meta-word", "=?UTF-8?B?Y2Fmw6k=?="}, {"x-amz-meta-two", "=?utf-8?Q?a=20?= =?utf-8?Q?b?="}});
  EXPECT_EQ(copy().code(), 0);
  EXPECT_EQ(entry("key", "word"), "caf\xc3\xa9");
  EXPECT_EQ(entry("key", "two"), "a b");
}

}  // namespace
}  // namespace ferry::system_test
