#include "verify/verifier.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "kit/async/task_group.hpp"
#include "testing/world.hpp"

namespace ferry {
namespace {

using testing::run;
using testing::World;

struct Findings final : FindingSink {
  void found(const Finding& finding) override {
    all.push_back(finding);
    const bool extra = finding.judgement.verdict == Verdict::kExtra;
    by_key[(extra ? finding.target_key : finding.key).str()] = finding.judgement;
  }
  std::vector<Finding> all;
  std::map<std::string, Judgement> by_key;
};

/// A world after one copy, and what a verifier finds in it.
struct Checked {
  explicit Checked(Job job = {BucketName{"src"}, "", BucketName{"dst"}, ""}) : world(std::move(job)) {}

  Status verify(VerifyOptions options = {}) {
    const auto source = memory_source(world.source);
    const auto target = memory::make_target(world.target, world.target_options);
    Verifier verifier{world.job, std::move(options), source.get(), target.get(), &tally, &findings};
    auto outcome = run(world.context, verifier.run(), &world.clock);
    requests = source->requests() + target->requests();
    return outcome;
  }
  Status verify_deep() {
    VerifyOptions options;
    options.deep = true;
    options.reads = 3;
    return verify(std::move(options));
  }
  Verdict verdict(const std::string& key) const {
    const auto found = findings.by_key.find(key);
    EXPECT_NE(found, findings.by_key.end()) << key;
    return found == findings.by_key.end() ? Verdict::kOk : found->second.verdict;
  }
  /// Those whose bytes were compared.
  std::set<std::string> read_keys() const {
    std::set<std::string> keys;
    for (const auto& [key, judgement] : findings.by_key) {
      if (judgement.evidence == Evidence::kBytes) keys.insert(key);
    }
    return keys;
  }
  std::uint64_t count(Verdict verdict) const { return tally.verdicts[static_cast<std::size_t>(verdict)]; }

