// Every way to credentials, against stand-ins that hand out what the sandbox's servers really check and that expires
// within seconds; and doctor, which looks at it all.

#include "testing/net/ports.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

class CredentialChain : public SystemTest {
 protected:
  void start_identity(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.end(),
                     {"--identity", "0", "--gcs-auth", "--buckets-gcs", kTarget, "--buckets-s3", kSource});
    sandbox_ = std::make_unique<Sandbox>(http_.get(), folder(), std::move(arguments));
    source_ = std::make_unique<S3Bucket>(http_.get(), sandbox_->account(), kSource);
    rules_.source_bucket = kSource;
    rules_.target_bucket = kTarget;
    identity_ = boost::json::value_to<std::string>(sandbox_->ready().at("identity"));
    write_file(folder() / "token", "sandbox-identity.canary-of-the-identity.signature\n");
  }
  [[nodiscard]] std::string host() const { return identity_.substr(identity_.find("//") + 2); }

  /// No keys; Google's side is who the metadata server says.
  [[nodiscard]] Environment with(Environment more) const {
    more.insert({{"AWS_ACCESS_KEY_ID", ""},
                 {"AWS_SECRET_ACCESS_KEY", ""},
                 {"STORAGE_EMULATOR_HOST", ""},
                 {"GCE_METADATA_HOST", host()},
                 {"AWS_ENDPOINT_URL_STS", identity_}});
    return more;
  }
  [[nodiscard]] Environment web_identity() const {
    return with({{"AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/reader"},
                 {"AWS_WEB_IDENTITY_TOKEN_FILE", (folder() / "token").string()}});
  }
  Outcome copy_as(const Environment& who) {
    return copy({"--gcs-endpoint", sandbox_->gcs(), "--log-level", "debug"}, who);
  }
  [[nodiscard]] std::uint64_t commits() {
    std::uint64_t seen = 0;
    for (const auto& event : sandbox_->events()) seen += event.is_commit("gcs") ? 1 : 0;
    return seen;
  }
  void expect_copies(const Environment& who, const std::string& operation) {
    sandbox_->forget();
    source_->put("key", "bytes of " + operation);
    const auto outcome = copy_as(who);
    EXPECT_EQ(outcome.code(), 0) << outcome.describe();
    EXPECT_EQ(commits(), 1) << operation;
    EXPECT_GE(sandbox_->requests("identity", operation), 1) << operation;
  }
  std::string identity_;
};

