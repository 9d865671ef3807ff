#include "source/s3/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "source/s3/credential_chain.hpp"
#include "testing/base/fake_http.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::s3 {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class S3Profile : public ::testing::Test {
 protected:
  S3Profile() {
    std::string name = (std::filesystem::temp_directory_path() / "ferry-profile-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    credentials_ = dir_ + "/credentials";
    config_ = dir_ + "/config";
  }
  ~S3Profile() override { std::filesystem::remove_all(dir_); }

  static void write(const std::string& path, std::string_view text) { std::ofstream{path, std::ios::binary} << text; }
  Result<std::optional<Credentials>> get(CredentialProvider* provider) {
    return ferry::testing::run(provider->get(), &clock_);
  }
  ProfileSettings settings(std::string profile) const {
    ProfileSettings settings;
    settings.name = std::move(profile);
    settings.credentials_file = credentials_;
    settings.config_file = config_;
    settings.sts.clock = const_cast<ferry::testing::SimulatedClock*>(&clock_);
    return settings;
  }
  std::shared_ptr<CredentialProvider> provider(std::string profile) {
    return SharedCredentials{profile_source(settings(std::move(profile))), &clock_, &rng_}.provider({&http_, &http_});
  }
  Result<std::optional<Credentials>> get(std::string profile) {
    const auto made = provider(std::move(profile));
    return get(made.get());
  }

  ferry::testing::FakeHttp http_;
  ferry::testing::SimulatedClock clock_;
  ferry::testing::SeededRng rng_;
  std::string dir_, credentials_, config_;
};

TEST_F(S3Profile, ReadsKeysFromTheCredentialsFile) {
  write(
      credentials_,
      "# mine\r\n[default]\r\naws_access_key_id = A\r\naws_secret_access_key=S=/+\r\n\r\n[prod]\nAWS_ACCESS_KEY_ID=P\n"
      "aws_secret_access_key = T\naws_session_token = tok\nregion = x\n");
  const auto found = get("default");
  ASSERT_TRUE(found && *found) << found.error().what;
  EXPECT_EQ((*found)->access_key_id, "A");
  EXPECT_EQ((*found)->secret_access_key, "S=/+");
  EXPECT_FALSE((*found)->session_token);
  const auto prod = get("prod");
  ASSERT_TRUE(prod && *prod);
  EXPECT_EQ((*prod)->access_key_id, "P");
  EXPECT_EQ((*prod)->session_token, "tok");
}

TEST_F(S3Profile, ReadsKeysFromTheConfigFileUnderItsLongName) {
  write(config_,
        "[default]\naws_access_key_id=D\naws_secret_access_key=S\n[profile prod]\ns3 =\n  aws_access_key_id = nested\n"
        "aws_access_key_id=P\naws_secret_access_key=S\n[other]\naws_access_key_id=O\naws_secret_access_key=S\n");
  EXPECT_EQ(get("default").value()->access_key_id, "D");
  EXPECT_EQ(get("prod").value()->access_key_id, "P");
  EXPECT_FALSE(get("other"));
}

TEST_F(S3Profile, NamesTheFilesOfAMissingProfile) {
  const auto missing = get("nobody\n");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(missing.error().what, AllOf(HasSubstr("nobody"), HasSubstr(credentials_), HasSubstr(config_)));
  EXPECT_EQ(missing.error().what.find('\n'), std::string::npos);
}

TEST_F(S3Profile, SaysWhichKindOfProfileIsNotSupportedAndAWayRound) {
  write(config_, "[profile sso]\nsso_session = y\n[profile phone]\nrole_arn = r\nsource_profile = x\nmfa_serial = m\n");
  for (const auto& [profile, setting] : {std::pair{"phone", "mfa_serial"}, {"sso", "sso_session"}}) {
    const auto found = get(profile);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(found.error().what, AllOf(HasSubstr(setting), HasSubstr("credential_process")));
  }
}

TEST_F(S3Profile, RefusesHalfAPairWithoutShowingIt) {
  write(credentials_, "[a]\naws_access_key_id = A\n[b]\naws_access_key_id =\naws_secret_access_key = very-secret\n");
  for (const char* profile : {"a", "b"}) {
    const auto found = get(profile);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(found.error().what, ::testing::Not(HasSubstr("very-secret")));
  }
}

TEST_F(S3Profile, RefusesAFileThatIsTooBig) {
  write(credentials_, std::string(2 << 20, '#'));
  const auto found = get("default");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().what, HasSubstr(credentials_));
}

