#include "source/s3/credential_chain.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "kit/async/task_group.hpp"
#include "source/s3/room_test.hpp"
#include "testing/base/temporary_folder.hpp"

namespace ferry::s3 {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kCanary = "canary-of-a-token";

std::string json_keys(const std::string& id, const std::string& end = "2026-01-01T01:00:00Z") {
  return R"({"Code":"Success","AccessKeyId":")" + id + R"(","SecretAccessKey":"S","Token":"T","Expiration":")" + end +
         "\"}";
}

std::string role_keys(const std::string& action, const std::string& id,
                      const std::string& end = "2026-01-01T01:00:00Z") {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
         "Result><Credentials><AccessKeyId>" + id + "</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>" +
         "T</SessionToken><Expiration>" + end + "</Expiration></Credentials></" + action + "Result></" + action +
         "Response>";
}

class S3Chain : public ::testing::Test {
 protected:
  S3Chain() {
    chain_.sts.clock = &clock_;
    chain_.sts.region = "eu-west-1";
    chain_.profile.credentials_file = file("credentials");
    chain_.profile.config_file = file("config");
  }
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{file(name), std::ios::binary} << text;
    return file(name);
  }
  std::shared_ptr<CredentialProvider> provider() {
    auto chosen = choose_credentials(chain_);
    EXPECT_TRUE(chosen) << chosen.error().what;
    return SharedCredentials{chosen->source, &clock_, &rng_}.provider({&far_, &near_});
  }
  Result<std::optional<Credentials>> get(CredentialProvider* from) { return ferry::testing::run(from->get(), &clock_); }
  Result<std::optional<Credentials>> get() { return get(provider().get()); }
  std::string who() {
    const auto got = get();
    return got ? (*got)->access_key_id : got.error().what;
  }
  Error refusal_of_choice() {
    auto chosen = choose_credentials(chain_);
    EXPECT_FALSE(chosen);
    return chosen ? Error{ErrorKind::kInvalid, "chosen"} : chosen.error();
  }

  ferry::testing::TemporaryFolder folder_;
  FakeHttp far_, near_;
  ferry::testing::SimulatedClock clock_;
  ferry::testing::SeededRng rng_;
  ChainSettings chain_;
};

TEST_F(S3Chain, FollowsTheOrderOfAmazonsTools) {
  near_.on_request([](const FakeRequest&) { return FakeReply{200, {}, json_keys("CONTAINER")}; });
  far_.on_request([](const FakeRequest& request) {
    const bool token = request.body.find("WithWebIdentity") != std::string::npos;
    return FakeReply{
        200, {}, token ? role_keys("AssumeRoleWithWebIdentity", "TOKEN") : role_keys("AssumeRole", "ROLE")};
  });
  chain_.container.relative_uri = "/keys";
  EXPECT_EQ(who(), "CONTAINER");
  write("credentials", "[default]\naws_access_key_id=PROFILE\naws_secret_access_key=S\n");
  EXPECT_EQ(who(), "PROFILE");
  chain_.token_file = write("token", "a.b.c\n");
  chain_.role_arn = "arn:aws:iam::1:role/r";
  EXPECT_EQ(who(), "TOKEN");
  write("config", "[default]\nrole_arn=arn:aws:iam::1:role/q\nsource_profile=default\n");
  EXPECT_EQ(who(), "ROLE");
  chain_.keys = Credentials{"KEYS", "S", std::nullopt};
  EXPECT_EQ(who(), "KEYS");
  chain_.profile_by_flag = true;
  EXPECT_EQ(who(), "ROLE");
  chain_.anonymous = true;
  EXPECT_EQ(choose_credentials(chain_)->source, nullptr);
}

TEST_F(S3Chain, GuessesTheInstanceLastAndSaysSo) {
  EXPECT_TRUE(choose_credentials(chain_)->guessed);
  chain_.instance_disabled = true;
  EXPECT_THAT(refusal_of_choice().what, AllOf(HasSubstr("AWS_ACCESS_KEY_ID"), HasSubstr("AWS_EC2_METADATA_DISABLED")));
}