  World world;
  VerifyTally tally;
  Findings findings;
  std::uint64_t requests = 0;
};

TEST(Verifier, ATargetsCopyOfWhatTheFilterLeavesOutIsNotExtra) {
  Checked checked;
  checked.world.source->put("large", std::string(100, 'x'));
  checked.world.source->put("small", "x");
  ASSERT_TRUE(checked.world.copy());
  VerifyOptions options;
  options.filter.size_min = 50;
  ASSERT_TRUE(checked.verify(std::move(options)));
  EXPECT_EQ(checked.tally.listed, 1u);
  EXPECT_EQ(checked.tally.filtered, 1u);
  EXPECT_EQ(checked.count(Verdict::kOk), 1u);
  EXPECT_EQ(checked.count(Verdict::kExtra), 0u);
}

TEST(Verifier, FindsEverythingEqualAfterACopyWithoutMovingBytes) {
  Checked checked{Job{BucketName{"src"}, "in/", BucketName{"dst"}, "out/"}};
  for (int i = 0; i < 2'500; ++i) checked.world.source->put("in/" + std::to_string(i), "body");
  checked.world.source->put("outside", "x");
  ASSERT_TRUE(checked.world.copy());
  const auto opened = checked.world.source->counts().opens;
  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.count(Verdict::kOk), 2'500u);
  EXPECT_EQ(checked.tally.settled, 2'500u);
  EXPECT_EQ(checked.tally.target_listed, 2'500u);
  EXPECT_EQ(checked.world.source->counts().opens, opened);
  EXPECT_EQ(checked.requests, 6u) << "three pages per side";
}

TEST(Verifier, FindsEveryKindOfDifferenceInOnePass) {
  Checked checked;
  auto& world = checked.world;
  for (const auto* key : {"deleted", "equal", "rewritten", "tampered", "vanished"}) world.source->put(key, "body");
  ASSERT_TRUE(world.copy());
  world.wait(std::chrono::seconds{5});
  world.source->remove("deleted");
  world.source->put("rewritten", "b0dy");
  world.target->put(ObjectKey{"tampered"}, "ydob");
  world.target->erase(ObjectKey{"vanished"});
  world.target->put(ObjectKey{"zzz"}, "somebody else's");

  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.verdict("deleted"), Verdict::kExtra);
  EXPECT_EQ(checked.verdict("equal"), Verdict::kOk);
  EXPECT_EQ(checked.verdict("rewritten"), Verdict::kStale);
  EXPECT_EQ(checked.verdict("tampered"), Verdict::kDifferent) << "one request settles it";
  EXPECT_EQ(checked.verdict("vanished"), Verdict::kMissing);
  EXPECT_EQ(checked.verdict("zzz"), Verdict::kExtra);
  EXPECT_EQ(checked.findings.all.size(), 6u);
}

TEST(Verifier, MatchesNamesAcrossPageBordersOfDifferentLength) {
  Checked checked;
  auto& world = checked.world;
  world.source = std::make_shared<MemoryBucket>(&world.clock, 3);
  world.target_options.page_size = 2;
  for (int i = 10; i < 41; ++i) world.source->put("key-" + std::to_string(i), "body");
  ASSERT_TRUE(world.copy());
  world.target->put(ObjectKey{"key-25b"}, "extra");
  world.target->erase(ObjectKey{"key-30"});
  world.target->erase(ObjectKey{"key-40"});
  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.count(Verdict::kOk), 29u);
  EXPECT_EQ(checked.count(Verdict::kMissing), 2u);
  EXPECT_EQ(checked.count(Verdict::kExtra), 1u);
}

TEST(Verifier, AnEmptySourceLeavesOnlyExtras_F022) {
  Checked checked;
  checked.world.target->put(ObjectKey{"a"}, "x");
  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.count(Verdict::kExtra), 1u);
  EXPECT_EQ(checked.tally.listed, 0u);
}

TEST(Verifier, AFilterHidesBothSides) {
  Checked checked{Job{BucketName{"src"}, "in/", BucketName{"dst"}, "out/"}};
  checked.world.source->put("in/a.jpg", "x");
  checked.world.source->put("in/b.tmp", "x");
  ASSERT_TRUE(checked.world.copy());
  checked.world.target->erase(ObjectKey{"out/b.tmp"});
  checked.world.target->put(ObjectKey{"out/c.tmp"}, "x");
  VerifyOptions options;
  options.filter.exclude = {"*.tmp"};
  ASSERT_TRUE(checked.verify(std::move(options)));
  EXPECT_EQ(checked.count(Verdict::kOk), 1u);
  EXPECT_EQ(checked.findings.all.size(), 1u);
  EXPECT_EQ(checked.tally.filtered, 1u);
}

Job naming(NamePolicy policy) { return {BucketName{"src"}, "in/", BucketName{"dst"}, "", {policy, false}}; }

TEST(Verifier, FindsEscapedNamesOnBothSides_F036) {
  Checked checked{naming(NamePolicy::kEscape)};
  auto& world = checked.world;
  for (const auto* key : {"in/..", "in/a", "in/a\nb", "in/a\nb2", "in/gone\n", "in/lost\n", "in/z"}) {
    world.source->put(key, "body");
  }
  ASSERT_TRUE(world.copy());
  world.source->remove("in/gone\n");
  world.target->erase(ObjectKey{"lost~x0A"});
  world.target->put(ObjectKey{"never~x0Athere"}, "a stranger's");
  const auto opened = world.source->counts().opens + world.source->counts().stats;
  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.count(Verdict::kOk), 5u);
  EXPECT_EQ(checked.verdict("in/lost\n"), Verdict::kMissing);
  EXPECT_EQ(checked.verdict("gone~x0A"), Verdict::kExtra);
  EXPECT_EQ(checked.verdict("never~x0Athere"), Verdict::kExtra);
  EXPECT_EQ(checked.findings.all.size(), 8u);
  EXPECT_EQ(checked.tally.target_listed, 7u);
  EXPECT_EQ(world.source->counts().opens + world.source->counts().stats, opened) << "listings are enough";
}

TEST(Verifier, AnUnholdableNameIsMissingUnlessTheJobSkipsIt_F036) {
  for (const auto policy : {NamePolicy::kFail, NamePolicy::kSkip}) {
    Checked checked{naming(policy)};
    checked.world.source->put("in/a\nb", "body");
    checked.world.source->put("in/c", "body");
    ASSERT_TRUE(checked.world.copy());
    ASSERT_TRUE(checked.verify());
    const bool skips = policy == NamePolicy::kSkip;
    EXPECT_EQ(checked.count(Verdict::kMissing), skips ? 0u : 1u);
    EXPECT_EQ(checked.tally.skipped, skips ? 1u : 0u);
    EXPECT_EQ(checked.count(Verdict::kOk), 1u);
    EXPECT_EQ(checked.tally.settled, 2u);
    if (!skips) {
      EXPECT_NE(checked.findings.by_key["in/a\nb"].what.find("--names"), std::string::npos);
    }
  }
}

TEST(Verifier, DeepReadsEverythingAgainAndComparesCrc32c) {
  Checked checked;
  auto& world = checked.world;
  for (int i = 0; i < 20; ++i) world.source->put("key/" + std::to_string(i), std::string(100'000 + i, 'x'));
  ASSERT_TRUE(world.copy());
  ASSERT_TRUE(checked.verify_deep());
  EXPECT_EQ(checked.count(Verdict::kOk), 20u);
  EXPECT_EQ(checked.tally.evidences[static_cast<std::size_t>(Evidence::kBytes)], 20u);
  EXPECT_EQ(checked.tally.read_bytes, checked.tally.listed_bytes);
}

TEST(Verifier, ASampleOfAFixedSizeIsReadAndTheListingsDecideTheRest) {
  Checked checked;
  for (int i = 0; i < 200; ++i) checked.world.source->put("key/" + std::to_string(i), "body");
  ASSERT_TRUE(checked.world.copy());
  VerifyOptions options;
  options.deep = true;
  options.sample = {.objects = 20, .seed = 7};
  ASSERT_TRUE(checked.verify(options));
  EXPECT_EQ(checked.tally.read, 20u);
  EXPECT_EQ(checked.tally.settled, 200u);
  EXPECT_EQ(checked.count(Verdict::kOk), 200u);
  EXPECT_EQ(checked.read_keys().size(), 20u);
}

TEST(Verifier, TheSameSeedReadsTheSameObjectsAgain) {
  Checked first, again, other;
  for (auto* checked : {&first, &again, &other}) {
    for (int i = 0; i < 200; ++i) checked->world.source->put("key/" + std::to_string(i), "body");
    ASSERT_TRUE(checked->world.copy());
    VerifyOptions options;
    options.deep = true;
    options.sample = {.share = 0.1, .seed = checked == &other ? 8U : 7U};
    ASSERT_TRUE(checked->verify(options));
  }
  EXPECT_NEAR(static_cast<double>(first.tally.read), 20, 15);
  EXPECT_EQ(first.read_keys(), again.read_keys());
  EXPECT_NE(first.read_keys(), other.read_keys());
}

TEST(Verifier, FindsMetadataThatDiffersWithOneHeadForEachObject) {
  Checked checked;
  auto& world = checked.world;
  PutOptions page;
  page.content.type = "text/html";
  page.user = {{"colour", "green"}};
  for (const auto* key : {"a", "b", "c"}) world.source->put(key, "body", page);
  ASSERT_TRUE(world.copy());
  auto stored = world.target->object(ObjectKey{"b"});
  std::erase_if(stored->metadata, [](const auto& entry) { return entry.first == "colour"; });
  world.target->put(ObjectKey{"b"}, *stored->bytes, stored->metadata, stored->content);
  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.verdict("b"), Verdict::kOk) << "no listing of the source tells of headers";
  VerifyOptions options;
  options.metadata = true;
  const auto asked = world.source->counts().stats;
  ASSERT_TRUE(checked.verify(options));
  EXPECT_EQ(world.source->counts().stats - asked, 3u);
  EXPECT_EQ(checked.verdict("a"), Verdict::kOk);
  EXPECT_EQ(checked.verdict("b"), Verdict::kMetadata);
  EXPECT_NE(checked.findings.by_key.at("b").what.find("colour"), std::string::npos);
  options.deep = true;
  ASSERT_TRUE(checked.verify(options));
  EXPECT_EQ(world.source->counts().stats - asked, 3u) << "what is read tells its headers by itself";
  EXPECT_EQ(checked.verdict("b"), Verdict::kMetadata);
}

TEST(Verifier, AsksOnceForAStrangersObjectOfTheSameSize) {
  Checked checked;
  auto& world = checked.world;
  for (const auto* key : {"kept", "other", "unknown"}) {
    PutOptions in_parts;
    in_parts.part_size = 4;
    if (std::string_view{key} != "unknown") {
      in_parts.checksums.push_back({HashKind::kCrc32c, big_endian(crc32c(0, std::string_view{"hello, world"}))});
    }
    world.source->put(key, "hello, world", in_parts);
    world.target->put(ObjectKey{key}, std::string_view{key} == "other" ? "hello, w0rld" : "hello, world");
  }
  world.source->put("plain", "hello");
  world.target->put(ObjectKey{"plain"}, "hello");
  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.verdict("kept"), Verdict::kOk);
  EXPECT_EQ(checked.findings.by_key.at("kept").evidence, Evidence::kCrc32c);
  EXPECT_EQ(checked.verdict("other"), Verdict::kDifferent);
  EXPECT_EQ(checked.verdict("unknown"), Verdict::kUnverified);
  EXPECT_EQ(checked.findings.by_key.at("plain").evidence, Evidence::kMd5);
  EXPECT_EQ(checked.tally.asked, 3u);
}

TEST(Verifier, SaysWhichCheckHeldWhenItWasCopied) {
  Checked checked;
  PutOptions encrypted;
  encrypted.encryption = Encryption::kKms;
  encrypted.etag = ETag{"\"0561a0fc7fa0356324d20074221dd473-1\""};
  checked.world.source->put("kms", "body", encrypted);
  ASSERT_TRUE(checked.world.copy());
  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.findings.by_key.at("kms").recorded, Rung::kTransport);
  EXPECT_EQ(checked.tally.recorded[static_cast<std::size_t>(Rung::kTransport)], 1u);
}

