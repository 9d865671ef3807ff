// The six routes of the cache, over a socket.

#include <set>

#include "admin/fake_operator_test.hpp"
#include "kit/base/text.hpp"

namespace ferry::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::string> kAwkward{"a b",         "*",    "a?[b",  "100%",
                                        "line\nbreak", "a//b", "//",    "ü\xf0\x9f\x9a\xa2",
                                        "\x01\"\\",    "+",    "a&b=c", std::string(1'024, 'k')};

std::vector<std::string> names_in(const Reply& reply) {
  std::vector<std::string> names;
  const auto value = reply.json();
  for (const auto& member : value.as_object()) names.emplace_back(member.key());
  return names;
}

TEST(CacheRoutes, AnswerWithEntriesByName) {
  ApiSite site;
  site.service.put("a/1")->published->version.version_id = VersionId{"v7"};
  const auto reply = site.get("/cache");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_EQ(reply.body,
            R"({"published:a/1":{"key":"a/1","etag":"\"e\"","last_modified":"2023-11-14T22:13:20Z","version_id":"v7",)"
            R"("when":"2023-11-14T22:15:00Z"},"consumed:a/1":{"key":"a/1","etag":"\"e\"","last_modified":)"
            R"("2023-11-14T22:13:20Z","generation":17,"check":"parts","size":5,"when":"2023-11-14T22:15:00Z"}})");
}

TEST(CacheRoutes, FilterByType) {
  ApiSite site;
  site.service.put("both");
  site.service.put("new", true, false);
  EXPECT_THAT(names_in(site.get("/cache/type?value=published")), ElementsAre("published:both", "published:new"));
  EXPECT_THAT(names_in(site.get("/cache/type?value=consumed")), ElementsAre("consumed:both"));
  EXPECT_EQ(site.send("DELETE", "/cache/type?value=consumed").body, R"({"deleted":2})");
  EXPECT_EQ(site.send("DELETE", "/cache").body, R"({"deleted":4})");
  EXPECT_THAT(site.service.asked, ElementsAre("forget all consumed", "forget all published", "forget all consumed"));
}

TEST(CacheRoutes, StreamEveryKeyAsItIs) {
  ApiSite site;
  site.service.records_per_page = 1;
  for (const auto& key : kAwkward) site.service.put(key, true, false);
  const auto reply = site.get("/cache");
  EXPECT_EQ(reply.header("transfer-encoding"), "chunked");
  std::set<std::string> names;
  for (const auto& name : names_in(reply)) names.insert(name);
  for (const auto& key : kAwkward) EXPECT_TRUE(names.contains("published:" + key)) << key;
  EXPECT_EQ(names.size(), kAwkward.size());
}

TEST(CacheRoutes, WriteKeysThatAreNoUtf8SoThatNothingIsLost) {
  ApiSite site;
  site.service.put("a\xff\x80 %", false, true);
  site.service.put("a%FF", false, true);
  const auto reply = site.get("/cache");
  EXPECT_TRUE(is_utf8(reply.body));
  EXPECT_THAT(names_in(reply), ElementsAre("consumed:a%FF", "consumed%:a%FF%80%20%25"));
  EXPECT_EQ(reply.json().at("consumed%:a%FF%80%20%25").at("key_percent_encoded").as_string(), "a%FF%80%20%25");
  EXPECT_EQ(names_in(site.get("/cache/name?value=consumed:a%FF%80%20%25")).size(), 1U) << "as it stands there";
}