TEST_F(S3Chain, RefusesHalfASetting) {
  chain_.token_file = file("token");
  EXPECT_THAT(refusal_of_choice().what, HasSubstr("AWS_ROLE_ARN"));
  chain_.token_file.clear();
  chain_.profile.name = "nobody";
  chain_.profile_named = true;
  EXPECT_THAT(refusal_of_choice().what, HasSubstr("nobody"));
}

// ---- web identity

class S3WebIdentity : public S3Chain {
 protected:
  S3WebIdentity() {
    chain_.token_file = write("token", "first.a.b");
    chain_.role_arn = "arn:aws:iam::1:role/reader";
  }
};

TEST_F(S3WebIdentity, SendsTheTokenToTheRegionsStsUnsigned) {
  far_.push(FakeReply{200, {}, role_keys("AssumeRoleWithWebIdentity", "A")});
  const auto got = get();
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(**got, (Credentials{"A", "S", "T"}));
  const auto& request = far_.requests().at(0);
  EXPECT_EQ(request.origin.url(), "https://sts.eu-west-1.amazonaws.com:443");
  EXPECT_FALSE(request.header("authorization"));
  EXPECT_THAT(request.body, AllOf(HasSubstr("Action=AssumeRoleWithWebIdentity&Version=2011-06-15"),
                                  HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Freader"),
                                  HasSubstr("RoleSessionName=bucketferry"), HasSubstr("WebIdentityToken=first.a.b")));
}

TEST_F(S3WebIdentity, ReadsTheTokenAgainAtEachRenewalAheadOfExpiry_F139) {
  far_.on_request([](const FakeRequest& request) {
    const bool second = request.body.find("second") != std::string::npos;
    return FakeReply{200, {}, role_keys("AssumeRoleWithWebIdentity", second ? "B" : "A", "2026-01-01T02:00:00Z")};
  });
  const auto from = provider();
  EXPECT_EQ(get(from.get()).value()->access_key_id, "A");
  write("token", "second.a.b");
  clock_.advance(std::chrono::minutes{104});
  EXPECT_EQ(get(from.get()).value()->access_key_id, "A");
  clock_.advance(std::chrono::minutes{2});
  EXPECT_EQ(get(from.get()).value()->access_key_id, "B");
}

TEST_F(S3WebIdentity, MeasuresTheLifeByTheServersClock_F135) {
  clock_.set_wall(WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}} + std::chrono::minutes{50});
  net::Headers date{{"Date", "Thu, 01 Jan 2026 00:00:00 GMT"}};
  far_.on_request([&](const FakeRequest&) {
    return FakeReply{200, date, role_keys("AssumeRoleWithWebIdentity", "A" + std::to_string(far_.requests().size()))};
  });
  const auto from = provider();
  EXPECT_EQ(get(from.get()).value()->access_key_id, "A1");
  clock_.advance(std::chrono::minutes{40});
  EXPECT_EQ(get(from.get()).value()->access_key_id, "A1");
}

TEST_F(S3WebIdentity, RefusalSaysWhatToMendAndNoSecret_F138) {
  write("token", kCanary);
  far_.push(FakeReply{
      403,
      {},
      "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no " + kCanary + "</Message></Error></ErrorResponse>"});
  const auto error = get().error();
  EXPECT_EQ(error.kind, ErrorKind::kDenied);
  EXPECT_THAT(error.what, AllOf(HasSubstr("role/reader"), HasSubstr("trust policy"), Not(HasSubstr(kCanary))));
  EXPECT_EQ(far_.requests().size(), 1);
}

TEST_F(S3WebIdentity, OutagesAndGarbageAreTriedAgain_F138) {
  far_.push(FakeReply{503});
  far_.push(FakeReply{200, {}, "<html>"});
  far_.push(FakeReply{400, {}, "<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>"});
  far_.push(FakeReply::reset());
  far_.push(FakeReply{200, {}, role_keys("AssumeRoleWithWebIdentity", "A")});
  EXPECT_EQ(who(), "A");
}

