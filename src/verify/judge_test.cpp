#include "verify/judge.hpp"

#include <gtest/gtest.h>

#include "kit/base/hash.hpp"

namespace ferry {
namespace {

const Job kJob{BucketName{"src"}, "in/", BucketName{"dst"}, "out/"};

std::string md5(std::string_view text) {
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(text);
  return hash->digest().bytes;
}

SourceEntry entry_of(std::string_view bytes) {
  SourceEntry entry;
  entry.key = ObjectKey{"in/a"};
  entry.version.etag = ETag{"\"" + hex(md5(bytes)) + "\""};
  entry.version.modified = Seconds{std::chrono::seconds{1'700'000'000}};
  entry.size = bytes.size();
  return entry;
}

/// As a copy of `entry` leaves it.
TargetObject copy_of(const SourceEntry& entry, std::string_view bytes, Rung rung = Rung::kMd5) {
  TargetObject there;
  there.key = ObjectKey{"out/a"};
  there.generation = Generation{7};
  there.size = bytes.size();
  there.md5 = md5(bytes);
  there.crc32c = crc32c(0, bytes);
  there.provenance = Provenance{kJob.source_uri(entry.key), entry.version, entry.size, rung};
  return there;
}

TEST(Judge, OurCopyOfThisVersionIsOkAndTheMd5SaysSo) {
  const auto entry = entry_of("hello");
  const auto there = copy_of(entry, "hello");
  const auto judgement = judge(kJob, entry, &there);
  EXPECT_EQ(judgement.verdict, Verdict::kOk);
  EXPECT_EQ(judgement.evidence, Evidence::kMd5);
  EXPECT_EQ(judgement.what, "");
}

TEST(Judge, AMultipartCopyRestsOnProvenance) {
  auto entry = entry_of("hello");
  entry.version.etag = ETag{"\"0561a0fc7fa0356324d20074221dd473-2\""};
  const auto there = copy_of(entry, "hello", Rung::kParts);
  EXPECT_EQ(judge(kJob, entry, &there).verdict, Verdict::kOk);
  EXPECT_EQ(judge(kJob, entry, &there).evidence, Evidence::kProvenance);
}

TEST(Judge, ATagThatOnlyLooksLikeAnMd5IsNoDifference_F016) {
  auto entry = entry_of("encrypted, so the tag is random");
  const auto there = copy_of(entry, "plain bytes of the same size ..", Rung::kTransport);
  ASSERT_EQ(there.size, entry.size);
  EXPECT_EQ(judge(kJob, entry, &there).verdict, Verdict::kOk);
  EXPECT_EQ(judge(kJob, entry, &there).evidence, Evidence::kProvenance);
}

TEST(Judge, NothingThereIsMissing) { EXPECT_EQ(judge(kJob, entry_of("x"), nullptr).verdict, Verdict::kMissing); }

TEST(Judge, AnotherSizeIsDifferent) {
  const auto entry = entry_of("hello");
  auto there = copy_of(entry, "hello");
  there.size = 4;
  EXPECT_EQ(judge(kJob, entry, &there).verdict, Verdict::kDifferent);
  there.provenance.reset();
  EXPECT_EQ(judge(kJob, entry, &there).verdict, Verdict::kDifferent);
}

TEST(Judge, OtherBytesUnderOurProvenanceAreDifferent) {
  const auto entry = entry_of("hello");
  auto there = copy_of(entry, "hellO");
  const auto judgement = judge(kJob, entry, &there);
  EXPECT_EQ(judgement.verdict, Verdict::kDifferent);
  EXPECT_EQ(judgement.evidence, Evidence::kMd5);
}

TEST(Judge, AnotherVersionIsStaleWhateverItsSize_F004_F009) {
  const auto before = entry_of("before, longer");
  auto now = entry_of("now");
  const auto there = copy_of(before, "before, longer");
  EXPECT_EQ(judge(kJob, now, &there).verdict, Verdict::kStale);

  auto touched = before;
  touched.version.modified += std::chrono::seconds{1};
  EXPECT_EQ(judge(kJob, touched, &there).verdict, Verdict::kStale) << "the tag is the same, the version isn't";
}

TEST(Judge, AStrangersObjectCountsOnlyIfItsMd5Agrees_F045) {
  const auto entry = entry_of("hello");
  auto there = copy_of(entry, "hello");
  there.provenance.reset();
  EXPECT_EQ(judge(kJob, entry, &there).verdict, Verdict::kOk);
  EXPECT_EQ(judge(kJob, entry, &there).evidence, Evidence::kMd5);

  there.md5.reset();
  EXPECT_EQ(judge(kJob, entry, &there).verdict, Verdict::kUnverified);
  there.provenance = Provenance{"s3://elsewhere/in/a", entry.version, entry.size, Rung::kMd5};
  EXPECT_EQ(judge(kJob, entry, &there).verdict, Verdict::kUnverified) << "provenance of another source";
}

TEST(Judge, AnExtraSaysWhetherItIsOurs) {
  const auto entry = entry_of("hello");
  auto there = copy_of(entry, "hello");
  EXPECT_EQ(judge_extra(kJob, there).verdict, Verdict::kExtra);
  EXPECT_EQ(judge_extra(kJob, there).evidence, Evidence::kProvenance);
  there.provenance.reset();
  EXPECT_EQ(judge_extra(kJob, there).evidence, Evidence::kNone);
}

}  // namespace
}  // namespace ferry
