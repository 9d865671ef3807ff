#include "queue/pubsub/books.hpp"

#include <gtest/gtest.h>

namespace ferry::pubsub {
namespace {

using Ids = std::vector<std::string>;
constexpr SteadyTime kNow{std::chrono::hours{1}};
constexpr std::chrono::seconds kSecond{1};

TEST(PubsubBooks, TellTheBrokerOnceHowAMessageEnded) {
  Books books{10, 1'000};
  const auto acked = books.enter("m1", "a1", 5, 0, kNow);
  const auto nacked = books.enter("m2", "a2", 5, 0, kNow);
  books.lend(acked);
  books.lend(nacked);
  EXPECT_EQ(books.out(), 2u);
  books.ack(acked);
  books.nack(acked);
  books.nack(nacked);
  books.ack(nacked);
  EXPECT_EQ(books.out(), 0u);
  EXPECT_EQ(books.take_acks(), (Ids{"a1"}));
  EXPECT_EQ(books.take_nacks(), (Ids{"a2"}));
  EXPECT_FALSE(books.has_news());
}

TEST(PubsubBooks, KeepTheNewerAckIdOfAMessageThatCameAgain_F085) {
  Books books{10, 1'000};
  const auto loan = books.enter("m", "old", 5, 0, kNow);
  EXPECT_EQ(books.enter("m", "new", 5, 0, kNow + kSecond), nullptr);
  EXPECT_EQ(loan->granted, kNow + kSecond);
  books.ack(loan);
  EXPECT_EQ(books.take_acks(), (Ids{"new"}));
  EXPECT_NE(books.enter("m", "newest", 5, 0, kNow), nullptr) << "a redelivery after the ack is a new delivery";
}

TEST(PubsubBooks, CountAttemptsUntilTheAckUnlessTheBrokerTells) {
  Books books{10, 1'000};
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    const auto loan = books.enter("m", "a", 5, 0, kNow);
    EXPECT_EQ(loan->attempt, attempt);
    books.nack(loan);
  }
  const auto told = books.enter("m", "a", 5, 9, kNow);
  EXPECT_EQ(told->attempt, 9u);
  books.ack(told);
  EXPECT_EQ(books.enter("m", "a", 5, 0, kNow)->attempt, 1u);
}

TEST(PubsubBooks, HoldDelayedMessagesUntilTheyAreDue) {
  Books books{10, 1'000};
  const auto late = books.enter("late", "l", 5, 0, kNow);
  const auto early = books.enter("early", "e", 5, 0, kNow);
  books.lend(late);
  books.lend(early);
  books.hold(late, kNow + 2 * kSecond);
  books.hold(early, kNow + kSecond);
  EXPECT_EQ(books.out(), 0u);
  EXPECT_EQ(books.next_due(), kNow + kSecond);
  EXPECT_EQ(books.granted_before(kNow + kSecond).size(), 2u) << "their leases go on";
  books.nack_due(kNow + kSecond);
  EXPECT_EQ(books.take_nacks(), (Ids{"e"}));
  EXPECT_EQ(books.next_due(), kNow + 2 * kSecond);
  books.nack_idle();
  EXPECT_EQ(books.take_nacks(), (Ids{"l"}));
  EXPECT_FALSE(books.next_due());
}

TEST(PubsubBooks, ParkNoMoreThanAQuarter) {
  Books books{8, 1'000};
  for (const char* id : {"a", "b", "c"}) books.park(books.enter(id, id, 5, 0, kNow), kNow + kSecond);
  EXPECT_EQ(books.take_nacks(), (Ids{"c"}));
  books.nack_due(kNow + kSecond);
  EXPECT_EQ(books.take_nacks().size(), 2u);
  books.park(books.enter("d", "d", 5, 0, kNow), kNow + kSecond);
  EXPECT_FALSE(books.has_news()) << "there is room again";
}

TEST(PubsubBooks, AreFullByMessagesOrBytesAndHaveRoomWellBelow) {
  Books books{10, 100};
  std::vector<LoanPtr> loans;
  for (int i = 0; i < 9; ++i) loans.push_back(books.enter(std::to_string(i), "a", 1, 0, kNow));
  EXPECT_FALSE(books.full());
  EXPECT_FALSE(books.has_room());
  loans.push_back(books.enter("9", "a", 1, 0, kNow));
  EXPECT_TRUE(books.full());
  books.ack(loans[0]);
  books.ack(loans[1]);
  EXPECT_TRUE(books.has_room());
  const auto big = books.enter("big", "a", 95, 0, kNow);
  EXPECT_TRUE(books.full());
  books.ack(big);
  EXPECT_FALSE(books.full());
}

TEST(PubsubBooks, GiveEverythingBackAtTheEnd) {
  Books books{10, 100};
  const auto out = books.enter("out", "o", 1, 0, kNow);
  books.lend(out);
  books.enter("idle", "i", 1, 0, kNow);
  books.nack_idle();
  EXPECT_EQ(books.take_nacks(), (Ids{"i"}));
  books.nack_all();
  EXPECT_EQ(books.take_nacks(), (Ids{"o"}));
  books.ack(out);
  books.hold(out, kNow);
  EXPECT_FALSE(books.has_news()) << "too late to say anything";
  EXPECT_EQ(books.out(), 0u);
}

TEST(PubsubBooks, SplitIdsSoThatEachRequestIsSmallEnough) {
  const auto many = portions(Ids(2'500, "x"));
  ASSERT_EQ(many.size(), 3u);
  EXPECT_EQ(many[0].size(), 1'000u);
  EXPECT_EQ(many[2].size(), 500u);
  const auto large = portions(Ids(1'000, std::string(1'000, 'x')));
  ASSERT_EQ(large.size(), 3u);
  EXPECT_EQ(large[0].size(), 400u);
  EXPECT_TRUE(portions({}).empty());
}

TEST(PubsubAttempts, ForgetWhatCameBackLongestAgo) {
  Attempts attempts{2};
  EXPECT_EQ(attempts.times("a"), 0u);
  attempts.given_back("a");
  attempts.given_back("b");
  attempts.given_back("a");
  EXPECT_EQ(attempts.times("a"), 2u);
  attempts.given_back("c");
  EXPECT_EQ(attempts.times("b"), 0u) << "had to go for c";
  EXPECT_EQ(attempts.times("a"), 2u);
  EXPECT_EQ(attempts.times("c"), 1u);
  attempts.forget("a");
  attempts.forget("never seen");
  EXPECT_EQ(attempts.times("a"), 0u);
}

}  // namespace
}  // namespace ferry::pubsub