TEST(Verifier, DeepFindsBytesThatNoListingShows) {
  Checked checked;
  auto& world = checked.world;
  PutOptions in_parts;
  in_parts.part_size = 4;
  world.source->put("multipart", "hello, world", in_parts);
  ASSERT_TRUE(world.copy());
  // The same name, size and metadata, other bytes: only reading can tell.
  const auto stored = world.target->object(ObjectKey{"multipart"});
  world.target->put(ObjectKey{"multipart"}, "hello, w0rld", stored->metadata);
  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.verdict("multipart"), Verdict::kOk);
  ASSERT_TRUE(checked.verify_deep());
  EXPECT_EQ(checked.verdict("multipart"), Verdict::kDifferent);
}

TEST(Verifier, DeepVouchesForAStrangersObjectByItsBytes) {
  Checked checked;
  PutOptions in_parts;
  in_parts.part_size = 4;
  checked.world.source->put("a", "hello, world", in_parts);
  checked.world.target->put(ObjectKey{"a"}, "hello, world");
  ASSERT_TRUE(checked.verify());
  EXPECT_EQ(checked.verdict("a"), Verdict::kUnverified);
  ASSERT_TRUE(checked.verify_deep());
  EXPECT_EQ(checked.verdict("a"), Verdict::kOk);
}