TEST_F(S3Profile, SeesAChangedFileWithinASecond_F139) {
  write(credentials_, "[default]\naws_access_key_id=A\naws_secret_access_key=S\n");
  const auto made = provider("default");
  EXPECT_EQ(get(made.get()).value()->access_key_id, "A");
  write(credentials_, "[default]\naws_access_key_id=LONGER\naws_secret_access_key=S\n");
  clock_.advance(Milliseconds{1'000});
  EXPECT_EQ(get(made.get()).value()->access_key_id, "LONGER");
}

TEST_F(S3Profile, ReadsAgainWhenToldThatTheKeysAreNoLongerGood_F139) {
  write(credentials_, "[default]\naws_access_key_id=A\naws_secret_access_key=S\n");
  const auto made = provider("default");
  const auto first = get(made.get());
  ASSERT_TRUE(first);
  const auto time = std::filesystem::last_write_time(credentials_);
  write(credentials_, "[default]\naws_access_key_id=B\naws_secret_access_key=S\n");
  std::filesystem::last_write_time(credentials_, time);  // as if the change could not be seen from outside
  EXPECT_EQ(get(made.get()).value()->access_key_id, "A");
  made->refused(**first);
  EXPECT_EQ(get(made.get()).value()->access_key_id, "B");
}

TEST_F(S3Profile, KeepsGoodKeysWhileTheFileIsBeingWritten_F139) {
  write(credentials_, "[default]\naws_access_key_id=A\naws_secret_access_key=S\n");
  const auto made = provider("default");
  const auto first = get(made.get());
  ASSERT_TRUE(first);
  write(credentials_, "[default]\naws_access_key_id=NEW\n");
  clock_.advance(Milliseconds{1'000});
  EXPECT_EQ(get(made.get()).value()->access_key_id, "A") << "half a file is no change";
  made->refused(**first);
  EXPECT_EQ(get(made.get()).error().kind, ErrorKind::kUnavailable) << "worth another look";
  write(credentials_, "[default]\naws_access_key_id=NEW\naws_secret_access_key=T\n");
  EXPECT_EQ(get(made.get()).value()->access_key_id, "NEW");
}

TEST_F(S3Profile, NamesItsRegion) {
  write(config_, "[default]\nregion = eu-west-1\n[profile prod]\nregion=ap-south-1\n");
  EXPECT_EQ(profile_region(settings("default")), "eu-west-1");
  EXPECT_EQ(profile_region(settings("prod")), "ap-south-1");
  EXPECT_EQ(profile_region(settings("nobody")), "");
}

Task<Result<std::string>> id_from(std::shared_ptr<CredentialSource> source) {
  auto fetched = co_await source->fetch({});
  if (!fetched) co_return fail(std::move(fetched).error());
  co_return fetched->credentials.access_key_id;
}

TEST_F(S3Profile, RunsTheCommandThatItNames) {
  write(config_,
        "[default]\ncredential_process = printf '{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"S\"}' \"a b\"\n"
        "[profile broken]\ncredential_process = false\n"
        "[profile absent]\ncredential_process = /no/such/program\n");
  const auto run_of = [this](const char* profile) {
    auto with = settings(profile);
    with.sts.clock = system_clock();  // the command takes real time
    return ferry::testing::run(id_from(profile_source(std::move(with))));
  };
  EXPECT_EQ(run_of("default").value(), "a b");
  EXPECT_THAT(run_of("broken").error().what, HasSubstr("'false' ended with 1"));
  EXPECT_EQ(run_of("absent").error().kind, ErrorKind::kInvalid);
}

TEST(S3Credentials, DescribeThemselvesWithoutSecrets) {
  EXPECT_EQ(anonymous_credentials()->describe(), "anonymous");
  const auto fixed = static_credentials({"AKIA", "very-secret", "token"});
  EXPECT_EQ(fixed->describe(), "fixed keys");
  ProfileSettings prod;
  prod.name = "prod";
  prod.credentials_file = "~/.aws/credentials";
  EXPECT_EQ(profile_source(prod)->describe(), "profile prod in ~/.aws/credentials");
}

TEST(S3Credentials, AnonymousIsNobody) {
  const auto provider = anonymous_credentials();
  const auto got = ferry::testing::run(provider->get());
  ASSERT_TRUE(got);
  EXPECT_FALSE(*got);
}

TEST(S3ProfileText, HasLaterValuesOfATwiceOpenedSection) {
  const auto profile = find_profile("[a]\nx=1\ny=2\n[b]\nx=9\n[ a ]\nx=3\nbroken\n[half\n", "a");
  ASSERT_TRUE(profile);
  EXPECT_EQ(profile->at("x"), "3");
  EXPECT_EQ(profile->at("y"), "2");
  EXPECT_FALSE(find_profile("", "a"));
}

}  // namespace
}  // namespace ferry::s3
