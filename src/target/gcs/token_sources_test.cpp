#include "target/gcs/token_sources.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "testing/base/fake_http.hpp"
#include "testing/base/simulated_clock.hpp"
#include "testing/base/temporary_folder.hpp"

namespace ferry::gcs {
namespace {

using boost::json::object;
using ferry::testing::FakeHttp;
using ferry::testing::FakeReply;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret = "canary-of-a-secret";

FakeReply token_body(const std::string& token, int life = 3600) {
  return FakeReply{200, {}, boost::json::serialize(object{{"access_token", token}, {"expires_in", life}})};
}

class GcsTokenSources : public ::testing::Test {
 protected:
  GcsTokenSources() {
    settings_.scope = "scope-1 scope-2";
    settings_.clock = &clock_;
  }
  std::shared_ptr<TokenProvider> provider(std::shared_ptr<TokenSource> source) {
    return SharedTokens{std::move(source), &clock_, &rng_}.provider({&far_, &near_});
  }
  Result<std::string> token(const std::shared_ptr<TokenProvider>& from) {
    auto got = ferry::testing::run(from->token(), &clock_);
    if (!got) return fail(std::move(got).error());
    return got->value_or("none");
  }
  Result<std::string> token(const object& file) {
    auto source = file_source(boost::json::serialize(file), settings_);
    if (!source) return fail(std::move(source).error());
    return token(provider(*std::move(source)));
  }
  std::string write(const std::string& name, const std::string& text) const {
    const auto path = (folder_.path() / name).string();
    std::ofstream{path, std::ios::binary} << text;
    return path;
  }
  static object external(object source) {
    return {{"type", "external_account"},
            {"audience", "//iam.googleapis.com/pool"},
            {"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"},
            {"token_url", "https://sts.googleapis.com/v1/token"},
            {"credential_source", std::move(source)}};
  }
  static object user() {
    return {{"type", "authorized_user"}, {"client_id", "id"}, {"client_secret", kSecret}, {"refresh_token", kSecret}};
  }

