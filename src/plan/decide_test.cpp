#include "plan/decide.hpp"

#include <gtest/gtest.h>

#include "plan/names.hpp"

namespace ferry {
namespace {

const Job kJob{BucketName{"src"}, "in/", BucketName{"dst"}, "out/"};
constexpr Seconds kMonday{std::chrono::seconds{1'700'000'000}};

SourceEntry entry(std::string key = "in/a", std::uint64_t size = 5) {
  return {ObjectKey{std::move(key)}, {ETag{"\"9e107d9d372bb6826bd81d3542a419d6\""}, kMonday, {}}, size, "STANDARD"};
}

TargetObject copy_of(const SourceEntry& e) {
  TargetObject t;
  t.key = target_name(kJob, e.key).value().key;
  t.generation = {41};
  t.size = e.size;
  t.provenance = Provenance{kJob.source_uri(e.key), e.version, e.size, Rung::kMd5};
  return t;
}

TEST(Decide, CopiesWhatIsMissingExpectingNothingThere) {
  const auto decision = decide(kJob, entry(), nullptr, {});
  const auto* copy = std::get_if<Copy>(&decision);
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->plan.target_generation, Generation{0});
  EXPECT_EQ(copy->plan.etag, entry().version.etag);
  EXPECT_EQ(copy->plan.modified, kMonday);
}

TEST(Decide, LeavesTheSameVersionAlone) {
  const auto there = copy_of(entry());
  EXPECT_TRUE(std::holds_alternative<Unchanged>(decide(kJob, entry(), &there, {})));
}

TEST(Decide, CopiesAgainWhenOnlyTheTimeDiffers_F004_F009) {
  // Content that goes A → B → A, or metadata rewritten in place: the tag is equal, the version is not.
  auto newer = entry();
  newer.version.modified += std::chrono::seconds{1};
  const auto there = copy_of(entry());
  const auto decision = decide(kJob, newer, &there, {});
  const auto* copy = std::get_if<Copy>(&decision);
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->plan.target_generation, Generation{41}) << "written over exactly what the scan saw";
}

TEST(Decide, CopiesAgainWhenOnlyTheTagDiffers_F005) {
  auto other = entry();
  other.version.etag = ETag{"\"0123456789abcdef0123456789abcdef\""};
  const auto there = copy_of(entry());
  EXPECT_TRUE(std::holds_alternative<Copy>(decide(kJob, other, &there, {})));
}

TEST(Decide, DoesNotTrustProvenanceThatContradictsTheObject) {
  auto there = copy_of(entry());
  there.size = 4;  // somebody truncated it and kept the metadata
  EXPECT_TRUE(std::holds_alternative<Copy>(decide(kJob, entry(), &there, {})));
}

TEST(Decide, NeverReplacesAStrangersObjectInSilence_F058) {
  auto there = copy_of(entry());
  there.provenance.reset();
  ++there.size;
  const auto decision = decide(kJob, entry(), &there, {});
  const auto* refused = std::get_if<Refused>(&decision);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->reason, FailureReason::kForeign);
  EXPECT_TRUE(std::holds_alternative<Copy>(decide(kJob, entry(), &there, {OnForeign::kOverwrite})));

  auto other_job = copy_of(entry());
  other_job.provenance->source = "s3://elsewhere/in/a";
  ++other_job.size;
  EXPECT_TRUE(std::holds_alternative<Refused>(decide(kJob, entry(), &other_job, {})));
}

TEST(Decide, CountsTheSameBytesFromAnotherToolAsThere) {
  auto there = copy_of(entry());
  there.provenance.reset();
  there.md5 = from_hex("9e107d9d372bb6826bd81d3542a419d6");
  const auto decision = decide(kJob, entry(), &there, {});
  ASSERT_TRUE(std::holds_alternative<Unchanged>(decision));
  EXPECT_TRUE(std::get<Unchanged>(decision).adopted);
  there.size = 6;
  EXPECT_TRUE(std::holds_alternative<Refused>(decide(kJob, entry(), &there, {})));
}

TEST(Decide, SendsSomebodyToLookWhereListingsDontTellWhetherItIsTheSame) {
  auto there = copy_of(entry());
  there.provenance.reset();
  for (const auto on_foreign : {OnForeign::kFail, OnForeign::kOverwrite}) {
    const auto decision = decide(kJob, entry(), &there, {on_foreign});
    const auto* examine = std::get_if<Examine>(&decision);
    ASSERT_TRUE(examine);
    EXPECT_FALSE(examine->plan.target_generation) << "the target must be looked at before anything is written there";
    EXPECT_EQ(examine->there, there.generation);
    EXPECT_FALSE(examine->adopt);
  }
}

TEST(Decide, AdoptsNobodysObjectsButNeverThoseOfAnotherJob) {
  auto there = copy_of(entry());
  there.provenance.reset();
  there.md5 = from_hex("9e107d9d372bb6826bd81d3542a419d6");
  const auto decision = decide(kJob, entry(), &there, {OnForeign::kFail, true});
  ASSERT_TRUE(std::holds_alternative<Examine>(decision));
  EXPECT_TRUE(std::get<Examine>(decision).adopt);
  there.provenance = copy_of(entry()).provenance;
  there.provenance->source = "s3://elsewhere/in/a";
  EXPECT_TRUE(std::holds_alternative<Unchanged>(decide(kJob, entry(), &there, {OnForeign::kFail, true})));
}

TEST(Decide, RefusesFromTheListingWhatCannotArrive_F034) {
  const auto large = decide(kJob, entry("in/a", kTargetBytesMax + 1), nullptr, {});
  ASSERT_TRUE(std::holds_alternative<Refused>(large));
  EXPECT_EQ(std::get<Refused>(large).reason, FailureReason::kTooLarge);
  EXPECT_TRUE(std::holds_alternative<Copy>(decide(kJob, entry("in/a", kTargetBytesMax), nullptr, {})));
}

TEST(Decide, AcceptsTimesOutsideOfTheUsual_F035) {
  auto old = entry();
  old.version.modified = Seconds{std::chrono::seconds{-5'000'000'000}};
  const auto there = copy_of(old);
  EXPECT_TRUE(std::holds_alternative<Unchanged>(decide(kJob, old, &there, {})));
  old.version.modified = Seconds{std::chrono::seconds{7'000'000'000}};
  EXPECT_TRUE(std::holds_alternative<Copy>(decide(kJob, old, &there, {})));
}

}  // namespace
}  // namespace ferry