TEST_F(S3WebIdentity, RedirectsAreNotFollowed) {
  far_.push(FakeReply{302, {{"Location", "https://evil.example/"}}});
  EXPECT_EQ(get().error().kind, ErrorKind::kDenied);
  EXPECT_EQ(far_.requests().size(), 1);
}

TEST_F(S3WebIdentity, ManyTransfersShareOneRequest) {
  far_.push(FakeReply{200, {}, role_keys("AssumeRoleWithWebIdentity", "A")});
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  const auto from = provider();
  int good = 0;
  const auto ask = [](CredentialProvider* one, int* count) -> Task<> {
    auto got = co_await one->get();
    if (got) ++*count;
  };
  for (int i = 0; i < 50; ++i) group.spawn(ask(from.get(), &good));
  ferry::testing::run(context, group.join(), &clock_);
  EXPECT_EQ(good, 50);
  EXPECT_EQ(far_.requests().size(), 1);
}

TEST_F(S3WebIdentity, AnIdentityTokenMayComeFromElsewhere) {
  chain_.keys = Credentials{"KEYS", "S", std::nullopt};
  chain_.identity = [](net::Routes) -> Task<Result<std::string>> { co_return std::string{"google.a.b"}; };
  far_.push(FakeReply{200, {}, role_keys("AssumeRoleWithWebIdentity", "A")});
  EXPECT_EQ(who(), "A");
  EXPECT_THAT(far_.requests().at(0).body, HasSubstr("WebIdentityToken=google.a.b"));
}

// ---- profiles with roles

TEST_F(S3Chain, RolesOfProfilesAreTakenOnInTurn) {
  write("credentials", "[base]\naws_access_key_id=BASE\naws_secret_access_key=S\n");
  write(
      "config",
      "[profile middle]\nrole_arn=arn:aws:iam::1:role/m\nsource_profile=base\nregion=us-west-2\n"
      "[profile top]\nrole_arn=arn:aws:iam::1:role/t\nsource_profile=middle\nexternal_id=x/y\nduration_seconds=900\n");
  chain_.profile.name = "top";
  far_.push(FakeReply{200, {}, role_keys("AssumeRole", "MIDDLE")});
  far_.push(FakeReply{200, {}, role_keys("AssumeRole", "TOP")});
  EXPECT_EQ(who(), "TOP");
  EXPECT_EQ(far_.requests().at(0).origin.host, "sts.us-west-2.amazonaws.com");
  EXPECT_THAT(far_.requests().at(0).header("authorization").value(),
              AllOf(HasSubstr("Credential=BASE/"), HasSubstr("/us-west-2/sts/aws4_request")));
  EXPECT_THAT(far_.requests().at(1).header("authorization").value(), HasSubstr("Credential=MIDDLE/"));
  EXPECT_THAT(far_.requests().at(1).body, AllOf(HasSubstr("ExternalId=x%2Fy"), HasSubstr("DurationSeconds=900")));
}

TEST_F(S3Chain, ProfilesThatLeadNowhereAreRefusedByName) {
  write("config",
        "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nrole_arn=r\nsource_profile=a\n"
        "[profile c]\nrole_arn=r\n[profile d]\nrole_arn=r\ncredential_source=Moon\n"
        "[profile e]\nrole_arn=r\nsource_profile=nobody\n[profile "
        "f]\nrole_arn=r\nsource_profile=a\nduration_seconds=1\n");
  for (const auto& [name, word] :
       {std::pair{"a", "circle"}, {"c", "source_profile"}, {"d", "Moon"}, {"e", "nobody"}, {"f", "duration_seconds"}}) {
    chain_.profile.name = name;
    const auto error = refusal_of_choice();
    EXPECT_EQ(error.kind, ErrorKind::kInvalid);
    EXPECT_THAT(error.what, HasSubstr(word));
  }
}

// ---- containers and instances

