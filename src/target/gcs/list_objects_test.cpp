#include <gtest/gtest.h>

#include "target/gcs/room_test.hpp"

namespace ferry::gcs {
namespace {

using ferry::testing::FakeReply;
using ferry::testing::FakeRequest;

std::string page_of(const std::vector<std::string>& names, const std::string& token) {
  boost::json::array items;
  for (const auto& name : names)
    items.push_back(boost::json::object{{"name", name}, {"generation", "1"}, {"size", "0"}});
  boost::json::object page{{"items", std::move(items)}};
  if (!token.empty()) page["nextPageToken"] = token;
  return boost::json::serialize(page);
}

/// Lists until the end or an error; the error's kind, or nothing.
std::optional<ErrorKind> list_all(Room* room, const std::string& prefix = {}) {
  std::optional<std::string> token;
  do {
    auto page = room->run(room->target->list(prefix, token));
    if (!page) return page.error().kind;
    token = page->next;
  } while (token);
  return std::nullopt;
}

TEST(GcsListing, AsksOnlyForWhatIsNeeded) {
  Room room;
  ASSERT_EQ(list_all(&room, "a b/&c=d"), std::nullopt);
  const auto& request = room.http.requests()[0];
  EXPECT_EQ(request.path(), "/storage/v1/b/bucket/o");
  EXPECT_EQ(request.query("prefix"), "a b/&c=d");
  EXPECT_EQ(request.query("maxResults"), "10");
  EXPECT_EQ(request.query("fields"), "items(name,size,generation,md5Hash,crc32c,metadata),nextPageToken");
}

TEST(GcsListing, PagesWithoutItemsAreNotTheEnd) {
  Room room;
  room.http.push(FakeReply{200, {}, page_of({"a"}, "t1")});
  room.http.push(FakeReply{200, {}, R"({"nextPageToken":"t2"})"});
  room.http.push(FakeReply{200, {}, page_of({"b"}, "")});
  EXPECT_EQ(list_all(&room), std::nullopt);
  EXPECT_EQ(room.http.requests().size(), 3);
  EXPECT_EQ(room.http.requests()[2].query("pageToken"), "t2");
}

TEST(GcsListing, DisorderAndLoopsAreABrokenListing_F067) {
  const std::vector<std::vector<std::string>> listings{
      {page_of({"b", "a"}, "")},                                           // backwards
      {page_of({"a", "a"}, "")},                                           // twice
      {page_of({"a", "b"}, "t1"), page_of({"b", "c"}, "")},                // a page that overlaps
      {page_of({"a"}, "t1"), page_of({"b"}, "t1")},                        // the same token again
      {page_of({"a"}, "t1"), page_of({"b"}, "t2"), page_of({"a"}, "t1")},  // round and round
      {R"({"items":7})"},
      {R"({"items":[7]})"},
      {R"({"items":[{}]})"},
      {"not JSON"},
      {std::string{}}};
  for (const auto& pages : listings) {
    Room room;
    for (const auto& page : pages) room.http.push(FakeReply{200, {}, page});
    EXPECT_EQ(list_all(&room), ErrorKind::kCorrupt) << pages.back();
    EXPECT_EQ(room.http.unanswered(), 0);
  }
  Room outside;
  outside.http.push(FakeReply{200, {}, page_of({"other"}, "")});
  EXPECT_EQ(list_all(&outside, "prefix/"), ErrorKind::kCorrupt);
}

TEST(GcsListing, EndlessEmptyPagesEnd_F067) {
  Room room;
  int pages = 0;
  room.fault = [&](const FakeRequest&) {
    return FakeReply{200, {}, "{\"nextPageToken\":\"t" + std::to_string(++pages % 2) + "\"}"};
  };
  EXPECT_EQ(list_all(&room), ErrorKind::kCorrupt);
  EXPECT_LE(pages, 10'001);
}

TEST(GcsListing, RepeatsWhatFailedForNow_F047) {
  Room room;
  room.bucket.put("a", "x");
  room.fail_when(any_request, FakeReply::reset(), 3);
  EXPECT_EQ(list_all(&room), std::nullopt);
  EXPECT_EQ(room.http.requests().size(), 4);
}

TEST(GcsListing, RefusesATokenThatIsNotOurs) {
  Room room;
  for (const auto* token : {"", "x", "1:2", "0:99:short", ":1:a"}) {
    EXPECT_EQ(room.run(room.target->list("", token)).error().kind, ErrorKind::kInvalid) << token;
  }
}

}  // namespace
}  // namespace ferry::gcs
