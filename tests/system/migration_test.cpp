// Whole migrations from the first listing to the last proof, as a person runs them.

#include <algorithm>
#include <set>

#include "kit/base/hash.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

class Migration : public SystemTest {
 protected:
  /// What `make demo` does it on: a few hundred objects of awkward names and sizes, some multipart, with metadata.
  void fill_with_the_demo() {
    const auto account = sandbox_->account();
    const Command fill{FERRY_SANDBOX_PROGRAM,
                       {"fill", "--endpoint", account.endpoint, "--access-key", account.access_key, "--secret-key",
                        account.secret_key, "--bucket", kSource},
                       {}};
    const auto ended = run(fill, folder(), "fill", Duration{120});
    ASSERT_EQ(ended.code, 0) << ended.err;
  }

  [[nodiscard]] std::vector<std::string> source_keys() {
    std::set<std::string> keys;
    for (const auto& event : sandbox_->events()) {
      if (event.is_commit("s3") && event.text("bucket") == kSource) keys.insert(event.key());
    }
    return {keys.begin(), keys.end()};
  }

  [[nodiscard]] std::string text_at(const std::string& key, std::string_view name) {
    const auto object = target_->describe(key);
    if (!object) return "(no object)";
    const auto* value = object->if_contains(name);
    return value ? boost::json::value_to<std::string>(*value) : "(absent)";
  }

  [[nodiscard]] std::string metadata_at(const std::string& key, std::string_view name) {
    const auto object = target_->describe(key);
    const auto* metadata = object ? object->if_contains("metadata") : nullptr;
    const auto* value = metadata ? metadata->as_object().if_contains(name) : nullptr;
    return value ? boost::json::value_to<std::string>(*value) : "(absent)";
  }
};

TEST_F(Migration, OfTheDemoArrivesWholeAndARescanMovesOnlyWhatChanged) {
  start();
  fill_with_the_demo();
  const auto keys = source_keys();
  ASSERT_GT(keys.size(), 200);

  const auto first = copy();
  ASSERT_EQ(first.code(), 0) << first.describe();
  EXPECT_EQ(first.number("listed"), keys.size());
  EXPECT_EQ(first.number("copied"), keys.size());
  expect_same(keys);

  const auto second = copy();
  EXPECT_EQ(second.code(), 0) << second.describe();
  EXPECT_EQ(second.number("copied"), 0);
  EXPECT_EQ(second.number("unchanged"), keys.size());

  for (const auto* options : {"", "--deep"}) {
    const auto verified = verify(*options ? std::vector<std::string>{options} : std::vector<std::string>{});
    EXPECT_EQ(verified.code(), 0) << verified.describe();
  }

  source_->put(keys[3], "changed");
  source_->put(keys[5], noise(kMiB, 5));
  source_->put("new object", "new");
  EXPECT_EQ(verify().code(), 1) << "two objects differ, one is missing";
  const auto third = copy();
  EXPECT_EQ(third.code(), 0) << third.describe();
  EXPECT_EQ(third.number("copied"), 3);
  EXPECT_EQ(third.number("unchanged"), keys.size() - 2);
  EXPECT_EQ(verify().code(), 0);
}

TEST_F(Migration, KeepsEveryNameByteForByte_F021_F037_F038_F039_F040) {
  start();
  std::vector<std::string> keys{"..a",
                                ".hidden",
                                "./a",
                                "/leading",
                                "//twice",
                                "a b",
                                "a%2Fb",
                                "a%",
                                "a&b=c",
                                "a+b",
                                "a//b",
                                "a/../b",
                                "a?b#c",
                                "a;b:c@d",
                                "dir/",
                                "dir//",
                                "quote\"'<",
                                "tab\tkey",
                                "[*]?",
                                "back\\lash",
                                "\x01\x1f",
                                "~",
                                "\xc3\xbc",
                                "u\xcc\x88",
                                "case",
                                "CASE",
                                "\xf0\x9f\x9a\xa2",
                                "\xe2\x80\x8frtl",
                                "{}|^`",
                                "$(id)",
                                "%s%n%x"};
  std::string umlauts;
  while (umlauts.size() < 1024) umlauts += "\xc3\xbc";
  keys.push_back(umlauts);
  keys.push_back(std::string(1024, 'k'));
  for (const auto& key : keys) source_->put(key, "of " + key);
  source_->put("marker with bytes/", "bytes");
  keys.push_back("marker with bytes/");

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), keys.size());
  expect_same(keys);
  EXPECT_EQ(verify().code(), 0);
}