TEST_F(CredentialChain, EachPlaceOnTheAwsSideOpensTheBucket) {
  start_identity();
  expect_copies(web_identity(), "AssumeRole");
  expect_copies(with({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", identity_ + "/container"},
                      {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "sandbox-container-token"}}),
                "ContainerCredentials");
  expect_copies(with({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", identity_}}), "InstanceMetadata");
  write_file(folder() / "config",
             "[profile reader]\nrole_arn = arn:aws:iam::123456789012:role/reader\n"
             "web_identity_token_file = " +
                 (folder() / "token").string() + "\nregion = us-east-1\n");
  expect_copies(with({{"AWS_CONFIG_FILE", (folder() / "config").string()}, {"AWS_PROFILE", "reader"}}), "AssumeRole");
}

TEST_F(CredentialChain, AGoogleIdentityOpensAnAwsRoleWithoutKeys) {
  start_identity();
  expect_copies(
      with({{"AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/reader"}, {"FERRY_S3_GOOGLE_IDENTITY", "bucketferry"}}),
      "AssumeRole");
  EXPECT_GE(sandbox_->requests("identity", "GoogleMetadata"), 2) << "its token for AWS, and the one for storage";
}

TEST_F(CredentialChain, AFederatedIdentityOpensTheTarget) {
  start_identity();
  const boost::json::object file{
      {"type", "external_account"},
      {"audience", "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"},
      {"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"},
      {"token_url", identity_ + "/v1/token"},
      {"credential_source", {{"file", (folder() / "token").string()}}}};
  write_file(folder() / "external.json", boost::json::serialize(file));
  auto who = web_identity();
  who["GOOGLE_APPLICATION_CREDENTIALS"] = (folder() / "external.json").string();
  const auto refused = copy_as(who);
  EXPECT_EQ(refused.code(), 2) << "a token server that nobody allowed; " << refused.describe();
  who["FERRY_TOKEN_ORIGIN"] = identity_;
  expect_copies(who, "ExchangeToken");
}

TEST_F(CredentialChain, WhatExpiresInMidTransferIsRenewedInTime_F137_F139) {
  start_identity({"--token-life", "2", "--rate", "8M"});
  for (int i = 0; i < 4; ++i) source_->put("large/" + std::to_string(i), noise(24 * kMiB, i));  // three seconds each
  for (int i = 0; i < 50; ++i) source_->put("small/" + std::to_string(i), "bytes");
  const auto outcome = copy({"--gcs-endpoint", sandbox_->gcs(), "--transfers", "2"}, web_identity());
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(commits(), 54);
  EXPECT_GE(sandbox_->requests("identity", "AssumeRole"), 2) << "the third begins when the first is through";
  EXPECT_LE(sandbox_->requests("identity", "AssumeRole"), 60) << "one renewal at a time, for all transfers";
}

TEST_F(CredentialChain, WhatIsRevokedInMidTransferIsRenewedOnceForAll_F137_F139) {
  start_identity({"--rate", "8M"});
  for (int i = 0; i < 400; ++i) source_->put("small/" + std::to_string(i), noise(100 * kKiB, i));
  auto running = start_copy({"--gcs-endpoint", sandbox_->gcs(), "--transfers", "16"}, web_identity());
  ASSERT_TRUE(eventually([&] { return sandbox_->requests("s3", "GetObject") > 50; }, kStartMax));
  http_->send(sandbox_->s3(), "POST", "/_sandbox/revoke-tokens");
  const auto outcome = read_outcome(running->wait(kCopyMax));
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 400);
  EXPECT_LE(sandbox_->requests("identity", "AssumeRole"), 4) << "not once for each transfer";
}

TEST_F(CredentialChain, KeysOfARotatedFileAreTakenUpWithoutRestart_F139) {
  start_identity({"--rate", "4M"});
  const auto keys = sandbox_->account();
  const auto file = (folder() / "credentials").string();
  const auto text = [](const std::string& id, const std::string& secret) {
    return "[default]\naws_access_key_id = " + id + "\naws_secret_access_key = " + secret + "\n";
  };
  for (int i = 0; i < 200; ++i) source_->put("small/" + std::to_string(i), noise(100 * kKiB, i));
  // The keys turn bad for a moment, as if they had been deactivated, until the file has other ones.
  write_file(file, text(keys.access_key, keys.secret_key));
  auto running = start_copy({"--gcs-endpoint", sandbox_->gcs(), "--transfers", "4"},
                            with({{"AWS_SHARED_CREDENTIALS_FILE", file}}));
  ASSERT_TRUE(eventually([&] { return sandbox_->requests("s3", "GetObject") > 20; }, kStartMax));
  write_file(file + ".new", text(keys.access_key, keys.secret_key) + "# again\n");
  std::filesystem::rename(file + ".new", file);
  const auto outcome = read_outcome(running->wait(kCopyMax));
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 200);
}

TEST_F(CredentialChain, AnOutageOfTheTokenServerIsSurvivedWithWhatIsStillValid_F081_F138) {
  start_identity({"--token-life", "8", "--rate", "8M"});
  for (int i = 0; i < 100; ++i) source_->put("small/" + std::to_string(i), noise(100 * kKiB, i));
  sandbox_->fault(
      {{"service", "identity"}, {"op", "AssumeRole"}, {"after", 1}, {"times", 2}, {"action", {{"status", 503}}}});
  const auto outcome = copy({"--gcs-endpoint", sandbox_->gcs(), "--transfers", "4"}, web_identity());
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 100);
}

TEST_F(CredentialChain, SecretsAreNowhereInTheMostTalkativeOutput_F165_F166) {
  start_identity();
  source_->put("key", "bytes");
  auto good = copy_as(web_identity());
  EXPECT_EQ(good.code(), 0) << good.describe();
  sandbox_->fault({{"service", "identity"},
                   {"op", "AssumeRole"},
                   {"action",
                    {{"status", 403},
                     {"body",
                      "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not with "
                      "sandbox-identity.canary-of-the-identity.signature</Message>"
                      "</Error></ErrorResponse>"}}}});
  const auto bad = copy_as(web_identity());
  EXPECT_EQ(bad.code(), 3) << bad.describe();
  EXPECT_NE(bad.ended.err.find("role/reader"), std::string::npos) << bad.describe();
  const auto looked =
      ferry({"doctor", "s3://" + kSource, "gs://" + kTarget, "--gcs-endpoint", sandbox_->gcs(), "--log-level", "debug"},
            web_identity());
  for (const auto& outcome : {good, bad, looked}) {
    for (const auto* mark : {"canary", "secret-", "session-", "sandbox.", "Bearer "}) {
      EXPECT_EQ(outcome.ended.err.find(mark), std::string::npos) << mark << ": " << outcome.ended.err;
      EXPECT_EQ(outcome.ended.out.find(mark), std::string::npos) << mark << ": " << outcome.ended.out;
    }
  }
}

// ---- doctor ---------------------------------------------------------------------------------------------------------

