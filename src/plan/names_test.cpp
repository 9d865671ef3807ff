#include "plan/names.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

#include "kit/base/text.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

Job job_with(NamePolicy policy, std::string source_prefix = "", std::string target_prefix = "") {
  return {BucketName{"src"}, std::move(source_prefix), BucketName{"dst"}, std::move(target_prefix), {policy, false}};
}

std::string name_of(const Job& job, const std::string& key) {
  const auto name = target_name(job, ObjectKey{key});
  return name ? name->key.str() : "(none)";
}

std::string escaped(const std::string& key) { return name_of(job_with(NamePolicy::kEscape), key); }

TEST(NameRules, RefusesWhatTheTargetCannotHold_F036) {
  for (const std::string name : {"a\nb", "a\rb", ".", "..", ".well-known/acme-challenge/x", "a\xEF\xBF\xBE",
                                 "a\xEF\xBF\xBF"
                                 "b"}) {
    EXPECT_TRUE(name_problem(ObjectKey{name})) << name;
  }
  EXPECT_TRUE(name_problem(ObjectKey{std::string(1025, 'x')}));
  EXPECT_TRUE(name_problem(ObjectKey{""}));
}

TEST(NameRules, RefusesInvalidUtf8_F041) {
  for (const std::string name : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf"}) {
    EXPECT_TRUE(name_problem(ObjectKey{name}));
  }
}

TEST(NameRules, AcceptsEveryAwkwardButLegalName_F037_F038_F039_F040) {
  for (const std::string name :
       {"a//b", "/leading", "trailing/", "a/../b", "a/./b", "...", "+", "%", "%2F", " ", "a b", "&<>\"'?#[]*\\", "\x01",
        "\x7f", "caf\xC3\xA9", "cafe\xCC\x81", "\xF0\x9F\x98\x80", "\xE2\x80\x8F", "x/.well-known/acme-challenge/y"}) {
    EXPECT_FALSE(name_problem(ObjectKey{name})) << name;
    EXPECT_FALSE(name_problem(ObjectKey{name}, true)) << name;
  }
  EXPECT_FALSE(name_problem(ObjectKey{std::string(1024, 'x')}));
}

TEST(NameRules, AHierarchicalNamespaceHoldsFewerNames) {
  const auto problem = [](const std::string& name) { return name_problem(ObjectKey{name}, true).has_value(); };
  std::string deep;
  for (int i = 0; i < 50; ++i) deep += "d/";
  EXPECT_FALSE(problem(deep + "x"));
  EXPECT_TRUE(problem(deep + "d/x"));
  EXPECT_FALSE(problem(std::string(511, 'f') + "/" + std::string(512, 'b')));
  EXPECT_TRUE(problem(std::string(512, 'f') + "/b"));
  EXPECT_TRUE(problem("f/" + std::string(513, 'b')));
  EXPECT_TRUE(problem(std::string(513, 'b')));
  EXPECT_FALSE(name_problem(ObjectKey{deep + "d/" + std::string(513, 'b')})) << "a flat bucket holds it";
}

TEST(TargetName, ReplacesThePrefixAndNothingElse) {
  const auto job = job_with(NamePolicy::kFail, "logs/", "old/logs/");
  for (const std::string rest : {"a.gz", "/a", "../x", "", "logs/a", "a~x0Ab"}) {
    const ObjectKey key{"logs/" + rest};
    const auto name = target_name(job, key);
    ASSERT_TRUE(name) << rest;
    EXPECT_EQ(name->key.str(), "old/logs/" + rest);
    EXPECT_FALSE(name->escaped);
    EXPECT_EQ(source_key(job, name->key), key);
  }
}

TEST(TargetName, AnotherPrefixMayMakeANameLegalOrTooLong) {
  EXPECT_EQ(name_of(job_with(NamePolicy::kFail, "", "in/"), ".."), "in/..");
  EXPECT_EQ(name_of(job_with(NamePolicy::kFail, "in/", ""), "in/.."), "(none)");
  const std::string longest(1024, 'k');
  EXPECT_EQ(name_of(job_with(NamePolicy::kFail), longest), longest);
  EXPECT_EQ(name_of(job_with(NamePolicy::kEscape, "", "in/"), longest), "(none)") << "no escape shortens a name";
}