TEST_F(Migration, ReportsNamesThatTheTargetCantHold_F036) {
  start();
  const std::vector<std::string> bad{".", "..", "line\nfeed", "carriage\rreturn", ".well-known/acme-challenge/token"};
  for (const auto& key : bad) source_->put(key, "x");
  source_->put("good", "x");

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 1) << outcome.describe();
  EXPECT_EQ(outcome.number("failed"), bad.size());
  std::set<std::string> reasons, keys;
  for (const auto& failure : reported("failed")) {
    reasons.insert(boost::json::value_to<std::string>(failure.at("reason")));
    keys.insert(boost::json::value_to<std::string>(failure.at("key")));
  }
  EXPECT_EQ(reasons, std::set<std::string>{"name"});
  EXPECT_EQ(keys, std::set<std::string>(bad.begin(), bad.end()));
  EXPECT_EQ(target_->list().size(), 1);
}

TEST_F(Migration, CarriesHeadersAndMetadata_F019_F045) {
  start();
  const std::string packed = noise(50'000, 1);  // says that it is gzip; nobody may try
  source_->put("page", packed,
               {{"Content-Type", "text/html; charset=utf-8"},
                {"Content-Encoding", "gzip"},
                {"Content-Disposition", "attachment; filename=\"a b.html\""},
                {"Content-Language", "de, en"},
                {"Cache-Control", "max-age=60, no-transform"},
                {"x-amz-meta-colour", "green"},
                {"x-amz-meta-city", "=?UTF-8?B?S8O2bG4=?="},
                {"x-amz-meta-ferry-etag", "forged"}});
  source_->put("bare", "x");

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_TRUE(target_->get("page") == packed);
  EXPECT_EQ(text_at("page", "contentType"), "text/html; charset=utf-8");
  EXPECT_EQ(text_at("page", "contentEncoding"), "gzip");
  EXPECT_EQ(text_at("page", "contentDisposition"), "attachment; filename=\"a b.html\"");
  EXPECT_EQ(text_at("page", "contentLanguage"), "de, en");
  EXPECT_EQ(text_at("page", "cacheControl"), "max-age=60, no-transform");
  EXPECT_EQ(metadata_at("page", "colour"), "green");
  EXPECT_EQ(metadata_at("page", "city"), "K\xc3\xb6ln");
  EXPECT_NE(metadata_at("page", "ferry-etag"), "forged");
  EXPECT_EQ(copy().number("unchanged"), 2);
}

TEST_F(Migration, OfEverySizeAroundTheBoundariesIsExact_F020) {
  start();
  std::vector<std::string> keys;
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, 256 * kKiB - 1, 256 * kKiB, 256 * kKiB + 1, kMiB,
                                   kChunk - 1, kChunk, kChunk + 1, 2 * kChunk, 2 * kChunk + 256 * kKiB + 17}) {
    keys.push_back("size/" + std::to_string(size));
    source_->put(keys.back(), noise(size, size));
  }
  keys.emplace_back("parts/2");
  source_->put_in_parts(keys.back(), {noise(5 * kMiB, 1), noise(100, 2)});
  keys.emplace_back("parts/uneven");
  source_->put_in_parts(keys.back(), {noise(12 * kMiB, 3), noise(5 * kMiB, 4), noise(7 * kMiB + 1, 5), noise(1, 6)});

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  expect_same(keys);
  EXPECT_EQ(outcome.summary.at("rungs").at("transport").to_number<std::uint64_t>(), 0)
      << "everything here has something to compare with";
}