class DoctorCommand : public CredentialChain {
 protected:
  Outcome look(const Environment& who, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"doctor", "s3://" + kSource, "gs://" + kTarget, "--json"});
    if (sandbox_) options.insert(options.end(), {"--gcs-endpoint", sandbox_->gcs()});
    return ferry(std::move(options), who, Duration{60});
  }
  /// Of the check of that name; "" if there is none.
  static std::string result(const Outcome& outcome, std::string_view name) { return field(outcome, name, "result"); }
  static std::string field(const Outcome& outcome, std::string_view name, std::string_view which) {
    const auto* checks = outcome.summary.if_contains("checks");
    if (!checks) return "no summary: " + outcome.describe();
    for (const auto& check : checks->as_array()) {
      if (check.at("check").as_string() == name && check.as_object().contains(which)) {
        return boost::json::value_to<std::string>(check.at(which));
      }
    }
    return "";
  }
};

TEST_F(DoctorCommand, SaysThatAllIsWellAndWhoWeAre) {
  start_identity();
  source_->put("key", "bytes");
  sandbox_->forget();
  const auto outcome = look(web_identity());
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  for (const auto* name :
       {"source reachable", "source clock", "source credentials", "source list", "source read", "source tags",
        "target reachable", "target credentials", "target list", "target permissions"}) {
    EXPECT_EQ(result(outcome, name), "ok") << name << ": " << outcome.describe();
  }
  EXPECT_NE(field(outcome, "source credentials", "what").find("role/reader"), std::string::npos);
  EXPECT_NE(field(outcome, "target credentials", "what").find("metadata server"), std::string::npos);
  EXPECT_EQ(commits(), 0);
}

TEST_F(DoctorCommand, NamesWhatIsMissing) {
  start_identity();
  source_->put("key", "bytes");
  const boost::json::object denied{{"status", 403}, {"body", "<Error><Code>AccessDenied</Code></Error>"}};
  sandbox_->fault({{"service", "s3"}, {"op", "HeadObject"}, {"action", denied}});
  sandbox_->fault({{"service", "s3"}, {"op", "GetObjectTagging"}, {"action", denied}});
  sandbox_->fault({{"service", "gcs"},
                   {"op", "TestPermissions"},
                   {"action", {{"status", 200}, {"body", R"({"permissions":["storage.objects.list"]})"}}}});
  const auto outcome = look(web_identity());
  EXPECT_EQ(outcome.code(), 3) << outcome.describe();
  EXPECT_NE(field(outcome, "source read", "remedy").find("s3:GetObject"), std::string::npos) << outcome.describe();
  EXPECT_EQ(result(outcome, "source tags"), "warn");
  EXPECT_NE(field(outcome, "target permissions", "what").find("storage.objects.create"), std::string::npos);
}

TEST_F(DoctorCommand, NamesClocksAddressesAndMissingCredentials) {
  start_identity();
  sandbox_->fault({{"service", "s3"},
                   {"op", "ListBuckets"},
                   {"action", {{"status", 403}, {"headers", {{"Date", "Thu, 01 Jan 2015 00:00:00 GMT"}}}}}});
  auto who = with({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", testing::closed_origin()},
                   {"GCE_METADATA_HOST", testing::closed_origin().substr(7)}});
  const auto outcome = look(who);
  EXPECT_EQ(outcome.code(), 3) << outcome.describe();
  EXPECT_EQ(result(outcome, "source clock"), "fail") << outcome.describe();
  EXPECT_NE(field(outcome, "source credentials", "remedy").find("AWS_ACCESS_KEY_ID"), std::string::npos);
  EXPECT_NE(field(outcome, "target credentials", "remedy").find("GOOGLE_APPLICATION_CREDENTIALS"), std::string::npos);
  const auto nowhere = look(web_identity(), {"--s3-endpoint", testing::closed_origin()});
  EXPECT_EQ(result(nowhere, "source reachable"), "fail") << nowhere.describe();
}

TEST_F(DoctorCommand, LooksAtRedisAndPubsubWhereTheyAreConfigured) {
  start_identity({"--pubsub", "0"});
  source_->put("key", "bytes");
  auto who = web_identity();
  who["PUBSUB_EMULATOR_HOST"] = boost::json::value_to<std::string>(sandbox_->ready().at("pubsub"));
  who["REDIS_ADDRESS"] = testing::closed_origin().substr(7);
  const auto outcome = look(who);
  EXPECT_EQ(outcome.code(), 3) << outcome.describe();
  EXPECT_EQ(result(outcome, "redis"), "fail") << outcome.describe();
  EXPECT_NE(result(outcome, "pubsub"), "") << outcome.describe();
}

}  // namespace
}  // namespace ferry::system_test
