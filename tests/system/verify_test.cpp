// What a comparison finds, and what it shows for it: one difference of each kind among very many objects.

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "kit/base/hash.hpp"
#include "sandbox/pattern.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Verification : public SystemTest {
 protected:
  [[nodiscard]] std::filesystem::path evidence_file() const { return folder() / "evidence.jsonl"; }
  [[nodiscard]] std::filesystem::path page_file() const { return folder() / "evidence.html"; }

  Outcome verify_with_evidence(std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--report", evidence_file().string(), "--html", page_file().string()});
    return verify(std::move(options));
  }

  /// Verdicts of the last evidence that are not "ok", by key.
  [[nodiscard]] std::map<std::string, std::string> found() const {
    std::map<std::string, std::string> verdicts;
    for (const auto& line : parse_events(read_file(evidence_file()))) {
      const auto verdict = line.text("verdict");
      if (!verdict.empty() && verdict != "ok") verdicts[line.key()] = verdict;
    }
    return verdicts;
  }

  [[nodiscard]] std::uint64_t lines(const std::string& evidence) const {
    std::uint64_t count = 0;
    for (const auto& line : parse_events(read_file(evidence_file())))
      count += line.text("evidence") == evidence ? 1 : 0;
    return count;
  }

  /// Replaces an object at the target by other bytes under the metadata that it has: in two steps, because no commit
  /// may claim what it isn't.
  void tamper(const std::string& key, const std::string& bytes) {
    const auto object = target_->describe(key);
    ASSERT_TRUE(object) << key;
    target_->put(key, bytes);
    target_->patch(key, {{"metadata", object->at("metadata")}});
  }
};

std::string flipped(std::string bytes) {
  bytes[bytes.size() / 2] ^= 1;
  return bytes;
}

using Verdicts = std::map<std::string, std::string>;