  ferry::testing::TemporaryFolder folder_;
  FakeHttp far_, near_;
  ferry::testing::SimulatedClock clock_;
  ferry::testing::SeededRng rng_;
  TokenSettings settings_;
};

TEST_F(GcsTokenSources, AUsersRefreshTokenIsExchanged) {
  far_.push(token_body("t"));
  EXPECT_EQ(token(user()).value(), "t");
  EXPECT_EQ(far_.requests().at(0).origin.host, "oauth2.googleapis.com");
  EXPECT_THAT(far_.requests().at(0).body,
              AllOf(HasSubstr("grant_type=refresh_token"), HasSubstr("refresh_token=" + kSecret)));
  far_.push(FakeReply{400, {}, R"({"error":"invalid_grant","error_description":")" + kSecret + "\"}"});
  const auto error = token(user()).error();
  EXPECT_EQ(error.kind, ErrorKind::kDenied);
  EXPECT_THAT(error.what, AllOf(HasSubstr("invalid_grant"), HasSubstr("gcloud"), Not(HasSubstr(kSecret))));
}

TEST_F(GcsTokenSources, AFilesTokenIsExchangedAndReadAnewEachTime) {
  const auto path = write("subject", "first.a.b\n");
  far_.on_request([](const auto& request) {
    return token_body(request.body.find("subject_token=first.a.b") == std::string::npos ? "second" : "first");
  });
  const auto from = provider(file_source(boost::json::serialize(external({{"file", path}})), settings_).value());
  EXPECT_EQ(token(from).value(), "first");
  EXPECT_THAT(far_.requests().at(0).body,
              AllOf(HasSubstr("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"),
                    HasSubstr("audience=%2F%2Fiam.googleapis.com%2Fpool"), HasSubstr("scope=scope-1%20scope-2"),
                    HasSubstr("subject_token_type=urn")));
  write("subject", "next.a.b\n");
  clock_.advance(std::chrono::minutes{59});
  EXPECT_EQ(token(from).value(), "second");
}

TEST_F(GcsTokenSources, AnAddressesTokenMayBeInJson) {
  near_.push(FakeReply{200, {}, R"({"value":"a.b.c"})"});
  far_.push(token_body("t"));
  EXPECT_EQ(token(external({{"url", "http://169.254.1.1/token?x=1"},
                            {"headers", {{"Secret-Header", "h"}}},
                            {"format", {{"type", "json"}, {"subject_token_field_name", "value"}}}}))
                .value(),
            "t");
  EXPECT_EQ(near_.requests().at(0).head.target, "/token?x=1");
  EXPECT_EQ(near_.requests().at(0).header("secret-header"), "h");
  EXPECT_THAT(far_.requests().at(0).body, HasSubstr("subject_token=a.b.c"));
}

TEST_F(GcsTokenSources, AwsMayVouchForUs) {
  settings_.aws = [](net::Routes, std::string audience) -> Task<Result<std::string>> {
    co_return "signed for " + audience;
  };
  far_.push(token_body("t"));
  EXPECT_EQ(token(external({{"environment_id", "aws1"}})).value(), "t");
  EXPECT_THAT(far_.requests().at(0).body, HasSubstr("subject_token=signed%20for%20%2F%2Fiam.googleapis.com%2Fpool"));
}

TEST_F(GcsTokenSources, AServiceAccountIsActedAs) {
  auto file = external({{"file", write("subject", "a.b.c")}});
  file["service_account_impersonation_url"] =
      "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/mover@p.iam:generateAccessToken";
  far_.push(token_body("federated"));
  far_.push(FakeReply{200, {}, R"({"accessToken":"acting","expireTime":"2026-01-01T00:30:00Z"})"});
  const auto from = provider(file_source(boost::json::serialize(file), settings_).value());
  EXPECT_EQ(token(from).value(), "acting");
  EXPECT_THAT(far_.requests().at(0).body, HasSubstr("cloud-platform"));
  EXPECT_EQ(far_.requests().at(1).header("authorization"), "Bearer federated");
  EXPECT_EQ(far_.requests().at(1).body, R"({"delegates":[],"scope":["scope-1","scope-2"],"lifetime":"3600s"})");
  EXPECT_THAT(from->describe(), HasSubstr("mover@p.iam as federated identity"));
}

TEST_F(GcsTokenSources, APersonMayActAsAServiceAccount) {
  const object file{{"type", "impersonated_service_account"},
                    {"service_account_impersonation_url",
                     "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/m@p:generateAccessToken"},
                    {"delegates", boost::json::array{"d"}},
                    {"source_credentials", user()}};
  far_.push(token_body("person"));
  far_.push(FakeReply{403, {}, "{}"});
  const auto error = token(file).error();
  EXPECT_EQ(error.kind, ErrorKind::kDenied);
  EXPECT_THAT(error.what, HasSubstr("serviceAccountTokenCreator"));
  EXPECT_THAT(far_.requests().at(1).body, HasSubstr(R"("delegates":["d"])"));
}

TEST_F(GcsTokenSources, TokenServersMustBeGooglesOrExplicitlyAllowed_F144) {
  for (const auto* field : {"token_url", "service_account_impersonation_url"}) {
    auto file = external({{"file", "x"}});
    file[field] = "https://evil.example/token";
    const auto error = token(file).error();
    EXPECT_EQ(error.kind, ErrorKind::kInvalid);
    EXPECT_THAT(error.what, HasSubstr(field));
    settings_.origin_allowed = net::Origin::parse("https://evil.example").value();
    EXPECT_TRUE(file_source(boost::json::serialize(file), settings_)) << field;
    settings_.origin_allowed.reset();
  }
  EXPECT_TRUE(far_.requests().empty());
}

TEST_F(GcsTokenSources, BrokenFilesNameTheFieldAndNeverItsValue) {
  const auto what = [this](const object& file) { return token(file).error().what; };
  EXPECT_THAT(what({{"type", "gdch_service_account"}}), HasSubstr("gdch_service_account"));
  EXPECT_THAT(what({{"type", "authorized_user"}, {"client_id", kSecret}}),
              AllOf(HasSubstr("client_secret"), Not(HasSubstr(kSecret))));
  EXPECT_THAT(what(external({{"environment_id", "azure1"}})), HasSubstr("azure1"));
  EXPECT_THAT(what(external({{"executable", {{"command", "x"}}}})), HasSubstr("credential_source"));
  EXPECT_THAT(what({{"type", "external_account"}}), HasSubstr("credential_source"));
  EXPECT_THAT(what({{"type", "impersonated_service_account"}}), HasSubstr("service_account_impersonation_url"));
}

TEST_F(GcsTokenSources, TheMetadataServerMustSayThatItIsGoogles) {
  const auto from = provider(metadata_source({false, "metadata.google.internal", 80}, settings_));
  near_.push(FakeReply{200, {}, "<html>log in</html>"});  // not the server: worth another try
  near_.push(FakeReply{200, {{"Metadata-Flavor", "Google"}}, R"({"access_token":"m","expires_in":300})"});
  EXPECT_EQ(token(from).value(), "m");
  EXPECT_EQ(near_.requests().at(0).header("metadata-flavor"), "Google");
  EXPECT_EQ(near_.requests().at(0).path(), "/computeMetadata/v1/instance/service-accounts/default/token");
  EXPECT_TRUE(far_.requests().empty()) << "no proxy";
}

TEST_F(GcsTokenSources, TheMetadataServerVouchesForUs) {
  near_.push(FakeReply{200, {{"Metadata-Flavor", "Google"}}, "h.p.s"});
  const auto identity = metadata_identity({false, "metadata.google.internal", 80}, "an audience");
  EXPECT_EQ(ferry::testing::run(identity({&far_, &near_})).value(), "h.p.s");
  EXPECT_EQ(near_.requests().at(0).query("audience"), "an audience");
  EXPECT_EQ(near_.requests().at(0).query("format"), "full");
}

}  // namespace
}  // namespace ferry::gcs