TEST(Verifier, WhatCantBeReadIsUnverifiedAndTheOthersGoOn_F030) {
  Checked checked;
  auto& world = checked.world;
  for (const auto* key : {"a", "locked", "z"}) world.source->put(key, "body");
  ASSERT_TRUE(world.copy());
  world.source->deny("locked");
  ASSERT_TRUE(checked.verify_deep());
  EXPECT_EQ(checked.verdict("a"), Verdict::kOk);
  EXPECT_EQ(checked.verdict("locked"), Verdict::kUnverified);
  EXPECT_EQ(checked.verdict("z"), Verdict::kOk);
}

TEST(Verifier, AFlippedByteOnTheWayIsADifference_F013) {
  Checked checked;
  checked.world.source->put("a", "hello");
  ASSERT_TRUE(checked.world.copy());
  checked.world.source->flip("a", 2);
  ASSERT_TRUE(checked.verify_deep());
  EXPECT_EQ(checked.verdict("a"), Verdict::kDifferent);
}

TEST(Verifier, ABrokenListingIsNoVerdict_F024) {
  Checked checked;
  for (int i = 0; i < 10; ++i) checked.world.source->put("key-" + std::to_string(i), "body");
  ASSERT_TRUE(checked.world.copy());
  checked.world.target->fail_next(memory::TargetOp::kList, Error{ErrorKind::kUnavailable, "503"});
  const auto outcome = checked.verify();
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().what.find("list target"), std::string::npos) << outcome.error().what;
  EXPECT_EQ(checked.count(Verdict::kMissing), 0u) << "nothing is concluded from a listing that broke off";
  EXPECT_FALSE(checked.tally.listing_done);
}

}  // namespace
}  // namespace ferry