TEST_F(Migration, OfAnEmptyBucketOrPrefixIsWellAndDeletesNothing_F022) {
  start();
  target_->put("stranger", "stays");
  const auto empty = copy();
  EXPECT_EQ(empty.code(), 0) << empty.describe();
  EXPECT_EQ(empty.number("listed"), 0);
  source_->put("a", "x");
  const auto prefix = ferry({"copy", "s3://" + kSource + "/no/such", "gs://" + kTarget, "--json"});
  EXPECT_EQ(prefix.code(), 0) << prefix.describe();
  EXPECT_EQ(prefix.number("listed"), 0);
  EXPECT_EQ(target_->get("stranger"), "stays");
}

TEST_F(Migration, LeavesAStrangersObjectAloneAndSaysSo_F058) {
  start();
  source_->put("taken", "ours");
  target_->put("taken", "theirs", {{"owner", "somebody"}});
  const auto refused = copy();
  EXPECT_EQ(refused.code(), 1) << refused.describe();
  ASSERT_EQ(reported("failed").size(), 1);
  EXPECT_EQ(reported("failed")[0].at("reason"), "foreign");
  EXPECT_EQ(target_->get("taken"), "theirs");

  const auto allowed = copy({"--on-foreign", "overwrite"});
  EXPECT_EQ(allowed.code(), 0) << allowed.describe();
  EXPECT_EQ(target_->get("taken"), "ours");
}

TEST_F(Migration, FindsWhatAnOperatorDeletedAtTheTarget_F057) {
  start();
  for (const auto* key : {"a", "b", "c"}) source_->put(key, key);
  ASSERT_EQ(copy().code(), 0);
  target_->remove("b");
  EXPECT_EQ(verify().code(), 1);
  const auto again = copy();
  EXPECT_EQ(again.code(), 0) << again.describe();
  EXPECT_EQ(again.number("copied"), 1);
  expect_same({"a", "b", "c"});
}

TEST_F(Migration, NeedsNoStateToKnowWhatIsDone) {
  start();
  for (int i = 0; i < 20; ++i) source_->put("k" + std::to_string(i), noise(1000, i));
  ASSERT_EQ(copy().code(), 0);
  std::filesystem::remove(folder() / "state.sqlite");
  const auto again = copy();
  EXPECT_EQ(again.code(), 0) << again.describe();
  EXPECT_EQ(again.number("unchanged"), 20);
  EXPECT_EQ(again.number("copied"), 0);
}

TEST_F(Migration, DryRunWritesNothingAndTellsWhatItWould) {
  start();
  for (const auto* key : {"a", "b"}) source_->put(key, key);
  const auto outcome = copy({"--dry-run"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("planned"), 2);
  EXPECT_EQ(outcome.number("copied"), 0);
  EXPECT_TRUE(target_->list().empty());
  EXPECT_EQ(sandbox_->requests("s3", "GetObject"), 0);
}

TEST_F(Migration, OfAContentThatWentBackAndForthEndsAsTheSourceIs_F004_F008) {
  start();
  for (const auto* content : {"A", "B", "A"}) {
    source_->put("turns", content);
    ASSERT_EQ(copy().code(), 0);
    // A version is a tag and a time in whole seconds: the next one must fall into another second.
    const auto before = std::time(nullptr);
    ASSERT_TRUE(eventually([&] { return std::time(nullptr) > before; }, Duration{3}));
  }
  EXPECT_EQ(target_->get("turns"), "A");
  source_->remove("turns");
  source_->put("turns", "C");
  ASSERT_EQ(copy().code(), 0);
  EXPECT_EQ(target_->get("turns"), "C");
}

TEST_F(Migration, SelectsByGlobAndPutsPrefixesInEachOthersPlace) {
  start();
  for (const auto* key : {"in/a.log", "in/b.txt", "in/deep/c.log", "out/d.log"}) source_->put(key, key);
  rules_.source_prefix = "in/";
  rules_.target_prefix = "moved/here/";
  const auto outcome = ferry({"copy", "s3://" + kSource + "/in", "gs://" + kTarget + "/moved/here", "--json", "--state",
                              (folder() / "other.sqlite").string(), "--include", "*.log", "--exclude", "*deep*"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 1);
  EXPECT_EQ(target_->list().size(), 1);
  EXPECT_EQ(target_->get("moved/here/a.log"), "in/a.log");
}

}  // namespace
}  // namespace ferry::system_test
