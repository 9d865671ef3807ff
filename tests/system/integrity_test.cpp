// Every kind of proof against every kind of damage: the expected rung, or the expected refusal. SystemTest checks that
// no commit at the target holds bytes that were not a version of the source.

#include <algorithm>
#include <set>

#include "tests/system/integrity_matrix.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

using boost::json::object;

class IntegrityMatrix : public SystemTest {
 protected:
  void SetUp() override {
    start(matrix_arguments());
    objects_ = put_matrix(source_.get());
  }

  /// One copy of all, with `action` upon the first (or upon every) reading of each object's body.
  Outcome copy_with(const object& action, const std::string& integrity = "auto", bool always = false) {
    for (const auto& one : objects_) {
      object fault{{"service", "s3"}, {"op", "GetObject"}, {"key", one.key}, {"action", action}};
      if (!always) fault["times"] = 1;
      sandbox_->fault(fault);
    }
    auto outcome = copy({"--integrity", integrity});
    sandbox_->clear_faults();
    EXPECT_EQ(outcome.number("listed"), objects_.size());
    EXPECT_EQ(outcome.number("copied") + outcome.number("superseded") + outcome.number("failed"), objects_.size())
        << outcome.describe();
    return outcome;
  }

  void expect_arrived(const MatrixObject& one, const std::string& rung) {
    EXPECT_TRUE(target_->get(one.key) == one.bytes) << one.key;
    EXPECT_EQ(rung_at(target_.get(), one.key), rung) << one.key;
  }

  void expect_refused(const std::string& key, const std::string& reason) {
    EXPECT_EQ(target_->get(key), std::nullopt) << key;
    for (const auto& line : reported("failed")) {
      if (line.at("key").as_string() == key) {
        EXPECT_EQ(std::string{line.at("reason").as_string()}, reason) << key;
        return;
      }
    }
    ADD_FAILURE() << key << " is not in the report";
  }

  /// Those with proof arrive on that rung, the one that needs a key is refused.
  void expect_all(std::string MatrixObject::* rung) {
    for (const auto& one : objects_) {
      if (one.readable()) {
        expect_arrived(one, one.*rung);
      } else {
        expect_refused(one.key, "denied");
      }
    }
  }

  /// Takes away what nothing can protect but a second reading.
  void keep_provable() {
    for (const auto& one : objects_) {
      if (!one.provable()) source_->remove(one.key);
    }
    std::erase_if(objects_, [](const MatrixObject& one) { return !one.provable(); });
  }

  std::vector<MatrixObject> objects_;
};

TEST_F(IntegrityMatrix, CleanObjectsArriveOnTheirRung_F014_F015_F016) {
  const auto outcome = copy_with({{"delay_ms", 0}});
  EXPECT_EQ(outcome.code(), 1) << outcome.describe();
  EXPECT_EQ(outcome.number("failed"), 1);
  expect_all(&MatrixObject::automatic);
  EXPECT_EQ(outcome.summary.at("rungs").at("crc32c-parts"), 2);
}

TEST_F(IntegrityMatrix, FullChecksAllAndReadsTwiceWhatHasNoProof) {
  copy_with({{"delay_ms", 0}}, "full");
  expect_all(&MatrixObject::full);
}

TEST_F(IntegrityMatrix, FastCostsOneRequestPerObject) {
  sandbox_->forget();
  copy_with({{"delay_ms", 0}}, "fast");
  expect_all(&MatrixObject::fast);
  EXPECT_EQ(sandbox_->requests("s3", "HeadObject"), 0);
  EXPECT_EQ(sandbox_->requests("s3", "GetObject"), objects_.size());
}

TEST_F(IntegrityMatrix, AByteFlippedOnceIsFoundAndReadAgain_F013_F014_F015) {
  keep_provable();
  const auto outcome = copy_with({{"flip_byte", 300'500}});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_GE(outcome.number("retried"), objects_.size());
  expect_all(&MatrixObject::automatic);
}

TEST_F(IntegrityMatrix, AByteFlippedAlwaysNeverBecomesVisible_F013_F014_F015) {
  keep_provable();
  for (const auto& one : objects_) target_->put(one.key, "the older good copy");
  sandbox_->fault({{"service", "s3"}, {"op", "GetObject"}, {"action", {{"flip_byte", 699'999}}}});
  const auto outcome = copy({"--on-foreign", "overwrite"});
  EXPECT_EQ(outcome.number("failed"), objects_.size()) << outcome.describe();
  std::set<std::string> refused;
  for (const auto& line : reported("failed")) {
    EXPECT_EQ(line.at("reason"), "integrity");
    refused.insert(std::string{line.at("key").as_string()});
  }
  EXPECT_EQ(refused.size(), objects_.size());
  for (const auto& one : objects_) EXPECT_EQ(target_->get(one.key), "the older good copy") << one.key;
}

TEST_F(IntegrityMatrix, FullFindsAByteFlippedOnceEvenWithoutProof) {
  const auto outcome = copy_with({{"flip_byte", 300'500}}, "full");
  EXPECT_EQ(outcome.number("failed"), 1) << outcome.describe();
  expect_all(&MatrixObject::full);
}

TEST_F(IntegrityMatrix, ABodyCutShortOfTheListedSizeIsRefused_F011) {
  const auto outcome = copy_with({{"truncate_to", 400'000}, {"fix_length", true}}, "auto", true);
  EXPECT_EQ(outcome.number("copied"), 0) << outcome.describe();
  for (const auto& one : objects_) expect_refused(one.key, one.readable() ? "integrity" : "denied");
}

TEST_F(IntegrityMatrix, ACutConnectionIsGoneOnFrom_F010) {
  const auto outcome = copy_with({{"cut_after", 400'000}});
  EXPECT_EQ(outcome.number("failed"), 1) << outcome.describe();
  expect_all(&MatrixObject::automatic);
}

TEST_F(IntegrityMatrix, WhatChangesInMidReadIsOldOrSupersededNeverAMixture_F002_F003) {
  const auto outcome = copy_with({{"replace_object_at_byte", {{"n", 200'000}, {"body", "the newer version"}}}});
  EXPECT_EQ(outcome.number("failed"), 1) << outcome.describe();
  for (const auto& line : reported("copied")) {
    const auto key = std::string{line.at("key").as_string()};
    const auto one = std::ranges::find(objects_, key, &MatrixObject::key);
    EXPECT_TRUE(target_->get(key) == one->bytes) << key;
    EXPECT_EQ(std::string{line.at("check").as_string()}, one->automatic) << key;
  }
  const auto again = copy();
  EXPECT_EQ(again.number("failed"), 1) << again.describe();
  for (const auto& one : objects_) {
    if (one.readable()) EXPECT_EQ(target_->get(one.key), "the newer version") << one.key;
  }
}

}  // namespace
}  // namespace ferry::system_test
