// One fault at a time between two buckets. Whatever goes wrong, the target never holds bytes that were not a version of
// the source (SystemTest checks that against the event log), the books balance, and the exit code tells the truth.

#include "testing/net/ports.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

using boost::json::object;

object s3(const char* operation, object action, object matching = {}) {
  matching["service"] = "s3";
  matching["op"] = operation;
  matching["action"] = std::move(action);
  return matching;
}

object gcs(const char* operation, object action, object matching = {}) {
  matching = s3(operation, std::move(action), std::move(matching));
  matching["service"] = "gcs";
  return matching;
}

class Fault : public SystemTest {
 protected:
  void SetUp() override { start(); }

  static void expect_balanced(const Outcome& outcome) {
    EXPECT_EQ(outcome.number("listed"), outcome.number("copied") + outcome.number("unchanged") +
                                            outcome.number("superseded") + outcome.number("failed"))
        << outcome.describe();
  }
  /// All well, and the target holds exactly these bytes.
  void expect_arrives(const std::string& key, const std::string& bytes) {
    const auto outcome = copy();
    EXPECT_EQ(outcome.code(), 0) << outcome.describe();
    expect_balanced(outcome);
    EXPECT_TRUE(target_->get(key) == bytes) << key;
  }
  /// Nothing under `key` at the target, the reason in the ledger, exit code 1.
  void expect_ledger(const std::string& key, const std::string& reason) {
    const auto outcome = copy();
    EXPECT_EQ(outcome.code(), 1) << outcome.describe();
    expect_balanced(outcome);
    const auto failures = reported("failed");
    ASSERT_EQ(failures.size(), 1) << outcome.describe();
    EXPECT_EQ(boost::json::value_to<std::string>(failures[0].at("key")), key);
    EXPECT_EQ(boost::json::value_to<std::string>(failures[0].at("reason")), reason)
        << boost::json::serialize(failures[0]);
    EXPECT_EQ(target_->get(key), std::nullopt);
  }
  void expect_superseded() {
    const auto outcome = copy();
    EXPECT_EQ(outcome.code(), 0) << outcome.describe();
    EXPECT_EQ(outcome.number("superseded"), 1) << outcome.describe();
    expect_balanced(outcome);
    EXPECT_EQ(reported("superseded").size(), 1);
  }
};

// ---- the source changes ---------------------------------------------------------------------------------------------

TEST_F(Fault, OverwrittenAfterListingIsSupersededAndComesWithTheNextRun_F001) {
  source_->put("key", "old");
  sandbox_->fault(
      s3("ListObjectsV2", {{"replace_object_at_byte", {{"n", 0}, {"key", "key"}, {"body", "newer"}}}}, {{"times", 1}}));
  expect_superseded();
  EXPECT_EQ(target_->get("key"), std::nullopt);
  expect_arrives("key", "newer");
}

TEST_F(Fault, OverwrittenWhileItIsReadIsNeverAMixture_F002) {
  const auto old = noise(3 * kMiB, 1);
  source_->put("key", old);
  sandbox_->fault(s3("GetObject", {{"replace_object_at_byte", {{"n", kMiB}, {"body", "newer"}}}}, {{"times", 1}}));
  const auto first = copy();
  EXPECT_EQ(first.code(), 0) << first.describe();
  expect_balanced(first);
  const auto present = target_->get("key");
  EXPECT_TRUE(!present || *present == old);
  expect_arrives("key", "newer");
}

TEST_F(Fault, OverwrittenBetweenACutAndItsResumptionIsNotContinued_F003) {
  source_->put("key", noise(40 * kMiB, 1));
  sandbox_->fault(s3("GetObject",
                     {{"cut_after", 20 * kMiB}, {"replace_object_at_byte", {{"n", 19 * kMiB}, {"body", "newer"}}}},
                     {{"times", 1}}));
  expect_superseded();
  EXPECT_EQ(target_->get("key"), std::nullopt);
  expect_arrives("key", "newer");
}

TEST_F(Fault, DeletedAfterListingIsNoFailure_F006) {
  source_->put("key", "bytes");
  source_->put("other", "stays");
  sandbox_->fault(s3("ListObjectsV2", {{"delete_object_at_byte", {{"n", 0}, {"key", "key"}}}}, {{"times", 1}}));
  expect_superseded();
  EXPECT_EQ(target_->get("key"), std::nullopt);
  EXPECT_EQ(target_->get("other"), "stays");
}