TEST(CacheRoutes, MatchOneKeyExactly_F159) {
  ApiSite site;
  for (const auto& key : kAwkward) site.service.put(key);
  for (const auto& key : kAwkward) {
    const auto name = "published:" + key;
    EXPECT_THAT(names_in(site.get("/cache/name?value=" + percent_encode(name))), ElementsAre(name));
  }
  site.service.asked.clear();
  site.send("DELETE", "/cache/name?value=consumed:*");
  site.send("DELETE", "/cache/name?value=published:a%3F[b");
  site.send("DELETE", "/cache/name?value=published:nul%00");
  EXPECT_THAT(site.service.asked,
              ElementsAre("forget consumed *", "forget published a?[b", std::string("forget published nul\0", 21)));
  EXPECT_EQ(site.get("/cache/name?value=consumed:k*").status, 404);
  EXPECT_EQ(site.send("DELETE", "/cache/name?value=consumed:k*").body, R"({"deleted":0})");
  for (const auto* value : {"", "?value=", "?value=published:", "?value=*:a", "?name=published:a"}) {
    EXPECT_EQ(site.get(std::string("/cache/name") + value).status, 400) << value;
    EXPECT_EQ(site.send("DELETE", std::string("/cache/name") + value).status, 400) << value;
  }
  EXPECT_EQ(site.get("/cache/name?value=published:" + std::string(10'240, 'k')).status, 400);
}

TEST(CacheRoutes, RefuseTypesThatAreNone_F160) {
  ApiSite site;
  for (const auto* query : {"", "?value=*", "?value=all", "?value=Published", "?value=published&value=published",
                            "?type=published", "?value=published&value=consumed"}) {
    EXPECT_EQ(site.get(std::string("/cache/type") + query).status, 400) << query;
    const auto reply = site.send("DELETE", std::string("/cache/type") + query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(reply.json().at("statusCode").as_int64(), 400);
  }
  EXPECT_EQ(site.send("DELETE", "/cache?value=published").status, 400) << "this would delete more than was meant";
  EXPECT_THAT(site.service.asked, IsEmpty());
}

TEST(CacheRoutes, PageByLimitAndCursor_F162) {
  ApiSite site;
  for (int i = 0; i < 25; ++i) site.service.put("key " + std::to_string(i), true, false);
  std::set<std::string> names;
  std::string cursor;
  int pages = 0;
  do {
    const auto reply = site.get("/cache?limit=10" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const auto& name : names_in(reply)) names.insert(name);
    cursor = reply.header("x-next-cursor");
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(names.size(), 25U);
  EXPECT_EQ(site.get("/cache?cursor=6b").status, 400) << "of another store";
  EXPECT_EQ(site.get("/cache?limit=10001").status, 400);
  EXPECT_EQ(site.get("/cache?limit=0").status, 400);
  EXPECT_EQ(site.get("/cache?limit=5").header("transfer-encoding"), "") << "a page has a length";
}

TEST(CacheRoutes, StreamAnyNumberOfEntriesPageByPage_F162) {
  ApiSite site;
  site.service.synthetic = 20'000;
  const auto reply = site.get("/cache/type?value=consumed");
  EXPECT_EQ(site.service.records_most, 1'000U) << "no more than a page is ever held";
  EXPECT_EQ(std::ranges::count(reply.body, '\n'), 0);
  EXPECT_EQ(reply.body.front(), '{');
  EXPECT_THAT(reply.body, ::testing::EndsWith("}}"));
  std::size_t entries = 0;
  for (auto at = reply.body.find("\"consumed:"); at != std::string::npos; at = reply.body.find("\"consumed:", at + 1))
    ++entries;
  EXPECT_EQ(entries, 20'000U);
}

TEST(CacheRoutes, BreakOffInsteadOfTakingHalfForAll) {
  ApiSite site;
  site.service.synthetic = 5'000;
  site.service.pages_until_broken = 2;
  const auto reply = site.get("/cache");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "<broken off>");
  EXPECT_EQ(site.get("/cache").status, 200) << "the next one is well";
}

TEST(CacheRoutes, AreEmptyObjectsWhenNothingIsThere) {
  ApiSite site;
  EXPECT_EQ(site.get("/cache").body, "{}");
  EXPECT_EQ(site.get("/cache?limit=1").body, "{}");
  const auto head = site.send("HEAD", "/cache");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
}

TEST(CacheRoutes, SayWhenTheStoreIsAway) {
  ApiSite site;
  site.service.broken = Error{ErrorKind::kUnavailable, "redis 127.0.0.1:6379: refused", Milliseconds{7'200}};
  for (const auto* target :
       {"/cache", "/cache?limit=5", "/cache/type?value=consumed", "/cache/name?value=consumed:a"}) {
    const auto reply = site.get(target);
    EXPECT_EQ(reply.status, 503) << target;
    EXPECT_EQ(reply.header("retry-after"), "8");
    EXPECT_EQ(reply.body, R"({"statusCode":503,"msg":"redis 127.0.0.1:6379: refused"})");
  }
  EXPECT_EQ(site.send("DELETE", "/cache").status, 503);
  site.service.broken = Error{ErrorKind::kInvalid, "the store is damaged"};
  EXPECT_EQ(site.get("/cache").status, 500);
}

}  // namespace
}  // namespace ferry::admin