TEST_F(S3Chain, ContainersAreAskedWithTheirTokenReadAnew) {
  chain_.container.full_uri = "http://169.254.170.23/v1/credentials?x=1";
  chain_.container.authorization_file = write("auth", "first\n");
  near_.on_request([](const FakeRequest& request) {
    return FakeReply{200, {}, json_keys(request.header("authorization").value())};
  });
  const auto from = provider();
  EXPECT_EQ(get(from.get()).value()->access_key_id, "first");
  EXPECT_EQ(near_.requests().at(0).head.target, "/v1/credentials?x=1");
  write("auth", "second\n");
  clock_.advance(std::chrono::minutes{50});
  EXPECT_EQ(get(from.get()).value()->access_key_id, "second");
}

TEST_F(S3Chain, ContainerAddressesThatCouldBeAnybodysAreRefused) {
  for (const auto* uri :
       {"http://evil.example/", "http://127.evil.example/", "http://169.254.169.254/", "ftp://x/", "x"}) {
    chain_.container.full_uri = uri;
    EXPECT_EQ(refusal_of_choice().kind, ErrorKind::kInvalid) << uri;
  }
  for (const auto* uri :
       {"https://agent.example/x", "http://127.0.0.1:9/x", "http://localhost/x", "http://[fd00:ec2::23]/x"}) {
    chain_.container.full_uri = uri;
    EXPECT_TRUE(choose_credentials(chain_)) << uri;
  }
}

TEST_F(S3Chain, InstancesAreAskedByVersionTwoOnly) {
  near_.push(FakeReply{200, {}, "SESSION"});
  near_.push(FakeReply{200, {}, "reader\n"});
  near_.push(FakeReply{200, {}, json_keys("I")});
  EXPECT_EQ(who(), "I");
  EXPECT_EQ(near_.requests().at(0).head.method, "PUT");
  EXPECT_EQ(near_.requests().at(0).origin.url(), "http://169.254.169.254:80");
  EXPECT_EQ(near_.requests().at(1).header("X-aws-ec2-metadata-token"), "SESSION");
  EXPECT_EQ(near_.requests().at(2).path(), "/latest/meta-data/iam/security-credentials/reader");
  near_.push(FakeReply{403});
  EXPECT_THAT(get().error().what, HasSubstr("IMDSv2"));
}

TEST_F(S3Chain, InstancesMaySayNoWithStatus200) {
  near_.on_request([this](const FakeRequest& request) {
    if (request.head.method == "PUT") return FakeReply{200, {}, "SESSION"};
    if (request.path().ends_with("/")) return FakeReply{200, {}, "reader"};
    return FakeReply{
        200, {}, near_.requests().size() > 3 ? json_keys("I") : R"({"Code":"AssumeRoleUnauthorizedAccess"})"};
  });
  EXPECT_EQ(who(), "I") << "it was tried again";
}

TEST_F(S3Chain, WhatAnInstanceHandsOutPastItsEndIsTheServersToJudge) {
  near_.push(FakeReply{200, {}, "SESSION"});
  near_.push(FakeReply{200, {}, "reader"});
  near_.push(FakeReply{200, {}, json_keys("OLD", "2025-12-31T23:00:00Z")});
  EXPECT_EQ(who(), "OLD");
}

TEST(S3CallerIdentity, IsASignedRequestAsText) {
  ferry::testing::SimulatedClock clock;
  const auto text =
      signed_caller_identity({"AKIA", kCanary, "session"}, "eu-west-1", "//iam.googleapis.com/pool", &clock);
  const auto json = percent_decode(text).value();
  EXPECT_THAT(json, AllOf(HasSubstr("https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"),
                          HasSubstr("x-goog-cloud-target-resource"), HasSubstr("x-amz-security-token"),
                          HasSubstr("Credential=AKIA/20260101/eu-west-1/sts/aws4_request"), Not(HasSubstr(kCanary))));
  EXPECT_THAT(json, HasSubstr("SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource"));
}

}  // namespace
}  // namespace ferry::s3