TEST_F(Verification, FindsOneOfEachKindAmongAHundredThousandObjects_F023) {
  constexpr std::uint64_t kObjects = 100'000;
  start_synthetic(kObjects, 64);
  const auto page = noise(5'000, 1);
  for (const auto* key : {"a/flipped", "m/metadata", "n/missing", "y/stale", "z/truncated"}) {
    source_->put(key, page, {{"Content-Type", "text/html"}, {"x-amz-meta-colour", "green"}});
  }
  ASSERT_EQ(copy().code(), 0);
  tamper("a/flipped", flipped(page));
  const auto hidden = sandbox::SyntheticKeys{kObjects, 64, kSource}.key(77'777);
  tamper(hidden, flipped(*source_->get(hidden)));
  target_->patch("m/metadata", {{"metadata", {{"colour", "red"}}}});
  target_->remove("n/missing");
  target_->put("o/extra", "a stranger's");
  source_->put("y/stale", noise(5'000, 2));
  tamper("z/truncated", page.substr(0, 4'999));

  sandbox_->forget();
  const auto by_listings = verify_with_evidence();
  EXPECT_EQ(by_listings.code(), 1) << by_listings.describe();
  const Verdicts planted{{"a/flipped", "different"},
                         {"n/missing", "missing"},
                         {"o/extra", "extra"},
                         {"y/stale", "stale"},
                         {"z/truncated", "different"}};
  EXPECT_EQ(found(), planted);
  EXPECT_EQ(sandbox_->requests("s3"), 101) << "listings only";
  EXPECT_EQ(sandbox_->requests("gcs"), 101);
  EXPECT_EQ(by_listings.number("differences"), planted.size());
  EXPECT_EQ(by_listings.summary.at("rungs").at("crc32c"), by_listings.summary.at("evidence").at("provenance"));

  const auto closer = verify_with_evidence({"--metadata"});
  EXPECT_EQ(closer.code(), 1);
  auto all = planted;
  all["m/metadata"] = "metadata";
  all[hidden] = "different";  // the CRC32C that S3 stores tells
  EXPECT_EQ(found(), all);
  for (const auto& [key, verdict] : all) EXPECT_THAT(read_file(page_file()), HasSubstr(key)) << verdict;
  EXPECT_THAT(read_file(page_file()), HasSubstr("&#39;green&#39; at the source, &#39;red&#39; at the target"));
  if (kMemoryIsOurs) {
    EXPECT_LT(by_listings.ended.peak_kib, 96 * 1024);
    EXPECT_LT(closer.ended.peak_kib, 128 * 1024);
  }
}

TEST_F(Verification, MetadataCostsAHeadForEachObjectAndMovesNoByte) {
  start();
  for (const auto* key : {"a", "b", "c"}) source_->put(key, key, {{"Cache-Control", "no-store"}});
  ASSERT_EQ(copy().code(), 0);
  target_->patch("b", {{"cacheControl", "public"}});
  EXPECT_EQ(verify().code(), 0) << "S3's listing has no headers";
  sandbox_->forget();
  EXPECT_EQ(verify_with_evidence({"--metadata"}).code(), 1);
  EXPECT_EQ(found(), (Verdicts{{"b", "metadata"}}));
  EXPECT_EQ(sandbox_->requests("s3", "HeadObject"), 3);
  EXPECT_EQ(sandbox_->requests("s3", "GetObject"), 0);
}

TEST_F(Verification, ASampleSaysItsSeedAndIsDrawnAgainByIt) {
  start_synthetic(2'000, 100);
  ASSERT_EQ(copy().code(), 0);
  sandbox_->forget();
  const auto first = verify_with_evidence({"--deep", "--sample", "50"});
  EXPECT_EQ(first.code(), 0) << first.describe();
  EXPECT_EQ(first.number("read"), 50);
  EXPECT_EQ(lines("bytes"), 50);
  EXPECT_EQ(sandbox_->requests("s3", "GetObject"), 50);
  const auto evidence = [this] {
    std::set<std::string> keys;
    for (const auto& line : parse_events(read_file(evidence_file()))) {
      if (line.text("evidence") == "bytes") keys.insert(line.key());
    }
    return keys;
  };
  const auto drawn = evidence();
  const auto seed = std::to_string(first.number("seed"));
  EXPECT_EQ(verify_with_evidence({"--deep", "--sample", "50", "--seed", seed}).code(), 0);
  EXPECT_EQ(evidence(), drawn);
  const auto share = verify_with_evidence({"--deep", "--sample", "2.5%", "--seed", seed});
  EXPECT_NEAR(static_cast<double>(share.number("read")), 50, 35);
  EXPECT_THAT(read_file(page_file()), HasSubstr("seed " + seed));
}

TEST_F(Verification, BeyondTheFirstThousandDifferencesOnlyTheReportNamesThem) {
  start_synthetic(3'000, 10);
  const auto outcome = verify_with_evidence();
  EXPECT_EQ(outcome.number("differences"), 3'000);
  EXPECT_EQ(found().size(), 3'000);
  const auto page = read_file(page_file());
  EXPECT_THAT(page, HasSubstr("The first 1,000; 2,000 more are in"));
  EXPECT_LT(page.size(), 1'000'000);
}

TEST_F(Verification, ThePageTakesKeysForTextNeverForMarkup_I15) {
  start();
  source_->put("<script>alert(1)</script>\"'&\x01", "x");
  const auto outcome = verify_with_evidence();
  EXPECT_EQ(outcome.code(), 1);
  const auto page = read_file(page_file());
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\x01"));
  for (const auto* outside : {"http:", "https:", "src=", "@import", "url("}) EXPECT_THAT(page, Not(HasSubstr(outside)));
}

// --- what another tool brought ---------------------------------------------------------------------------------------

class Adoption : public Verification {
 protected:
  /// Three objects that somebody copied by hand: recognised by listings, by a HEAD, and not at all.
  void bring() {
    const auto parts = std::vector<std::string>{noise(5 * kMiB, 1), noise(100, 2)};
    source_->put("listed", "by its MD5");
    source_->put_in_parts("asked", parts,
                          {{"x-amz-checksum-algorithm", "CRC32C"}, {"x-amz-checksum-type", "FULL_OBJECT"}});
    source_->put_in_parts("unknown", parts, {{"x-amz-server-side-encryption", "aws:kms"}});
    target_->put("listed", "by its MD5", {{"mtime", "1"}});
    for (const auto* key : {"asked", "unknown"}) target_->put(key, parts[0] + parts[1], {{"mtime", "2"}});
  }
};

TEST_F(Adoption, WhatAnotherToolBroughtIsRecognisedAndNeverCopied_F058) {
  start({"--default-checksum", "none"});
  bring();
  sandbox_->forget();
  const auto first = copy();
  EXPECT_EQ(first.code(), 1) << first.describe();
  EXPECT_EQ(first.number("adopted"), 2);
  EXPECT_EQ(first.number("unchanged"), 2);
  EXPECT_EQ(first.number("failed"), 1);
  EXPECT_EQ(reported("failed").at(0).at("key"), "unknown");
  EXPECT_EQ(sandbox_->requests("s3", "GetObject"), 0);
  EXPECT_EQ(sandbox_->requests("s3", "HeadObject"), 2) << "one for each that the listings leave open";
  EXPECT_EQ(sandbox_->requests("gcs", "PatchObject"), 0);

  source_->remove("unknown");
  target_->remove("unknown");
  sandbox_->forget();
  const auto again = copy();
  EXPECT_EQ(again.code(), 0) << again.describe();
  EXPECT_EQ(again.number("adopted"), 2);
  EXPECT_EQ(sandbox_->requests("s3"), 1) << "what was recognised is remembered";
  EXPECT_EQ(sandbox_->requests("gcs"), 1);
}

TEST_F(Adoption, WritesProvenanceWhereThatIsWanted) {
  start({"--default-checksum", "none"});
  bring();
  const auto outcome = copy({"--adopt"});
  EXPECT_EQ(outcome.number("adopted"), 2) << outcome.describe();
  EXPECT_EQ(reported("adopted").size(), 2);
  for (const auto* key : {"listed", "asked"}) {
    const auto object = target_->describe(key);
    const auto& metadata = object->at("metadata").as_object();
    EXPECT_EQ(metadata.at("ferry-adopted"), "true");
    EXPECT_EQ(metadata.at("ferry-source").as_string(), "s3://" + kSource + "/" + key);
    EXPECT_TRUE(metadata.contains("mtime"));
    EXPECT_EQ(object->at("metageneration"), "2");
  }
  EXPECT_FALSE(target_->describe("unknown")->at("metadata").as_object().contains("ferry-source"));
  std::filesystem::remove(folder() / "state.sqlite");
  source_->remove("unknown");
  sandbox_->forget();
  const auto again = copy({"--adopt"});
  EXPECT_EQ(again.number("unchanged"), 2) << "they are ours now, whatever is remembered";
  EXPECT_EQ(again.number("adopted"), 0);
  EXPECT_EQ(sandbox_->requests("s3"), 1);
}

TEST_F(Adoption, VerifyTellsByWhichCheckAndDeepReadsWhatHasNone) {
  start({"--default-checksum", "none"});
  bring();
  EXPECT_EQ(verify_with_evidence().code(), 1);
  EXPECT_EQ(found(), (Verdicts{{"unknown", "unverified"}}));
  EXPECT_EQ(lines("md5"), 1);
  EXPECT_EQ(lines("crc32c"), 1);
  EXPECT_EQ(verify_with_evidence({"--deep"}).code(), 0);
  EXPECT_EQ(lines("bytes"), 3);
}

}  // namespace
}  // namespace ferry::system_test