TEST(TargetName, SaysWhatIsWrongAndWhatToDo_F036) {
  const auto refused = target_name(job_with(NamePolicy::kFail), ObjectKey{"a\nb"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(
      refused.error(),
      "Google Cloud Storage can't hold this name: a carriage return or line feed is not allowed; rename it at the "
      "source, or run with --names escape or skip");
  const auto too_long = target_name(job_with(NamePolicy::kEscape), ObjectKey{std::string(1024, '\n')});
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error(),
            "Google Cloud Storage can't hold this name: the name has 4096 bytes, the limit is 1024; rename it at the "
            "source");
}

TEST(SourceKey, IsNoneForNamesThatNoKeyIsSentTo) {
  const auto job = job_with(NamePolicy::kFail, "logs/", "old/");
  EXPECT_EQ(source_key(job, ObjectKey{"new/a"}), std::nullopt);
  EXPECT_EQ(source_key(job, ObjectKey{"old"}), std::nullopt);
  EXPECT_EQ(source_key(job_with(NamePolicy::kFail, "", "old/"), ObjectKey{"old/"}), std::nullopt) << "no key is empty";
  for (const auto* name : {"a~x41", "~x2E~x2E", "~x2Fa", "~xFFa~x7E"}) {
    EXPECT_EQ(source_key(job_with(NamePolicy::kEscape), ObjectKey{name}), std::nullopt) << name;
  }
}

TEST(Escape, WritesEachByteInTheWayAndNoOther_F036) {
  const std::map<std::string, std::string> expected{
      {"photos/a\nb.jpg", "photos/a~x0Ab.jpg"},
      {"\r\n", "~x0D~x0A"},
      {".", "~x2E"},
      {"..", "~x2E."},
      {".well-known/acme-challenge/x", "~x2Ewell-known/acme-challenge/x"},
      {"a\xEF\xBF\xBE", "a~xEF~xBF~xBE"},
      {"caf\xE9.txt", "caf~xE9.txt"},
      {"caf\xC3\xA9\xC3", "caf\xC3\xA9~xC3"},
      {"\xF0\x9F\x98", "~xF0~x9F~x98"},
      {"...", "..."},
      {"a~b", "a~b"},
      {"file~xyz", "file~xyz"},
      {"a~x0a", "a~x0a"},
  };
  for (const auto& [key, name] : expected) EXPECT_EQ(escaped(key), name);
}

TEST(Escape, AKeyThatLooksEscapedIsEscapedItself_F042) {
  EXPECT_EQ(escaped("a~x0Ab"), "a~x7Ex0Ab");
  EXPECT_EQ(escaped("a~x7Ex0Ab"), "a~x7Ex7Ex0Ab");
  EXPECT_NE(escaped("a~x0Ab"), escaped("a\nb"));
  EXPECT_EQ(escaped("~x0\n"), "~x0~x0A") << "half an escape before a whole one";
}

TEST(Escape, NeverSendsTwoKeysToOneNameAndEveryNameTellsItsKey_F042) {
  // Method: random keys of the pieces that are hard to keep apart, so that thousands differ in one of them only.
  static constexpr std::array<std::string_view, 16> kPieces{
      "~", "x", "0", "A", "~x", "~x0A", "~x7E", "\n", "\r", "\xff", "\xC3", "\xA9", "\xEF\xBF\xBF", ".", "/", "a"};
  for (const auto& prefixes : {std::pair{"", ""}, std::pair{"in/", ""}, std::pair{"", ".well-known/"}}) {
    const auto job = job_with(NamePolicy::kEscape, prefixes.first, prefixes.second);
    testing::SeededRng rng{36};
    std::map<std::string, std::string> key_of;
    for (int round = 0; round < 20'000; ++round) {
      std::string rest;
      for (auto count = 1 + rng.next() % 6; count > 0; --count) rest += kPieces[rng.next() % kPieces.size()];
      const ObjectKey key{prefixes.first + rest};
      const auto name = target_name(job, key);
      ASSERT_TRUE(name) << printable(rest);
      ASSERT_FALSE(name_problem(name->key));
      ASSERT_EQ(source_key(job, name->key), key) << printable(rest);
      const auto [known, fresh] = key_of.emplace(name->key.str(), key.str());
      ASSERT_TRUE(fresh || known->second == key.str()) << printable(known->second) << " and " << printable(key.str());
    }
  }
}

TEST(Escape, ReachesAcrossThePrefixWhereTheWholeNameIsReserved) {
  const auto job = job_with(NamePolicy::kEscape, "", ".well-known/");
  EXPECT_EQ(name_of(job, "acme-challenge/token"), ".well-known/~x61cme-challenge/token");
}

TEST(OriginOf, IsWhatProvenanceSaysUnderEitherName) {
  for (const auto policy : {NamePolicy::kFail, NamePolicy::kEscape}) {
    const auto job = job_with(policy, "in/", "out/");
    TargetObject there;
    there.key = ObjectKey{"out/a~x0Ab"};
    EXPECT_EQ(origin_of(job, there), std::nullopt) << "somebody else's";
    there.provenance = Provenance{"s3://src/in/a\nb", {}, 0, Rung::kMd5};
    EXPECT_EQ(origin_of(job, there), ObjectKey{"in/a\nb"});
    there.provenance->source = "s3://src/in/a~x0Ab";
    EXPECT_EQ(origin_of(job, there), ObjectKey{"in/a~x0Ab"});
    for (const auto* source :
         {"s3://src/in/other", "s3://src/a~x0Ab", "s3://elsewhere/in/a~x0Ab", "s3://src/in/xa~x0Ab"}) {
      there.provenance->source = source;
      EXPECT_EQ(origin_of(job, there), std::nullopt) << source;
    }
  }
}

}  // namespace
}  // namespace ferry