TEST_F(Fault, DeletedWhileItIsReadHangsNothing_F007) {
  const auto bytes = noise(3 * kMiB, 1);
  source_->put("key", bytes);
  sandbox_->fault(s3("GetObject", {{"delete_object_at_byte", kMiB}}, {{"times", 1}}));
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  expect_balanced(outcome);
  const auto present = target_->get("key");
  EXPECT_TRUE(!present || *present == bytes);
}

// ---- the source's replies lie ---------------------------------------------------------------------------------------

TEST_F(Fault, TruncatedOnTheWireIsResumedWhereItBroke_F010_F076) {
  const auto bytes = noise(2 * kMiB, 1);
  source_->put("key", bytes);
  sandbox_->fault(s3("GetObject", {{"truncate_to", 700'000}}, {{"times", 2}}));
  expect_arrives("key", bytes);
  EXPECT_LE(sum(sandbox_->events(), "s3", "GetObject", "out"), 2 * kMiB) << "no byte was read twice";
}

TEST_F(Fault, ShortenedWithAMatchingLengthIsNeverCommitted_F011) {
  source_->put("key", noise(2 * kMiB, 1));
  sandbox_->fault(s3("GetObject", {{"truncate_to", 700'000}, {"fix_length", true}}));
  expect_ledger("key", "integrity");
}

TEST_F(Fault, FlippedByteOfAPlainObjectIsNeverCommitted_F013) {
  source_->put("small", noise(1000, 1));
  sandbox_->fault(s3("GetObject", {{"flip_byte", 500}}));
  expect_ledger("small", "integrity");
}

TEST_F(Fault, FlippedByteOfALargePlainObjectIsNeverCommitted_F013) {
  source_->put("large", noise(40 * kMiB, 1));
  sandbox_->fault(s3("GetObject", {{"flip_byte", 12'345'678}}));
  expect_ledger("large", "integrity");
}

TEST_F(Fault, FlippedByteOnceIsReadAgain_F013) {
  const auto bytes = noise(5 * kMiB, 1);
  source_->put("key", bytes);
  sandbox_->fault(s3("GetObject", {{"flip_byte", 4 * kMiB}}, {{"times", 1}}));
  expect_arrives("key", bytes);
}

TEST_F(Fault, FlippedByteOfAMultipartObjectIsNeverCommitted_F014) {
  source_->put_in_parts("key", {noise(6 * kMiB, 1), noise(5 * kMiB, 2), noise(7, 3)});
  sandbox_->fault(s3("GetObject", {{"flip_byte", 7 * kMiB}}));
  expect_ledger("key", "integrity");
}

const boost::json::array kStoredChecksum{"x-amz-checksum-crc64nvme", "x-amz-checksum-type"};

TEST_F(Fault, FlippedByteOfAMultipartObjectWithoutAChecksumIsNeverCommitted_F015) {
  source_->put_in_parts("key", {noise(6 * kMiB, 1), noise(6 * kMiB, 2), noise(7, 3)});
  sandbox_->fault(s3("GetObject", {{"drop_headers", kStoredChecksum}, {"flip_byte", 7 * kMiB}}));
  expect_ledger("key", "integrity");
}

TEST_F(Fault, MultipartTagIsDerivedAgainWhateverTheSizesOfItsParts_F015) {
  const std::vector<std::string> parts{noise(6 * kMiB, 1), noise(5 * kMiB, 2), noise(7, 3)};
  source_->put_in_parts("key", parts);
  sandbox_->fault(s3("GetObject", {{"drop_headers", kStoredChecksum}}));
  expect_arrives("key", parts[0] + parts[1] + parts[2]);
  EXPECT_EQ(target_->describe("key")->at("metadata").at("ferry-check"), "parts");
}

TEST_F(Fault, ObjectWithNothingToCompareWithIsMarkedSo_F015) {
  const std::vector<std::string> parts{noise(6 * kMiB, 1), noise(5 * kMiB, 2), noise(7, 3)};
  source_->put_in_parts("key", parts);
  sandbox_->fault(s3("GetObject", {{"drop_headers", kStoredChecksum}}));
  sandbox_->fault(s3("HeadObject", {{"drop_headers", boost::json::array{"x-amz-mp-parts-count"}}}));
  expect_arrives("key", parts[0] + parts[1] + parts[2]);
  const auto copied = reported("copied");
  ASSERT_EQ(copied.size(), 1);
  EXPECT_EQ(copied[0].at("check"), "transport");
  EXPECT_EQ(target_->describe("key")->at("metadata").at("ferry-check"), "transport");
}

TEST_F(Fault, AnotherVersionsTagInTheReplyIsABadReply_F018) {
  source_->put("key", "bytes");
  sandbox_->fault(s3("GetObject", {{"set_headers", {{"ETag", "\"0123456789abcdef0123456789abcdef\""}}}}));
  const auto outcome = copy();
  EXPECT_NE(outcome.number("copied"), 1) << outcome.describe();
  expect_balanced(outcome);
  EXPECT_EQ(target_->get("key"), std::nullopt);
}

TEST_F(Fault, ReplyWithoutATagIsABadReply_F018) {
  source_->put("key", "bytes");
  sandbox_->fault(s3("GetObject", {{"drop_headers", boost::json::array{"ETag"}}}));
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 1) << outcome.describe();
  expect_balanced(outcome);
  EXPECT_EQ(target_->get("key"), std::nullopt);
}

TEST_F(Fault, SuccessWithAnErrorDocumentIsThatError_F029) {
  const auto* document =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InternalError</Code><Message>again</Message></Error>";
  source_->put("key", "bytes");
  const object action{{"status", 200}, {"body", document}, {"headers", {{"Content-Type", "application/xml"}}}};
  sandbox_->fault(s3("ListObjectsV2", action, {{"times", 2}}));
  sandbox_->fault(s3("GetObject", action, {{"times", 1}}));
  expect_arrives("key", "bytes");
}

TEST_F(Fault, ListingThatEndsInTheMiddleIsAskedForAgain_F024_F028) {
  for (int i = 0; i < 50; ++i) source_->put("k" + std::to_string(i), "x");
  sandbox_->fault(s3("ListObjectsV2", {{"truncate_to", 3000}, {"fix_length", true}}, {{"times", 1}}));
  sandbox_->fault(s3("ListObjectsV2", {{"cut_after", 3000}}, {{"times", 1}}));
  sandbox_->fault(s3("ListObjectsV2", {{"status", 500}}, {{"times", 1}}));
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 50);
}

TEST_F(Fault, OneForbiddenObjectDoesNotStopTheOthers_F030) {
  for (const auto* key : {"a", "secret", "z"}) source_->put(key, key);
  sandbox_->fault(
      s3("GetObject", {{"status", 403}, {"body", "<Error><Code>AccessDenied</Code></Error>"}}, {{"key", "secret"}}));
  expect_ledger("secret", "denied");
  EXPECT_EQ(target_->get("a"), "a");
  EXPECT_EQ(target_->get("z"), "z");
  EXPECT_LE(count(sandbox_->events(), "s3", "GetObject", "secret"), 2) << "no hot retry";
}

TEST_F(Fault, ArchivedObjectIsReportedAsSuch_F033) {
  source_->put("frozen", "bytes", {{"x-amz-storage-class", "GLACIER"}});
  source_->put("warm", "bytes");
  expect_ledger("frozen", "archived");
  EXPECT_EQ(target_->get("warm"), "bytes");
}

TEST_F(Fault, KmsTagIsNotTakenForAnMd5_F016) {
  source_->put("key", "bytes", {{"x-amz-server-side-encryption", "aws:kms"}});
  expect_arrives("key", "bytes");
}

// ---- the source sends us elsewhere ----------------------------------------------------------------------------------

TEST_F(Fault, RedirectsToAStrangerAreNotFollowed_F141_F142) {
  const testing::Listener evil;
  source_->put("key", "bytes");
  for (const int status : {301, 302, 307, 308}) {
    for (const auto* operation : {"ListObjectsV2", "GetObject"}) {
      sandbox_->clear_faults();
      sandbox_->fault(s3(operation, {{"status", status},
                                     {"redirect", evil.origin() + "/" + kSource + "/key"},
                                     {"headers", {{"x-amz-bucket-region", evil.origin().substr(7) + "/#"}}}}));
      const auto outcome = copy();
      EXPECT_NE(outcome.code(), 0) << status << " for " << operation << ": " << outcome.describe();
      EXPECT_FALSE(evil.was_called()) << status << " for " << operation;
    }
  }
  EXPECT_EQ(target_->get("key"), std::nullopt);
}

TEST_F(Fault, UploadSessionAtAStrangersIsRefused_F143) {
  const testing::Listener evil;
  source_->put("key", noise(20 * kMiB, 1));
  sandbox_->fault(gcs("StartSession", {{"set_headers", {{"Location", evil.origin() + "/upload?upload_id=1"}}}}));
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 1) << outcome.describe();
  EXPECT_FALSE(evil.was_called());
  EXPECT_EQ(target_->get("key"), std::nullopt);
}

// ---- the target fails -----------------------------------------------------------------------------------------------

TEST_F(Fault, RefusedBeforeAnythingWasStoredIsTriedAgain_F047) {
  source_->put("key", "bytes");
  for (const int status : {503, 408, 429, 500, 502}) {
    sandbox_->fault(gcs("InsertMultipart", {{"status", status}, {"headers", {{"Retry-After", "0"}}}}, {{"times", 1}}));
  }
  expect_arrives("key", "bytes");
}

TEST_F(Fault, CommittedAndThenFailedIsFoundAndNotSentTwice_F048) {
  source_->put("a", "bytes of a");
  source_->put("b", "bytes of b");
  sandbox_->fault(gcs("InsertMultipart", {{"commit_then", 500}}, {{"nth", 1}}));
  sandbox_->fault(gcs("InsertMultipart", {{"commit_then", "reset"}}, {{"nth", 1}}));
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 2);
  expect_same({"a", "b"});
  std::uint64_t commits = 0;
  for (const auto& event : sandbox_->events()) commits += event.is_commit("gcs") ? 1 : 0;
  EXPECT_EQ(commits, 2) << "one commit each";
}

TEST_F(Fault, LastChunkCommittedAndThenFailedIsFound_F049_F054) {
  const auto bytes = noise(40 * kMiB, 1);
  source_->put("key", bytes);
  sandbox_->fault(gcs("PutChunk", {{"commit_then", 503}}, {{"after", 2}, {"times", 1}}));
  expect_arrives("key", bytes);
  std::uint64_t commits = 0;
  for (const auto& event : sandbox_->events()) commits += event.is_commit("gcs") ? 1 : 0;
  EXPECT_EQ(commits, 1);
}

TEST_F(Fault, FewerBytesKeptThanSentAreSentAgain_F050_F051) {
  const auto bytes = noise(64 * kMiB, 1);
  source_->put("key", bytes);
  sandbox_->fault(gcs("PutChunk", {{"persist_only", 0}}, {{"nth", 1}}));
  sandbox_->fault(gcs("PutChunk", {{"persist_only", 256 * kKiB * 7}}, {{"nth", 2}}));
  expect_arrives("key", bytes);
}

TEST_F(Fault, SessionThatIsGoneIsReplaced_F053) {
  const auto bytes = noise(64 * kMiB, 1);
  source_->put("key", bytes);
  sandbox_->fault(gcs("PutChunk", {{"status", 410}}, {{"after", 1}, {"times", 1}}));
  sandbox_->fault(gcs("PutChunk", {{"status", 404}}, {{"after", 3}, {"times", 1}}));
  expect_arrives("key", bytes);
}

TEST_F(Fault, BytesFlippedOnTheWayUpAreRefusedAndReadAgain_F062) {
  const auto small = noise(10'000, 1);
  const auto large = noise(40 * kMiB, 2);
  source_->put("small", small);
  source_->put("large", large);
  sandbox_->fault(gcs("InsertMultipart", {{"flip_byte", 5'000}}, {{"times", 1}}));
  sandbox_->fault(gcs("PutChunk", {{"flip_byte", 5'000}}, {{"times", 1}}));
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  expect_same({"large", "small"});
}

TEST_F(Fault, ForbiddenOverwriteGoesToTheLedger_F059) {
  source_->put("held", "bytes");
  sandbox_->fault(gcs("InsertMultipart", {{"status", 403},
                                          {"body", R"({"error":{"code":403,"message":"retention policy",)"
                                                   R"("errors":[{"reason":"retentionPolicyNotMet"}]}})"}}));
  expect_ledger("held", "target-denied");
}

TEST_F(Fault, ReplyThatIsNotJsonIsNoSuccess_F067) {
  source_->put("key", "bytes");
  sandbox_->fault(gcs("InsertMultipart", {{"status", 200}, {"body", "<html>proxy login</html>"}}, {{"times", 1}}));
  expect_arrives("key", "bytes");
}

// ---- storms ---------------------------------------------------------------------------------------------------------

class Storm : public Fault {
 protected:
  /// From one moment on `service` refuses every request of a running copy; later it is well again.
  void expect_weathered(const std::string& service, const std::string& operation, object refusal) {
    constexpr std::uint64_t kAtOnce = 32;
    std::vector<std::string> keys;
    for (int i = 0; i < 300; ++i) keys.push_back("k" + std::to_string(i));
    for (const auto& key : keys) source_->put(key, "of " + key);
    sandbox_->fault({{"service", service}, {"op", operation}, {"action", std::move(refusal)}});
    const auto requests = [&] { return sandbox_->requests(service, operation); };
    const auto running = start_copy({"--transfers", std::to_string(kAtOnce)});
    ASSERT_TRUE(eventually([&] { return requests() >= kAtOnce + 4; }, kCopyMax));
    const auto begin = std::chrono::steady_clock::now();
    const auto first = requests();
    ASSERT_TRUE(eventually([&] { return requests() >= first + 3; }, kCopyMax));
    const Duration lasted = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(static_cast<double>(requests() - first), 20 + 10 * lasted.count()) << "one asks for all";
    sandbox_->clear_faults();
    const auto outcome = read_outcome(running->wait(kCopyMax));
    EXPECT_EQ(outcome.code(), 0) << outcome.describe();
    EXPECT_EQ(outcome.number("copied"), keys.size());
    expect_same(keys);
  }
};

TEST_F(Storm, OfSlowDownAnswersIsWaitedOutTogetherAndNothingIsLost_F068) {
  const auto* slow_down = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
  expect_weathered("s3", "GetObject", {{"status", 503}, {"body", slow_down}});
}

TEST_F(Storm, OfQuotaRefusalsSlowsEverythingDownTogetherAndEndsByItself_F061) {
  const auto* quota = R"({"error":{"code":429,"message":"quota","errors":[{"reason":"rateLimitExceeded"}]}})";
  expect_weathered("gcs", "InsertMultipart", {{"status", 429}, {"body", quota}});
}

TEST_F(Storm, OfRandomFailuresOnBothSidesEndsWell_F069) {
  std::vector<std::string> keys;
  for (int i = 0; i < 200; ++i) keys.push_back("k" + std::to_string(i));
  for (const auto& key : keys) source_->put(key, noise(1000, keys.size()));
  source_->put("large", noise(40 * kMiB, 7));
  keys.emplace_back("large");
  // The same failure sometimes hides a commit and sometimes doesn't: one coin for both.
  sandbox_->fault({{"service", "gcs"}, {"probability", 0.15}, {"seed", 11}, {"action", {{"commit_then", 500}}}});
  sandbox_->fault({{"service", "gcs"}, {"probability", 0.15}, {"seed", 12}, {"action", {{"status", 500}}}});
  sandbox_->fault({{"service", "s3"}, {"probability", 0.3}, {"seed", 13}, {"action", {{"status", 500}}}});
  const auto outcome = copy();
  sandbox_->clear_faults();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  expect_balanced(outcome);
  expect_same(keys);
  EXPECT_LE(sandbox_->requests("s3", "GetObject"), 6 * keys.size()) << "bounded attempts";
}

TEST_F(Storm, OfRewritesOfOneObjectEndsWithTheLastOne_F060) {
  const auto* quota = R"({"error":{"code":429,"message":"rate of updates","errors":[{"reason":"rateLimitExceeded"}]}})";
  sandbox_->fault(gcs("InsertMultipart", {{"status", 429}, {"body", quota}}, {{"probability", 0.5}, {"seed", 3}}));
  source_->put("hot", "version 0");
  auto running = start_copy();
  for (int version = 1; version <= 30; ++version) {
    source_->put("hot", "version " + std::to_string(version));
    if (running->running()) continue;
    const auto outcome = read_outcome(running->wait(kCopyMax));
    EXPECT_EQ(outcome.code(), 0) << outcome.describe();
    running = start_copy();
  }
  static_cast<void>(running->wait(kCopyMax));
  const auto last = copy();
  EXPECT_EQ(last.code(), 0) << last.describe();
  EXPECT_EQ(target_->get("hot"), "version 30");
}

// ---- tokens ---------------------------------------------------------------------------------------------------------

class Tokens : public SystemTest {
 protected:
  void start_strict(std::vector<std::string> arguments) {
    arguments.emplace_back("--gcs-auth");
    arguments.insert(arguments.end(), {"--buckets-gcs", kTarget, "--buckets-s3", kSource});
    sandbox_ = std::make_unique<Sandbox>(http_.get(), folder(), std::move(arguments));
    source_ = std::make_unique<S3Bucket>(http_.get(), sandbox_->account(), kSource);
    rules_.source_bucket = kSource;
    rules_.target_bucket = kTarget;
    credentials_ = {"--gcs-credentials", sandbox_->key_file().string(), "--gcs-token-origin", sandbox_->gcs()};
  }
  [[nodiscard]] std::uint64_t commits() {
    std::uint64_t seen = 0;
    for (const auto& event : sandbox_->events()) seen += event.is_commit("gcs") ? 1 : 0;
    return seen;
  }
  std::vector<std::string> credentials_;
};

TEST_F(Tokens, ThatExpireInTheMiddleOfAnUploadAreRenewed_F137) {
  start_strict({"--token-life", "2", "--rate", "10M"});
  source_->put("large", noise(40 * kMiB, 1));  // four seconds and more
  for (int i = 0; i < 20; ++i) source_->put("small/" + std::to_string(i), "bytes");
  const auto outcome = copy(credentials_);
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(commits(), 21);
  EXPECT_GE(sandbox_->requests("token"), 2);
}

TEST_F(Tokens, ThatAreRevokedAreReplacedOnce_F137) {
  start_strict({});
  source_->put("large", noise(80 * kMiB, 1));
  sandbox_->fault({{"service", "gcs"}, {"op", "PutChunk"}, {"nth", 2}, {"action", {{"status", 401}}}});
  const auto outcome = copy(credentials_);
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(commits(), 1);
  EXPECT_LE(sandbox_->requests("token"), 4);
}

TEST_F(Tokens, EndpointThatFailsForAWhileIsAskedAgain_F081_F138) {
  start_strict({});
  source_->put("key", "bytes");
  sandbox_->fault({{"service", "token"}, {"times", 2}, {"action", {{"status", 503}}}});
  const auto outcome = copy(credentials_);
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(commits(), 1);
}

TEST_F(Tokens, NoneOrWrongOnesAreRefusedInOneLine_F065) {
  start_strict({});
  source_->put("key", "bytes");
  const auto anonymous = copy({"--gcs-anonymous"}, {}, Duration{10});
  EXPECT_EQ(anonymous.code(), 3) << anonymous.describe();
  EXPECT_NE(anonymous.ended.err.find("gs://" + kTarget), std::string::npos) << anonymous.ended.err;
  EXPECT_NE(anonymous.ended.err.find("401"), std::string::npos) << anonymous.ended.err;

  sandbox_->fault({{"service", "token"}, {"action", {{"status", 400}, {"body", R"({"error":"invalid_grant"})"}}}});
  const auto denied = copy(credentials_, {}, Duration{10});
  EXPECT_EQ(denied.code(), 3) << denied.describe();
  EXPECT_NE(denied.ended.err.find("invalid_grant"), std::string::npos) << denied.ended.err;
  EXPECT_EQ(commits(), 0);
}

TEST_F(Tokens, EndpointOfAStrangerIsRefused_F144) {
  start_strict({});
  const auto outcome = copy({"--gcs-credentials", sandbox_->key_file().string()});
  EXPECT_EQ(outcome.code(), 2) << outcome.describe();
  EXPECT_NE(outcome.ended.err.find("token_uri"), std::string::npos) << outcome.ended.err;
  EXPECT_EQ(sandbox_->requests("token"), 0);
}

}  // namespace
}  // namespace ferry::system_test
