#include "admin/event_feed.hpp"

#include "admin/fake_operator_test.hpp"

namespace ferry::admin {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

/// Somebody who reads events until there were enough.
struct Watcher {
  std::string seen;
  bool done = false;
  static Task<> watch(ApiSite* site, Watcher* watcher, std::size_t events) {
    net::Headers headers{{"Authorization", basic(kUser, kPassword)}};
    auto opened = co_await site->client->open(testing::plain(site->api->port()),
                                              net::RequestHead("GET", "/events", std::move(headers)), 0);
    auto head = co_await (*opened)->response();
    watcher->seen = std::to_string(head ? head->status : 0) + " ";
    std::string piece(64 * 1024, '\0');
    while (head && count(watcher->seen, "\nevent: status\n") + count(watcher->seen, "\nevent: trouble\n") < events) {
      auto got = co_await (*opened)->read(piece);
      if (!got || *got == 0) break;
      watcher->seen.append(piece, 0, *got);
    }
    watcher->done = true;
  }
};

Task<> wait_for(const bool* done, Clock* clock) {
  while (!*done) co_await clock->sleep(seconds{1});
}

TEST(EventFeed, TellsTheStateOnceASecondToAllWhoWatch) {
  ApiSite site{ApiSite::Time::kSimulated};
  std::vector<Watcher> watchers(20);
  for (auto& watcher : watchers) site.background.spawn(Watcher::watch(&site, &watcher, 5));
  for (auto& watcher : watchers) site.run(wait_for(&watcher.done, site.clock()));
  for (const auto& watcher : watchers)
    EXPECT_THAT(watcher.seen, StartsWith("200 retry: 2000\n\nevent: history\ndata: ["));
  EXPECT_GE(site.time.elapsed(), seconds{4});
  EXPECT_LE(site.service.statuses, 7U) << "one question per tick, not one per watcher";
}

TEST(EventFeed, AsksNothingWhileNobodyWatches) {
  ApiSite site{ApiSite::Time::kSimulated};
  Watcher watcher;
  site.background.spawn(Watcher::watch(&site, &watcher, 2));
  site.run(wait_for(&watcher.done, site.clock()));
  site.run(site.clock()->sleep(seconds{5}));
  const auto before = site.service.statuses;
  site.run(site.clock()->sleep(seconds{60}));
  EXPECT_EQ(site.service.statuses, before);
}

TEST(EventFeed, GivesANewWatcherThePast) {
  ApiSite site{ApiSite::Time::kSimulated};
  Watcher first, second;
  site.background.spawn(Watcher::watch(&site, &first, 3));
  site.run(wait_for(&first.done, site.clock()));
  site.background.spawn(Watcher::watch(&site, &second, 1));
  site.run(wait_for(&second.done, site.clock()));
  EXPECT_THAT(first.seen, HasSubstr("event: history\ndata: []\n"));
  EXPECT_THAT(second.seen, HasSubstr("event: history\ndata: [[1,0E0,0E0,0],[2,0E0,0E0,0],[3,0E0,0E0,0]"));
}

TEST(EventFeed, TellsTroubleAndGoesOn) {
  ApiSite site{ApiSite::Time::kSimulated};
  site.service.broken = Error{ErrorKind::kUnavailable, "redis is away"};
  Watcher watcher;
  site.background.spawn(Watcher::watch(&site, &watcher, 3));
  site.run(site.clock()->sleep(Milliseconds{1'500}));
  site.service.broken.reset();
  site.run(wait_for(&watcher.done, site.clock()));
  EXPECT_THAT(watcher.seen, HasSubstr("event: trouble\ndata: {\"statusCode\":503,\"msg\":\"redis is away\"}\n\n"));
  EXPECT_THAT(watcher.seen, HasSubstr("event: status\n"));
}

TEST(EventFeed, NeverWaitsForASlowReader_F155) {
  // Goal: somebody who stops reading costs neither memory nor anybody else's ticks, and is put out in the end.
  ApiSite site{ApiSite::Time::kSimulated};
  site.service.state.troubles = {std::string(2'000'000, 'x')};
  static constexpr auto never_read = [](ApiSite* s) -> Task<> {
    net::Headers headers{{"Authorization", basic(kUser, kPassword)}};
    auto opened = co_await s->client->open(testing::plain(s->api->port()),
                                           net::RequestHead("GET", "/events", std::move(headers)), 0);
    auto head = co_await (*opened)->response();
    co_await s->clock()->sleep(std::chrono::hours{1});
  };
  site.background.spawn(never_read(&site));
  Watcher quick;
  site.background.spawn(Watcher::watch(&site, &quick, 10));
  site.run(wait_for(&quick.done, site.clock()));
  EXPECT_LE(site.time.elapsed(), seconds{30});
  site.run(site.clock()->sleep(std::chrono::minutes{2}));
  const auto before = site.service.statuses;
  site.run(site.clock()->sleep(std::chrono::minutes{2}));
  EXPECT_EQ(site.service.statuses, before) << "the slow one is gone";
}

TEST(EventFeed, BoundsItsWatchers_F155) {
  AdminOptions options;
  options.event_clients_max = 2;
  ApiSite site{ApiSite::Time::kSimulated, options};
  std::vector<Watcher> watchers(3);
  for (auto& watcher : watchers) site.background.spawn(Watcher::watch(&site, &watcher, 100));
  site.run(site.clock()->sleep(seconds{2}));
  const auto refused = std::ranges::find_if(watchers, [](const auto& each) { return each.seen.starts_with("503"); });
  ASSERT_NE(refused, watchers.end());
  EXPECT_THAT(refused->seen, HasSubstr("too many watchers"));
  EXPECT_EQ(std::ranges::count_if(watchers, [](const auto& each) { return each.seen.starts_with("200"); }), 2);
}

TEST(EventFeed, EndsItsStreamsWhenTheServerStops) {
  ApiSite site{ApiSite::Time::kSimulated};
  Watcher watcher;
  site.background.spawn(Watcher::watch(&site, &watcher, 1'000));
  site.run(site.clock()->sleep(seconds{3}));
  site.api->stop();
  site.run(site.group.join());
  site.run(wait_for(&watcher.done, site.clock()));
  EXPECT_THAT(watcher.seen, ::testing::EndsWith("\n\n"));
}

TEST(EventFeed, AnswersHeadWithoutAStream) {
  ApiSite site{ApiSite::Time::kSimulated};
  const auto reply = site.send("HEAD", "/events");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "text/event-stream");
  EXPECT_EQ(site.service.statuses, 0U);
}

}  // namespace
}  // namespace ferry::admin
