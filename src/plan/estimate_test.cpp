#include "plan/estimate.hpp"

#include <gtest/gtest.h>

namespace ferry {
namespace {

constexpr std::uint64_t kKib = 1024, kMib = 1024 * kKib;
const Job kMove{BucketName{"src"}, "", BucketName{"dst"}, ""};
constexpr const char* kPlainTag = "\"9e107d9d372bb6826bd81d3542a419d6\"";
constexpr const char* kPartsTag = "\"9e107d9d372bb6826bd81d3542a419d6-3\"";

SourceEntry object(std::uint64_t size, const char* tag = kPlainTag, std::string storage_class = "STANDARD") {
  return {ObjectKey{"k"}, {ETag{tag}, {}, {}}, size, std::move(storage_class)};
}

Estimate fresh(Integrity integrity = Integrity::kAuto, const Job& job = kMove) { return {job, integrity, {}, {}}; }

TargetUse uploads_of(std::uint64_t size, const char* tag = kPlainTag) {
  auto estimate = fresh();
  estimate.add(object(size, tag), nullptr, Copy{});
  return estimate.uploads();
}

TEST(Estimate, TellsApartWhatACopyWouldDo) {
  auto estimate = fresh();
  TargetObject ours, foreign;
  ours.key = foreign.key = ObjectKey{"k"};
  ours.provenance = Provenance{"s3://src/k", {}, 0, Rung::kMd5};
  estimate.add(object(1), nullptr, Copy{});
  estimate.add(object(2), &ours, Copy{});
  estimate.add(object(4), &ours, Unchanged{});
  estimate.add(object(8), &foreign, Unchanged{.adopted = true});
  estimate.add(object(32), &foreign, Examine{});
  estimate.add(object(16), &foreign, Refused{FailureReason::kForeign, "in the way"});
  EXPECT_EQ(estimate.of(Action::kNew).bytes, 1u);
  EXPECT_EQ(estimate.of(Action::kChanged).bytes, 2u);
  EXPECT_EQ(estimate.of(Action::kUnchanged).bytes, 4u);
  EXPECT_EQ(estimate.of(Action::kThere).bytes, 8u);
  EXPECT_EQ(estimate.of(Action::kBlocked).bytes, 16u);
  EXPECT_EQ(estimate.of(Action::kExamined).bytes, 32u);
  EXPECT_EQ(estimate.listed().bytes, 63u);
  EXPECT_EQ(estimate.to_copy().objects, 2u);
  EXPECT_EQ(estimate.gets(), 2u);
  EXPECT_EQ(estimate.heads(), 1u) << "of what has to be looked at";
}

TEST(Estimate, WhatCannotBeCopiedHasItsReasonAndAFewExamples) {
  auto estimate = fresh();
  for (int i = 0; i < 10; ++i) estimate.add(object(1), nullptr, Refused{FailureReason::kName, "a line feed"});
  estimate.add(object(1, kPlainTag, "DEEP_ARCHIVE"), nullptr, Copy{});
  const auto& names = estimate.blocked().at(FailureReason::kName);
  EXPECT_EQ(names.amount.objects, 10u);
  EXPECT_EQ(names.examples.size(), Estimate::kExamplesMax);
  EXPECT_EQ(names.examples.front().what, "a line feed");
  EXPECT_EQ(estimate.blocked().at(FailureReason::kArchived).amount.objects, 1u);
  EXPECT_EQ(estimate.of(Action::kBlocked).objects, 11u);
  EXPECT_EQ(estimate.to_copy().objects, 0u);
  EXPECT_EQ(estimate.gets(), 1u) << "a copy asks once for what is archived";
}

TEST(Estimate, ASkippedNameIsNotBlocked) {
  auto job = kMove;
  job.names.policy = NamePolicy::kSkip;
  auto estimate = fresh(Integrity::kAuto, job);
  estimate.add(object(1), nullptr, Refused{FailureReason::kName, "a line feed"});
  EXPECT_EQ(estimate.of(Action::kSkipped).objects, 1u);
  EXPECT_EQ(estimate.of(Action::kBlocked).objects, 0u);
}

TEST(Estimate, CountsTheRequestsOfEachKindOfUpload) {
  for (const std::uint64_t size : {std::uint64_t{0}, kKib, 16 * kMib}) {
    EXPECT_EQ(uploads_of(size).single, 1u) << size;
    EXPECT_EQ(uploads_of(size).sessions, 0u) << size;
  }
  EXPECT_EQ(uploads_of(256 * kKib, kPartsTag).single, 1u);
  EXPECT_EQ(uploads_of(256 * kKib + 1, kPartsTag).sessions, 1u);
  EXPECT_EQ(uploads_of(256 * kKib + 1, kPartsTag).chunks, 2u) << "one piece and the tail";
  EXPECT_EQ(uploads_of(16 * kMib + 1).chunks, 2u);
  EXPECT_EQ(uploads_of(17 * kMib).chunks, 3u);
  EXPECT_EQ(uploads_of(32 * kMib).chunks, 3u);
}

TEST(Estimate, PartSizesCostARequestWhereNothingElseCanVouch) {
  const auto heads = [](Integrity integrity, const char* tag) {
    auto estimate = fresh(integrity);
    estimate.add(object(100, tag), nullptr, Copy{});
    return estimate.heads();
  };
  EXPECT_EQ(heads(Integrity::kAuto, kPartsTag), 1u);
  EXPECT_EQ(heads(Integrity::kFull, kPartsTag), 1u);
  EXPECT_EQ(heads(Integrity::kFast, kPartsTag), 0u);
  EXPECT_EQ(heads(Integrity::kAuto, kPlainTag), 0u);
  EXPECT_EQ(heads(Integrity::kAuto, "\"9e107d9d372bb6826bd81d3542a419d6-1\""), 0u) << "the only part is the object";
}

TEST(Estimate, FullProofReadsWhatHasNoneTwice) {
  auto estimate = fresh(Integrity::kFull);
  estimate.add(object(100, "\"opaque\""), nullptr, Copy{});
  EXPECT_EQ(estimate.gets(), 2u);
  EXPECT_EQ(estimate.read_bytes(), 200u);
}

TEST(Estimate, SortsSizesIntoSteps) {
  auto estimate = fresh();
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, kKib, kKib + 1, kTargetBytesMax}) {
    estimate.add(object(size), nullptr, Copy{});
  }
  estimate.add(object(kTargetBytesMax + 1), nullptr, Refused{FailureReason::kTooLarge, "too large"});
  EXPECT_EQ(estimate.sizes()[0].objects, 1u);
  EXPECT_EQ(estimate.sizes()[1].objects, 2u);
  EXPECT_EQ(estimate.sizes()[2].objects, 1u);
  EXPECT_EQ(estimate.sizes()[kSizeSteps.size() - 1].objects, 1u);
  EXPECT_EQ(estimate.sizes()[kSizeSteps.size()].objects, 1u);
}

TEST(Estimate, ClassesFromOutsideDoNotFillMemory) {
  auto estimate = fresh();
  for (int i = 0; i < 1000; ++i) estimate.add(object(1, kPlainTag, "CLASS_" + std::to_string(i)), nullptr, Copy{});
  EXPECT_EQ(estimate.classes().size(), Estimate::kClassesMax + 1);
  EXPECT_EQ(estimate.classes().at("OTHER").all.objects, 1000 - Estimate::kClassesMax);
}

TEST(TimeNeeded, IsThatOfWhicheverLimitIsReachedFirst) {
  const auto many_small = time_for({1000, 1000}, 100, 10);
  EXPECT_DOUBLE_EQ(many_small.seconds, 100);
  EXPECT_TRUE(many_small.limited_by_objects);
  const auto few_large = time_for({1, 1000}, 100, 10);
  EXPECT_DOUBLE_EQ(few_large.seconds, 10);
  EXPECT_FALSE(few_large.limited_by_objects);
}

}  // namespace
}  // namespace ferry
