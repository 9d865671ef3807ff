#include "admin/gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/api_server.hpp"
#include "kit/base/hash.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::admin {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using Verdict = Gate::Verdict;

const std::string kUser = "keeper", kPassword = "lantern-in-the-fog";

std::string basic(const std::string& text) { return "Basic " + base64(text); }

struct GateTest : ::testing::Test {
  testing::SimulatedClock clock;
  Gate gate{kUser, kPassword, &clock};

  Gate::Judgement right(const std::string& peer = "10.0.0.1") {
    return gate.judge(basic(kUser + ":" + kPassword), peer);
  }
  /// Another one each time.
  Gate::Judgement guess(const std::string& peer = "10.0.0.1") {
    return gate.judge(basic("keeper:password" + std::to_string(++guesses)), peer);
  }
  int guesses = 0;
};

TEST_F(GateTest, LetsInWithTheRightNameAndPasswordOnly) {
  EXPECT_EQ(right().verdict, Verdict::kWelcome);
  EXPECT_EQ(gate.judge("bASIC  " + base64(kUser + ":" + kPassword), "a").verdict, Verdict::kWelcome);
  EXPECT_EQ(gate.judge(std::nullopt, "a").verdict, Verdict::kNobody);
  const std::string long_password(2'000, 'x');
  for (const auto& wrong :
       {basic(kUser + ":" + kPassword + "x"), basic(kUser + ":"), basic(":" + kPassword), basic(kUser + kPassword),
        basic(""), basic("Keeper:" + kPassword), basic(kUser + ":" + long_password), basic(kPassword + ":" + kUser),
        std::string("Basic"), std::string("Basic %%%"), "Bearer " + base64(kUser + ":" + kPassword), std::string()}) {
    EXPECT_EQ(gate.judge(wrong, wrong).verdict, Verdict::kWrong) << wrong;
  }
}

TEST(CredentialBlock, IsTheSameWorkForEveryGuess_F157) {
  // What is hashed and compared has one size, whatever was guessed; and no two guesses look alike.
  static_assert(std::tuple_size_v<CredentialBlock> == 2 * (2 + kCredentialBytesMax));
  EXPECT_NE(credential_block("ab", "c"), credential_block("a", "bc"));
  EXPECT_NE(credential_block("a", ""), credential_block("", "a"));
  EXPECT_NE(credential_block("a", std::string("b\0", 2)), credential_block("a", "b"));
  const auto nobody = CredentialBlock{};
  EXPECT_EQ(credential_block(std::string(kCredentialBytesMax + 1, 'x'), "y"), nobody);
  EXPECT_EQ(credential_block("x", std::string(kCredentialBytesMax + 1, 'y')), nobody);
  EXPECT_NE(credential_block(std::string(kCredentialBytesMax, 'x'), std::string(kCredentialBytesMax, 'y')), nobody);
}

TEST_F(GateTest, MakesGuessingSlowAndThenShutsTheDoor_F156) {
  int looked_at = 0;
  const auto began = clock.now();
  for (int tries = 0; tries < 1'000; ++tries) {
    const auto judgement = guess();
    EXPECT_GT(judgement.wait.count(), 0);
    if (judgement.verdict == Verdict::kWrong) ++looked_at;
    if (judgement.verdict == Verdict::kTooMany) clock.advance(judgement.wait);
  }
  EXPECT_LE(looked_at, 510) << "every second try meets a shut door";
  EXPECT_GE(clock.now() - began, minutes{450}) << "a minute for each";
  EXPECT_EQ(guess().verdict, Verdict::kWrong);
  EXPECT_EQ(right().verdict, Verdict::kTooMany) << "nothing is compared while it is shut";
  EXPECT_EQ(right("10.0.0.2").verdict, Verdict::kWelcome) << "from elsewhere the right password still works";
}

TEST_F(GateTest, AnOldPasswordThatIsSentAgainAndAgainShutsNobodyOut_F156) {
  for (int i = 0; i < 1'000; ++i) {
    const auto judgement = gate.judge(basic("keeper:last-year's"), "10.0.0.1");
    EXPECT_EQ(judgement.verdict, Verdict::kWrong);
    EXPECT_EQ(judgement.wait, Gate::kDelay);
    EXPECT_EQ(judgement.guesses, 1U);
  }
  EXPECT_EQ(right().verdict, Verdict::kWelcome);
  for (std::uint32_t i = 0; i < Gate::kFreeGuesses; ++i) guess();
  EXPECT_EQ(right().verdict, Verdict::kTooMany);
}

TEST_F(GateTest, GarbageIsAGuessLikeAnyOther_F156) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(gate.judge("Bearer x", "10.0.0.1").guesses, 1U);
}

TEST_F(GateTest, ForgivesAfterTheRightPasswordOrAQuietTime_F156) {
  for (std::uint32_t i = 1; i < Gate::kFreeGuesses; ++i) EXPECT_EQ(guess().guesses, i);
  EXPECT_EQ(right().verdict, Verdict::kWelcome);
  EXPECT_EQ(guess().guesses, 1U);
  for (std::uint32_t i = 1; i < Gate::kFreeGuesses; ++i) guess();
  EXPECT_EQ(guess().verdict, Verdict::kTooMany);
  clock.advance(Gate::kForgotten);
  EXPECT_EQ(guess().guesses, 1U);
}

TEST_F(GateTest, RemembersABoundedNumberOfSources_F156) {
  for (std::uint32_t i = 0; i < Gate::kFreeGuesses; ++i) guess("10.9.9.9");
  clock.advance(seconds{1});
  for (int i = 0; i < 5'000; ++i) guess("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  EXPECT_EQ(gate.sources(), Gate::kSourcesMax);
  EXPECT_EQ(right().verdict, Verdict::kWelcome);
}

TEST(GuessSource, IsTheNetworkOfOneOwner_F156) {
  EXPECT_EQ(guess_source("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(guess_source("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(guess_source("2001:db8:1:2:aaaa::1"), guess_source("2001:db8:1:2:bbbb::9"));
  EXPECT_NE(guess_source("2001:db8:1:2::1"), guess_source("2001:db8:1:3::1"));
}

TEST(Credentials, ThatProtectNothingAreRefused_F158) {
  EXPECT_TRUE(check_credentials(kUser, kPassword));
  struct Case {
    std::string user, password, says;
  };
  for (const auto& each :
       {Case{"", kPassword, "SYSTEM_ADMIN_USERNAME"}, Case{"a:b", kPassword, "colon"},
        Case{"a\n", kPassword, "control"}, Case{kUser, "", "SYSTEM_ADMIN_PASSWORD"},
        Case{kUser, "elevenbytes", "too short"}, Case{kUser, "aaaaaaaaaaaaaaaa", "over and over"},
        Case{"bucketferry-admin", "Bucketferry-Admin", "user name"}, Case{kUser, "Password1234", "lists"},
        Case{kUser, "changemechangeme", "lists"}, Case{kUser, kPassword + "\n", "line end"},
        Case{kUser, std::string(257, 'x') + "y", "256"}}) {
    const auto checked = check_credentials(each.user, each.password);
    ASSERT_FALSE(checked) << each.user << " " << each.password;
    EXPECT_EQ(checked.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(checked.error().what, HasSubstr(each.says));
    if (!each.password.empty()) EXPECT_THAT(checked.error().what, Not(HasSubstr(each.password)));
  }
}

}  // namespace
}  // namespace ferry::admin
