#include "migrate/migrator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>

#include "kit/async/task_group.hpp"
#include "testing/world.hpp"

namespace ferry {
namespace {

using memory::StateOp;
using memory::TargetOp;
using testing::World;

const Error kDown{ErrorKind::kUnavailable, "503 SlowDown"};

std::string bytes_of(std::size_t size, unsigned seed = 1) {
  std::string bytes(size, '\0');
  std::uint32_t x = seed * 2654435761U + 1;
  for (char& byte : bytes) byte = static_cast<char>((x = x * 1664525U + 1013904223U) >> 24);
  return bytes;
}

/// Every commit that ever became visible held the bytes of a real version (I2), and its provenance names that one (I5).
void expect_commits_are(const World& world, const std::vector<std::string>& versions) {
  for (const auto& commit : world.target->commits()) {
    EXPECT_NE(std::ranges::find(versions, *commit.bytes), versions.end()) << "bytes that the source never had";
    const auto provenance = parse_provenance(commit.metadata);
    ASSERT_TRUE(provenance);
    EXPECT_EQ(provenance->size, commit.bytes->size());
  }
}

TEST(Migrator, BringsBytesHeadersAndMetadata_F020_F021) {
  World world;
  PutOptions options;
  options.content.type = "image/png";
  options.content.cache_control = "no-store";
  options.content.encoding = "gzip";
  options.user = {{"owner", "ann"}};
  world.source->put("a", "hello", options);
  world.source->put("empty", "");
  world.source->put("dir/", "");
  world.source->put("full/", "bytes");
  ASSERT_TRUE(world.copy());
  const auto object = world.target->object(ObjectKey{"a"});
  ASSERT_TRUE(object);
  EXPECT_EQ(*object->bytes, "hello");
  EXPECT_EQ(object->content, options.content);
  EXPECT_NE(std::ranges::find(object->metadata, UserMetadata::value_type{"owner", "ann"}), object->metadata.end());
  EXPECT_TRUE(world.has("empty"));
  EXPECT_TRUE(world.has("dir/"));
  EXPECT_EQ(world.text("full/"), "bytes");
  EXPECT_EQ(world.tally->copied, 4u);
  EXPECT_EQ(world.tally->rungs[static_cast<std::size_t>(Rung::kMd5)], 4u);
  EXPECT_TRUE(world.books_balance());
}

TEST(Migrator, CostsOneReadAndNoMetadataLookupForANewObject) {
  World world;
  world.source->put("a", "hello");
  world.target->fail_next(TargetOp::kStat, kDown);  // would show if it were asked
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.source->counts().opens, 1u);
  EXPECT_EQ(world.source->counts().stats, 0u);
  EXPECT_EQ(world.tally->retried, 0u);
}

TEST(Migrator, MovesObjectsOfEverySizeAroundTheBorders) {
  World world;
  world.target_options.single_bytes_max = 1 << 20;
  std::vector<std::string> versions;
  PutOptions parts;
  parts.part_size = 5 << 20;  // no MD5: large ones go through a session
  for (const std::size_t size :
       {0, 1, 262'143, 262'144, 262'145, 524'288, 524'289, 1 << 20, (1 << 20) + 1, 3'000'000, 9 << 20}) {
    versions.push_back(bytes_of(size, static_cast<unsigned>(size)));
    world.source->put("plain-" + std::to_string(size), versions.back());
    world.source->put("parts-" + std::to_string(size), versions.back(), parts);
  }
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->copied, versions.size() * 2);
  for (const auto& commit : world.target->commits()) {
    EXPECT_TRUE(*commit.bytes == *world.source->bytes(commit.key.str())) << commit.key.str();
  }
}

// --- the source changes -------------------------------------------------------------------------------------------

TEST(Migrator, TakesAnObjectOverwrittenAfterListingAsSuperseded_F001) {
  World world;
  world.source->put("a", "one");
  auto plans = world.plan();
  world.wait(std::chrono::seconds{2});
  world.source->put("a", "two");
  ASSERT_TRUE(world.deliver(*plans));
  EXPECT_EQ(world.tally->superseded, 1u);
  EXPECT_FALSE(world.has("a"));
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("a"), "two");
}

TEST(Migrator, NeverMixesVersionsWhenAnObjectIsOverwrittenWhileItStreams_F002) {
  World world;
  const auto one = bytes_of(3'000'000, 1), two = bytes_of(3'000'000, 2);
  world.source->put("a", one);
  world.source->when_read("a", 1'000'000, [&] {
    world.wait(std::chrono::seconds{2});
    world.source->put("a", two);
  });
  ASSERT_TRUE(world.copy());
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == two);
  expect_commits_are(world, {one, two});
}

TEST(Migrator, AbandonsTheAttemptWhenARereadMeetsAnotherVersion_F003) {
  World world;
  const auto one = bytes_of(20'000'000, 1), two = bytes_of(20'000'000, 2);
  PutOptions parts;
  parts.part_size = 8 << 20;
  world.source->put("a", one, parts);
  world.source->when_read("a", 10'000'000, [&] {
    world.wait(std::chrono::seconds{2});
    world.source->put("a", two, parts);
  });
  world.target->cut_write(ObjectKey{"a"}, 12'000'000, 5'000'000);  // makes it read again, from below the change
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->superseded, 1u);
  EXPECT_FALSE(world.has("a"));
  EXPECT_EQ(world.target->open_sessions(), 0u);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == two);
  expect_commits_are(world, {two});
}

TEST(Migrator, EndsAsAWhenContentGoesFromAToBToA_F004) {
  World world;
  world.source->put("k", "A");
  auto first = world.plan();
  world.wait(std::chrono::seconds{2});
  world.source->put("k", "B");
  auto second = world.plan();
  world.wait(std::chrono::seconds{2});
  world.source->put("k", "A");
  auto third = world.plan();
  ASSERT_TRUE(first && second && third);
  // Any order of delivery; the tag of the first equals that of the third.
  std::vector<TransferPlan> all{second->at(0), first->at(0), third->at(0)};
  ASSERT_TRUE(world.deliver(all, 3));
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("k"), "A");
  const auto provenance = parse_provenance(world.target->object(ObjectKey{"k"})->metadata);
  EXPECT_EQ(provenance->version.modified, world.source->at("k")->version.modified);
}

TEST(Migrator, RepairsARevertInsideOneSecond_F005) {
  World world;
  PutOptions at;
  at.modified = Seconds{std::chrono::seconds{1'700'000'000}};
  world.source->put("k", "A", at);
  world.source->put("k", "B", at);
  ASSERT_TRUE(world.copy());
  world.source->put("k", "A", at);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("k"), "A") << "provenance tells B from A although both have the same time";
}

TEST(Migrator, CountsAnObjectThatVanishedAfterListing_F006) {
  World world;
  world.source->put("a", "one");
  auto plans = world.plan();
  world.source->remove("a");
  ASSERT_TRUE(world.deliver(*plans));
  EXPECT_EQ(world.tally->superseded, 1u);
  EXPECT_TRUE(world.ledger().empty());
  EXPECT_FALSE(world.has("a"));
}

TEST(Migrator, FinishesTheVersionItReadsWhenTheObjectIsDeletedMeanwhile_F007) {
  World world;
  const auto one = bytes_of(3'000'000);
  world.source->put("a", one);
  world.source->when_read("a", 1'000'000, [&] { world.source->remove("a"); });
  ASSERT_TRUE(world.copy());
  expect_commits_are(world, {one});
  EXPECT_TRUE(world.books_balance());
}

TEST(Migrator, MigratesAnObjectThatWasDeletedAndMadeAgain_F008) {
  World world;
  world.source->put("a", "one");
  ASSERT_TRUE(world.copy());
  world.source->remove("a");
  world.wait(std::chrono::seconds{2});
  world.source->put("a", "two");
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("a"), "two");
}

TEST(Migrator, BringsMetadataThatWasRewrittenInPlace_F009) {
  World world;
  world.source->put("a", "same");
  ASSERT_TRUE(world.copy());
  world.wait(std::chrono::seconds{2});
  PutOptions options;
  options.user = {{"owner", "bob"}};
  world.source->put("a", "same", options);
  ASSERT_TRUE(world.copy());
  const auto metadata = world.target->object(ObjectKey{"a"})->metadata;
  EXPECT_NE(std::ranges::find(metadata, UserMetadata::value_type{"owner", "bob"}), metadata.end());
}

// --- bytes go wrong -------------------------------------------------------------------------------------------------

TEST(Migrator, RefusesABodyOfAnotherLengthThanListed_F011) {
  World world;
  world.source->put("a", "hello");
  world.source->list_size("a", 9);
  ASSERT_TRUE(world.copy());
  EXPECT_FALSE(world.has("a"));
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_EQ(world.ledger()[0].reason, FailureReason::kIntegrity);
}

TEST(Migrator, NeverShowsFlippedBytesWhenTheTagIsAnMd5_F013) {
  for (const std::size_t size : {100u, 3'000'000u}) {
    World world;
    const auto good = bytes_of(size);
    world.source->put("a", good);
    world.source->flip("a", size / 2, MemoryBucket::kAlways);
    ASSERT_TRUE(world.copy());
    EXPECT_TRUE(world.target->commits().empty());
    ASSERT_EQ(world.ledger().size(), 1u);
    EXPECT_EQ(world.ledger()[0].reason, FailureReason::kIntegrity);
    EXPECT_EQ(world.ledger()[0].attempts, 5u);
    world.source->heal();
    ASSERT_TRUE(world.copy());
    EXPECT_TRUE(world.text("a") == good);
    EXPECT_TRUE(world.ledger().empty()) << "a success clears the ledger";
  }
}

TEST(Migrator, RetriesOneFlippedByteAndSucceeds_F013) {
  World world;
  world.source->put("a", "hello");
  world.source->flip("a", 2, 1);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("a"), "hello");
  EXPECT_EQ(world.tally->retried, 1u);
}

TEST(Migrator, NeverShowsFlippedBytesWhenAnyFullObjectChecksumIsStored_F014) {
  for (const HashKind kind :
       {HashKind::kCrc32c, HashKind::kCrc64nvme, HashKind::kCrc32, HashKind::kSha256, HashKind::kSha1}) {
    for (const std::size_t size : {100u, 20'000'000u}) {
      World world;
      const auto good = bytes_of(size);
      PutOptions options;
      options.part_size = 8 << 20;
      auto hash = make_hash(kind);
      hash->update(good);
      options.checksums = {hash->digest()};
      world.source->put("a", good, options);
      world.source->flip("a", size - 1, MemoryBucket::kAlways);
      ASSERT_TRUE(world.copy());
      EXPECT_TRUE(world.target->commits().empty()) << to_string(kind);
      EXPECT_EQ(world.target->open_sessions(), 0u) << "wrong bytes must not be resumed later";
      world.source->heal();
      ASSERT_TRUE(world.copy());
      EXPECT_TRUE(world.text("a") == good) << to_string(kind);
    }
  }
}

std::uint64_t rung_count(const World& world, Rung rung) { return world.tally->rungs[static_cast<std::size_t>(rung)]; }

TEST(Migrator, DerivesTheTagOfAnUploadInPartsAgain_F015) {
  World world;
  const auto good = bytes_of(20'000'000);
  PutOptions options;
  options.part_size = 8 << 20;
  world.source->put("a", good, options);
  world.source->flip("a", 9'000'000, MemoryBucket::kAlways);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.target->commits().empty());
  EXPECT_EQ(world.target->open_sessions(), 0u) << "wrong bytes must not be resumed later";
  world.source->heal();
  const auto asked = world.source->counts().parts;
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == good);
  EXPECT_EQ(rung_count(world, Rung::kParts), 1u);
  EXPECT_EQ(world.source->counts().parts, asked + 1) << "parts of one size cost one question";
}

TEST(Migrator, AnUploadInOnePartCostsNoQuestion_F015) {
  World world;
  PutOptions options;
  options.part_size = 8 << 20;
  world.source->put("a", "hello", options);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(rung_count(world, Rung::kParts), 1u);
  EXPECT_EQ(world.source->counts().parts, 0u);
}

TEST(Migrator, UnevenPartsAreNoDamage_F015) {
  const auto good = bytes_of(1'000'000);
  // The first could be any part's size; with the second set, it could not.
  for (const std::vector<std::size_t>& sizes :
       {std::vector<std::size_t>{400'000, 500'000, 100'000}, std::vector<std::size_t>{100'000, 500'000, 400'000}}) {
    World world;
    PutOptions options;
    options.part_sizes = sizes;
    world.source->put("a", good, options);
    ASSERT_TRUE(world.copy());
    EXPECT_TRUE(world.text("a") == good);
    EXPECT_EQ(rung_count(world, Rung::kParts), 1u);
    EXPECT_EQ(world.tally->retried, 0u);
  }
}

TEST(Migrator, DamageInUnevenPartsIsFound_F015) {
  World world;
  PutOptions options;
  options.part_sizes = {400'000, 500'000, 100'000};
  world.source->put("a", bytes_of(1'000'000), options);
  world.source->flip("a", 450'000, MemoryBucket::kAlways);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.target->commits().empty());
  EXPECT_EQ(world.tally->failed, 1u);
}

TEST(Migrator, MarksAnObjectWhosePartsCannotBeHadAsTransportOnly_F015) {
  World world;
  PutOptions options;
  options.part_size = 4;
  options.tells_parts = false;
  world.source->put("a", "hello", options);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("a"), "hello");
  EXPECT_EQ(rung_count(world, Rung::kTransport), 1u);
}

/// Encrypted and uploaded in two parts: only the stored checksum of the parts' checksums can vouch for the bytes.
PutOptions composite(const std::string& bytes, HashKind kind, std::size_t first) {
  PutOptions options;
  options.encryption = Encryption::kKms;
  options.part_sizes = {first, bytes.size() - first};
  const auto hash = make_pieces_hash(kind, {first, bytes.size() - first});
  hash->update(bytes);
  options.composites = {{hash->digest(), 2}};
  return options;
}

TEST(Migrator, DerivesCompositeChecksumsOfEveryKindAgain_F014) {
  const std::pair<HashKind, Rung> kinds[] = {{HashKind::kCrc32c, Rung::kCrc32cParts},
                                             {HashKind::kCrc32, Rung::kCrc32Parts},
                                             {HashKind::kSha1, Rung::kSha1Parts},
                                             {HashKind::kSha256, Rung::kSha256Parts}};
  for (const auto& [kind, rung] : kinds) {
    World world;
    const auto good = bytes_of(1'000'000);
    world.source->put("a", good, composite(good, kind, 700'000));
    world.source->flip("a", 900'000, MemoryBucket::kAlways);
    ASSERT_TRUE(world.copy());
    EXPECT_TRUE(world.target->commits().empty()) << to_string(kind);
    world.source->heal();
    ASSERT_TRUE(world.copy());
    EXPECT_TRUE(world.text("a") == good);
    EXPECT_EQ(rung_count(world, rung), 1u) << to_string(kind);
    EXPECT_EQ(parse_provenance(world.target->object(ObjectKey{"a"})->metadata)->check, rung);
  }
}

TEST(Migrator, CompositeChecksumOfUnevenPartsIsNoDamage_F015) {
  World world;
  const auto good = bytes_of(1'000'000);
  auto options = composite(good, HashKind::kCrc32c, 400'000);
  options.part_sizes = {400'000, 350'000, 250'000};
  const auto hash = make_pieces_hash(HashKind::kCrc32c, {400'000, 350'000, 250'000});
  hash->update(good);
  options.composites = {{hash->digest(), 3}};
  world.source->put("a", good, options);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == good);
  EXPECT_EQ(rung_count(world, Rung::kCrc32cParts), 1u);
  EXPECT_EQ(world.tally->retried, 0u);
}

TEST(Migrator, FastAsksForNothingAndComputesNothing) {
  World world;
  world.migrator_options.choices.integrity = Integrity::kFast;
  const auto good = bytes_of(1'000'000);
  auto options = composite(good, HashKind::kSha256, 700'000);
  options.encryption = Encryption::kNone;
  world.source->put("parts", good, options);
  world.source->put("plain", good);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.source->counts().parts, 0u);
  EXPECT_EQ(rung_count(world, Rung::kTransport), 1u);
  EXPECT_EQ(rung_count(world, Rung::kMd5), 1u) << "it costs nothing: the target verifies it";
}

TEST(Migrator, FullChecksEveryChecksumThatIsStored) {
  World world;
  world.migrator_options.choices.integrity = Integrity::kFull;
  const auto good = bytes_of(1'000'000);
  PutOptions options;
  options.part_size = 400'000;
  const auto hash = make_hash(HashKind::kCrc64nvme);
  hash->update(good);
  options.checksums = {hash->digest()};
  world.source->put("agree", good, options);
  options.checksums.push_back({HashKind::kSha256, std::string(32, 'x')});
  world.source->put("disagree", good, options);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("agree") == good);
  EXPECT_EQ(rung_count(world, Rung::kCrc64nvme), 1u);
  EXPECT_GE(world.source->counts().parts, 2u) << "the parts are proof, too";
  EXPECT_FALSE(world.has("disagree"));
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_NE(world.ledger().front().what.find("sha256"), std::string::npos) << world.ledger().front().what;
}

TEST(Migrator, FullReadsTwiceWhatHasNoChecksum) {
  World world;
  world.migrator_options.choices.integrity = Integrity::kFull;
  const auto good = bytes_of(20'000'000);
  PutOptions options;
  options.encryption = Encryption::kKms;
  world.source->put("a", good, options);
  world.source->flip("a", 9'000'000, 1);  // only the first reading
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == good);
  EXPECT_EQ(world.tally->retried, 1u) << "two readings differed";
  EXPECT_EQ(rung_count(world, Rung::kReadTwice), 1u);
  expect_commits_are(world, {good});
}

TEST(Migrator, GoesOnFromTheSavedStatesOfAllDigests) {
  World world;
  world.migrator_options.choices.integrity = Integrity::kFull;
  const auto good = bytes_of(40'000'000);
  auto options = composite(good, HashKind::kCrc32c, 16 << 20);
  const auto hash = make_hash(HashKind::kCrc64nvme);
  hash->update(good);
  options.checksums = {hash->digest()};
  world.source->put("a", good, options);
  world.target->cut_write(ObjectKey{"a"}, 30'000'000, 20'000'000);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == good);
  EXPECT_EQ(world.tally->retried, 0u);
  EXPECT_EQ(rung_count(world, Rung::kCrc64nvme), 1u);
}

TEST(Migrator, DoesNotTakeTheTagOfAnEncryptedObjectAsItsHash_F016) {
  World world;
  PutOptions options;
  options.encryption = Encryption::kKms;
  options.etag = ETag{"\"0123456789abcdef0123456789abcdef\""};
  world.source->put("a", "hello", options);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("a"), "hello");
  EXPECT_EQ(world.tally->rungs[static_cast<std::size_t>(Rung::kTransport)], 1u);
}

// --- metadata -------------------------------------------------------------------------------------------------------

std::uint64_t loss_count(const World& world, Loss loss) { return world.tally->losses[static_cast<std::size_t>(loss)]; }

TEST(Migrator, AsksForTagsOnlyWhereThereAreSome) {
  World world;
  PutOptions tagged;
  tagged.tags = {{"Project", "x"}};
  world.source->put("plain", "a");
  world.source->put("tagged", "b", tagged);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.source->counts().tags, 1u);
  EXPECT_EQ(world.tally->lossy, 0u);
  const auto metadata = world.target->object(ObjectKey{"tagged"})->metadata;
  EXPECT_NE(std::ranges::find(metadata, UserMetadata::value_type{"s3-tag-Project", "x"}), metadata.end());
}

TEST(Migrator, TagsThatAreNotWantedCostNothingAndAreNamed) {
  World world;
  world.migrator_options.choices.metadata.tags = TagsTo::kNowhere;
  PutOptions tagged;
  tagged.tags = {{"Project", "x"}};
  world.source->put("tagged", "b", tagged);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.source->counts().tags, 0u);
  EXPECT_EQ(loss_count(world, Loss::kTags), 1u);
  EXPECT_EQ(world.tally->lossy, 1u);
}

TEST(Migrator, TagsThatAreForbiddenDoNotKeepTheObject) {
  World world;
  PutOptions tagged;
  tagged.tags = {{"Project", "x"}};
  world.source->put("tagged", "b", tagged);
  world.source->fail_tags("tagged", Error{ErrorKind::kDenied, "403"}, MemoryBucket::kAlways);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("tagged"), "b");
  EXPECT_EQ(loss_count(world, Loss::kTags), 1u);
}

TEST(Migrator, TagsThatCannotBeHadForNowAreAskedForAgain) {
  World world;
  PutOptions tagged;
  tagged.tags = {{"Project", "x"}};
  world.source->put("tagged", "b", tagged);
  world.source->fail_tags("tagged", Error{ErrorKind::kUnavailable, "503"}, 1);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->copied, 1u);
  EXPECT_EQ(world.tally->retried, 1u);
  EXPECT_EQ(world.tally->lossy, 0u);
}

TEST(Migrator, NamesLossesAlsoWhereTheAnswerToTheCommitWasLost) {
  World world;
  PutOptions options;
  options.website_redirect = true;
  world.source->put("a", "hello", options);
  world.target->lose_answer(ObjectKey{"a"});
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->copied, 1u);
  EXPECT_EQ(loss_count(world, Loss::kWebsiteRedirect), 1u);
}

TEST(Migrator, BringsClassTimeAndContextsByChoice) {
  World world;
  auto& choices = world.migrator_options.choices.metadata;
  choices.tags = TagsTo::kContexts;
  choices.storage_classes = {{"STANDARD_IA", "NEARLINE"}};
  choices.modified_as_custom_time = true;
  PutOptions options;
  options.storage_class = "STANDARD_IA";
  options.tags = {{"Project", "x"}};
  const auto version = world.source->put("a", "hello", options);
  ASSERT_TRUE(world.copy());
  const auto object = world.target->object(ObjectKey{"a"});
  EXPECT_EQ(object->storage_class, "NEARLINE");
  EXPECT_EQ(object->custom_time, version.modified);
  EXPECT_EQ(object->contexts, (Tags{{"Project", "x"}}));
}

// --- messages -------------------------------------------------------------------------------------------------------

/// Hands out one batch, then says that there is no more.
class OneBatchQueue final : public MessageQueue {
 public:
  struct Seen {
    int acks = 0, nacks = 0;
  };
  explicit OneBatchQueue(std::vector<Delivery> batch) : batch_(std::move(batch)) {}
  Task<Status> publish(std::vector<TransferPlan>) override { co_return Unit{}; }
  Task<Result<std::vector<Delivery>>> receive(std::size_t) override {
    ++received;
    co_return std::exchange(batch_, {});
  }
  void close() override {}
  void abort() override {}
  std::size_t waiting() const override { return batch_.size(); }
  int received = 0;

 private:
  std::vector<Delivery> batch_;
};

class CountedSettlement final : public Settlement {
 public:
  explicit CountedSettlement(OneBatchQueue::Seen* seen) : seen_(seen) {}
  void ack() override { ++seen_->acks; }
  void nack(Milliseconds) override { ++seen_->nacks; }

 private:
  OneBatchQueue::Seen* seen_;
};

Delivery delivery_of(OneBatchQueue::Seen* seen, const std::string& key, std::string defect = {}) {
  TransferPlan plan;
  plan.key = ObjectKey{key};
  plan.etag = ETag{"\"tag\""};
  return Delivery{std::move(plan), 1, std::make_unique<CountedSettlement>(seen), std::move(defect)};
}

class Messages : public ::testing::Test {
 protected:
  std::unique_ptr<Migrator> migrator(OneBatchQueue* queue) {
    source_ = memory_source(world_.source);
    target_ = memory::make_target(world_.target, world_.target_options);
    return std::make_unique<Migrator>(world_.job, world_.migrator_options, source_.get(), target_.get(), queue,
                                      world_.state.get(), world_.tally.get(), &world_.sink, &world_.clock, &world_.rng);
  }

  World world_;
  std::unique_ptr<ObjectSource> source_;
  std::unique_ptr<ObjectTarget> target_;
  OneBatchQueue::Seen seen_;
};

TEST_F(Messages, ThatCannotBeReadGoToTheLedgerAndAreAcknowledged_F089) {
  std::vector<Delivery> batch;
  batch.push_back(delivery_of(&seen_, "(message 17)", "not JSON: 9 bytes"));
  OneBatchQueue queue{std::move(batch)};
  ASSERT_TRUE(testing::run(world_.context, migrator(&queue)->run(), &world_.clock));
  EXPECT_EQ(seen_.acks, 1);
  const auto ledger = world_.ledger();
  ASSERT_EQ(ledger.size(), 1u);
  EXPECT_EQ(ledger[0].key.str(), "(message 17)");
  EXPECT_EQ(ledger[0].reason, FailureReason::kMessage);
  EXPECT_EQ(ledger[0].what, "not JSON: 9 bytes");
  EXPECT_EQ(world_.source->counts().opens + world_.source->counts().stats, 0u);
}

TEST_F(Messages, AreNotTakenWhilePaused) {
  world_.source->put("a", "hello");
  std::vector<Delivery> batch;
  batch.push_back(delivery_of(&seen_, "a"));
  OneBatchQueue queue{std::move(batch)};
  const auto paused = migrator(&queue);
  paused->set_paused(true);
  TaskGroup group{world_.context.get_executor()};
  group.spawn([](Migrator* worker) -> Task<> { (void)co_await worker->run(); }(paused.get()));
  world_.context.restart();
  world_.context.poll();
  EXPECT_EQ(queue.received, 0);
  paused->set_paused(false);
  testing::run(world_.context, group.join(), &world_.clock);
  EXPECT_EQ(queue.received, 2);
  EXPECT_EQ(seen_.acks, 1) << "superseded: the tag is another";
}

// --- single objects refuse ------------------------------------------------------------------------------------------

TEST(Migrator, LetsOthersPassWhenOneObjectIsDenied_F030_F090) {
  World world;
  for (int i = 0; i < 50; ++i) world.source->put("k" + std::to_string(i), "x");
  world.source->deny("k7");
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->copied, 49u);
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_EQ(world.ledger()[0].reason, FailureReason::kDenied);
  EXPECT_EQ(world.ledger()[0].attempts, 1u) << "no hot retry of what can't succeed";
}

TEST(Migrator, GivesUpOnAnObjectThatAlwaysFailsAfterAFewAttempts_F090) {
  World world;
  world.source->put("bad", "x");
  world.source->put("good", "x");
  world.source->fail_open("bad", kDown, MemoryBucket::kAlways);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.has("good"));
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_EQ(world.ledger()[0].reason, FailureReason::kUnavailable);
  EXPECT_EQ(world.ledger()[0].attempts, 5u);
  EXPECT_TRUE(world.books_balance());
}

TEST(Migrator, PutsArchivedObjectsIntoTheLedgerAndPicksThemUpLater_F033) {
  World world;
  world.source->put("a", "x");
  world.source->fail_open("a", Error{ErrorKind::kArchived, "InvalidObjectState: GLACIER"});
  ASSERT_TRUE(world.copy());
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_EQ(world.ledger()[0].reason, FailureReason::kArchived);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.has("a"));
  EXPECT_TRUE(world.ledger().empty());
}

class Archived : public ::testing::Test {
 protected:
  Archived() {
    PutOptions options;
    options.storage_class = "GLACIER";
    world_.source->put("frozen", "x", std::move(options));
    world_.scan_options.policy.restore = true;
    world_.migrator_options.choices.restore = RestoreWish{7, "Bulk"};
  }
  World world_;
};

TEST_F(Archived, StaysInTheLedgerWithoutBeingReadWhereNobodyAsksForIt_F033) {
  world_.scan_options.policy.restore = false;
  ASSERT_TRUE(world_.copy());
  ASSERT_EQ(world_.ledger().size(), 1u);
  EXPECT_EQ(world_.ledger()[0].reason, FailureReason::kArchived);
  EXPECT_EQ(world_.source->counts().opens, 0u);
  EXPECT_TRUE(world_.books_balance());
}

TEST_F(Archived, IsAskedForOnceAndCopiedWhenItIsReady_F033) {
  ASSERT_TRUE(world_.copy());
  ASSERT_EQ(world_.source->restores().size(), 1u);
  EXPECT_EQ(world_.source->restores()[0].days, 7u);
  EXPECT_EQ(world_.tally->restores, 1u);
  ASSERT_EQ(world_.ledger().size(), 1u);
  EXPECT_EQ(world_.ledger()[0].reason, FailureReason::kArchived);
  EXPECT_NE(world_.ledger()[0].what.find("asked for its restore"), std::string::npos) << world_.ledger()[0].what;
  EXPECT_TRUE(world_.books_balance());

  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.source->counts().restores, 1u) << "the listing says that it is under way";
  EXPECT_EQ(world_.ledger().size(), 1u);

  world_.source->finish_restores();
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.text("frozen"), "x");
  EXPECT_TRUE(world_.ledger().empty());
  EXPECT_EQ(world_.source->restores().size(), 1u);
}

TEST_F(Archived, IsPaidForOnceAlsoWhereTheListingTellsNothing_F033) {
  world_.source->hide_access();
  ASSERT_TRUE(world_.copy());
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.source->restores().size(), 1u);
  EXPECT_EQ(world_.tally->restores, 0u) << "of the second run";
  EXPECT_NE(world_.ledger().at(0).what.find("under way"), std::string::npos);
  world_.source->finish_restores();
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.text("frozen"), "x");
}

TEST_F(Archived, TieredObjectsComeBackForGoodAndTakeNoDays) {
  PutOptions options;
  options.storage_class = "INTELLIGENT_TIERING";
  options.access = Access::kArchived;
  world_.source->put("frozen", "x", std::move(options));
  ASSERT_TRUE(world_.copy());
  ASSERT_EQ(world_.source->restores().size(), 1u);
  EXPECT_EQ(world_.source->restores()[0].days, std::nullopt);
}

TEST_F(Archived, RefusedRestoresAreNoFaultOfTheSetUp) {
  for (int i = 0; i < 30; ++i) {
    PutOptions options;
    options.storage_class = "GLACIER";
    const auto key = "a" + std::to_string(i);
    world_.source->put(key, "x", std::move(options));
    world_.source->fail_restore(key, Error{ErrorKind::kDenied, "403 AccessDenied"});
  }
  world_.source->put("warm", "x");
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.text("warm"), "x");
  EXPECT_EQ(world_.tally->failed, 31u);
  EXPECT_EQ(world_.ledger().at(0).reason, FailureReason::kArchived);
  EXPECT_NE(world_.ledger().at(0).what.find("403 AccessDenied"), std::string::npos);
}

TEST(Migrator, ReadsTheVersionThatAPlanNames) {
  World world;
  PutOptions options;
  options.version_id = VersionId{"v1"};
  const auto version = world.source->put("a", "x", std::move(options));
  TransferPlan plan;
  plan.key = ObjectKey{"a"};
  plan.etag = version.etag;
  plan.version_id = VersionId{"v1"};
  ASSERT_TRUE(world.deliver({plan}));
  EXPECT_EQ(world.text("a"), "x");
  plan.version_id = VersionId{"v0"};
  ASSERT_TRUE(world.deliver({plan}));
  EXPECT_EQ(world.tally->superseded, 1u) << "never another one instead";
}

TEST(Migrator, BringsTheNewestWhereAnOldListingNamesAVersionThatIsGone) {
  World world;
  TransferPlan plan;
  plan.key = ObjectKey{"a"};
  plan.etag = world.source->put("a", "old").etag;
  plan.modified = Seconds{std::chrono::seconds{1}};
  plan.target_generation = Generation{};
  world.wait(std::chrono::seconds{10});
  world.source->put("a", "new");
  ASSERT_TRUE(world.deliver({plan}));
  EXPECT_EQ(world.tally->superseded, 1u);
  plan.or_newest = true;
  ASSERT_TRUE(world.deliver({plan}));
  EXPECT_EQ(world.text("a"), "new");
  EXPECT_EQ(world.tally->copied, 1u);
  ASSERT_TRUE(world.deliver({plan}));
  EXPECT_EQ(world.tally->unchanged, 1u) << "it is at the target by now";
  EXPECT_EQ(world.target->commits().size(), 1u);

  world.source->remove("a");
  ASSERT_TRUE(world.deliver({plan}));
  EXPECT_EQ(world.tally->superseded, 1u) << "gone, not failed";
  EXPECT_TRUE(world.ledger().empty());
}

TEST(Migrator, ReportsMetadataThatTheTargetCannotHold_F043) {
  World world;
  PutOptions options;
  for (int i = 0; i < 400; ++i) options.user.emplace_back("name-" + std::to_string(1000 + i), std::string(20, 'v'));
  world.source->put("a", "x", options);
  ASSERT_TRUE(world.copy());
  EXPECT_FALSE(world.has("a"));
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_EQ(world.ledger()[0].reason, FailureReason::kMetadata);
}

TEST(Migrator, ReportsATargetThatForbidsOneWrite_F059) {
  World world;
  world.source->put("held", "x");
  world.source->put("free", "x");
  world.target->deny(ObjectKey{"held"});
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.has("free"));
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_EQ(world.ledger()[0].reason, FailureReason::kTargetDenied);
}

TEST(Migrator, StopsEarlyWhenOneSideRefusesEverything_F065) {
  World world;
  for (int i = 0; i < 500; ++i) world.source->put("k" + std::to_string(i), "x");
  world.target->fail_next(TargetOp::kBegin, Error{ErrorKind::kDenied, "403"}, 500);
  const auto copied = world.copy();
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().kind, ErrorKind::kDenied);
  EXPECT_LT(world.ledger().size(), 30u) << "the ledger is for objects, not for a wrong set-up";
}

TEST(Migrator, AServiceWaitsWhileOneSideRefusesEverything_F031_F065) {
  World world;
  for (int i = 0; i < 100; ++i) world.source->put("k" + std::to_string(i), "x");
  world.migrator_options.patient = true;
  world.target->fail_next(TargetOp::kBegin, Error{ErrorKind::kDenied, "403"}, 700);  // then somebody puts it right
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->copied, 100u);
  EXPECT_TRUE(world.ledger().empty()) << "no message was acknowledged without its object";
  EXPECT_EQ(world.sink.refusals.front(), "begin upload: 403");
}

// --- the target misbehaves ------------------------------------------------------------------------------------------

TEST(Migrator, RecognisesItsOwnCommitWhenTheAnswerWasLost_F048_F049) {
  for (const std::size_t size : {100u, 3'000'000u, 20'000'000u}) {
    World world;
    world.source->put("a", bytes_of(size));
    world.target->lose_answer(ObjectKey{"a"});
    ASSERT_TRUE(world.copy());
    EXPECT_EQ(world.target->commits().size(), 1u);
    EXPECT_EQ(world.tally->copied, 1u);
    EXPECT_TRUE(world.ledger().empty());

    World conflict;
    conflict.source->put("a", bytes_of(size));
    conflict.target->lose_answer_then_conflict(ObjectKey{"a"});
    ASSERT_TRUE(conflict.copy());
    EXPECT_EQ(conflict.target->commits().size(), 1u);
    EXPECT_EQ(conflict.tally->copied, 1u);
  }
}

TEST(Migrator, GoesOnFromWhatTheTargetKept_F050) {
  World world;
  const auto good = bytes_of(20'000'000);
  PutOptions parts;
  parts.part_size = 8 << 20;
  world.source->put("a", good, parts);
  world.target->cut_write(ObjectKey{"a"}, 12'000'000, 11'000'000);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == good);
  EXPECT_EQ(world.tally->retried, 0u) << "one cut costs no attempt of the object";
  EXPECT_LE(world.tally->moved_bytes, good.size() + (2 << 20)) << "only what was not kept is read again";
}

TEST(Migrator, StartsANewSessionWhenTheOldOneDies_F053) {
  World world;
  const auto good = bytes_of(20'000'000);
  PutOptions parts;
  parts.part_size = 8 << 20;
  world.source->put("a", good, parts);
  world.source->when_read("a", 10'000'000, [&] { world.target->lose_sessions(ObjectKey{"a"}); });
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == good);
  expect_commits_are(world, {good});
}

TEST(Migrator, LeavesANewerVersionInPlace_F055_F087) {
  World world;
  world.source->put("k", "old");
  auto stale = world.plan();
  world.wait(std::chrono::seconds{2});
  world.source->put("k", "new");
  ASSERT_TRUE(world.copy());
  ASSERT_TRUE(world.deliver(*stale));
  EXPECT_EQ(world.text("k"), "new");
  EXPECT_EQ(world.target->commits().size(), 1u);
}

TEST(Migrator, AFrozenWorkerCannotPutAnOldVersionOverANewerOne_F055_F128) {
  World world;
  const auto fresh = bytes_of(50, 2);
  world.source->put("k", "old");
  auto stale = world.plan();
  // Frozen right before its commit; meanwhile the object changes and another worker finishes.
  world.target->before_commit(ObjectKey{"k"}, [&] {
    world.wait(std::chrono::seconds{2});
    const auto version = world.source->put("k", fresh);
    world.target->put(ObjectKey{"k"}, fresh, to_metadata(Provenance{"s3://src/k", version, fresh.size(), Rung::kMd5}));
  });
  ASSERT_TRUE(world.deliver(*stale));
  EXPECT_EQ(world.text("k"), fresh);
  EXPECT_TRUE(world.target->commits().empty());
  EXPECT_EQ(world.tally->superseded, 1u);
}

TEST(Migrator, WritesOverAnOlderVersionThatAppearedMeanwhile_F056) {
  World world;
  world.source->put("k", "old");
  const auto old_version = world.source->at("k")->version;
  world.wait(std::chrono::seconds{2});
  world.source->put("k", "new");
  world.target->before_commit(ObjectKey{"k"}, [&] {
    world.target->put(ObjectKey{"k"}, "old", to_metadata(Provenance{"s3://src/k", old_version, 3, Rung::kMd5}));
  });
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("k"), "new");
}

TEST(Migrator, CopiesAgainWhatAnOperatorDeleted_F057) {
  World world;
  world.source->put("a", "x");
  ASSERT_TRUE(world.copy());
  world.target->erase(ObjectKey{"a"});
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("a"), "x");
}

TEST(Migrator, DoesNotReplaceAStrangersObjectThatAppearedMeanwhile_F058) {
  World world;
  world.source->put("a", "ours");
  world.target->before_commit(ObjectKey{"a"}, [&] { world.target->put(ObjectKey{"a"}, "theirs"); });
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("a"), "theirs");
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_EQ(world.ledger()[0].reason, FailureReason::kForeign);

  world.migrator_options.policy.on_foreign = OnForeign::kOverwrite;
  world.scan_options.policy.on_foreign = OnForeign::kOverwrite;
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("a"), "ours");
}

TEST(Migrator, TreatsAReplyWithAnotherChecksumAsFailure_F063) {
  World world;
  world.source->put("a", "hello");
  world.target->corrupt_reply(ObjectKey{"a"});
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("a"), "hello");
  EXPECT_EQ(world.tally->retried, 1u);
  expect_commits_are(world, {"hello"});
}

// --- messages and state ---------------------------------------------------------------------------------------------

TEST(Migrator, CommitsOnceWhenAMessageArrivesTwiceAtTheSameTime_F084) {
  World world;
  world.source->put("a", "hello");
  auto plans = world.plan();
  std::vector<TransferPlan> twice{plans->at(0), plans->at(0)};
  ASSERT_TRUE(world.deliver(twice, 2));
  EXPECT_EQ(world.target->commits().size(), 1u);
  EXPECT_TRUE(world.ledger().empty());
}

TEST(Migrator, FindsItsEarlierWorkWhenAMessageIsDeliveredAgain_F086) {
  World world;
  world.source->put("a", "hello");
  auto plans = world.plan();
  ASSERT_TRUE(world.deliver(*plans));
  ASSERT_TRUE(world.deliver(*plans));
  EXPECT_EQ(world.target->commits().size(), 1u);
}

TEST(Migrator, EndsRightWhateverTheOrderOfTheBacklog_F088) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    World world;
    std::vector<TransferPlan> backlog;
    for (int version = 0; version < 3; ++version) {
      for (int i = 0; i < 10; ++i) world.source->put("k" + std::to_string(i), "v" + std::to_string(version * (i % 3)));
      auto plans = world.plan();
      backlog.insert(backlog.end(), plans->begin(), plans->end());
      world.wait(std::chrono::seconds{2});
    }
    std::ranges::shuffle(backlog, std::mt19937{seed});
    ASSERT_TRUE(world.deliver(backlog, 4));
    ASSERT_TRUE(world.copy());
    for (int i = 0; i < 10; ++i) {
      const auto key = "k" + std::to_string(i);
      EXPECT_EQ(world.text(key), *world.source->bytes(key)) << seed;
    }
  }
}

TEST(Migrator, AcceptsTheSmallestFormOfAMessage) {
  World world;
  const auto version = world.source->put("a", "hello");
  TransferPlan smallest;
  smallest.key = ObjectKey{"a"};
  smallest.etag = version.etag;
  ASSERT_TRUE(world.deliver({smallest}));
  EXPECT_EQ(world.text("a"), "hello");
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->unchanged, 1u) << "its provenance is as good as a scanned one's";
}

TEST(Migrator, TakesASmallMessageOfAnOldTagAsSuperseded) {
  World world;
  world.source->put("a", "hello");
  TransferPlan old;
  old.key = ObjectKey{"a"};
  old.etag = ETag{"\"old\""};
  ASSERT_TRUE(world.deliver({old}));
  EXPECT_EQ(world.tally->superseded, 1u);
  EXPECT_FALSE(world.has("a"));
}

TEST(Migrator, PutsAKeyWithoutANameIntoTheLedgerUnread_F036) {
  // A publisher with other --names may publish one.
  World world;
  world.source->put("a\nb", "x");
  TransferPlan plan;
  plan.key = ObjectKey{"a\nb"};
  plan.etag = world.source->at("a\nb")->version.etag;
  ASSERT_TRUE(world.deliver({plan}));
  EXPECT_EQ(world.source->counts().opens + world.source->counts().stats, 0u);
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_EQ(world.ledger()[0].reason, FailureReason::kName);
}

TEST(Migrator, MakesNoRequestForAKeyOutsideOfTheJob_F092) {
  World world{{BucketName{"src"}, "in/", BucketName{"dst"}, ""}};
  world.source->put("secret", "x");
  TransferPlan outside;
  outside.key = ObjectKey{"secret"};
  outside.etag = world.source->at("secret")->version.etag;
  ASSERT_TRUE(world.deliver({outside}));
  EXPECT_EQ(world.source->counts().opens + world.source->counts().stats, 0u);
  ASSERT_EQ(world.ledger().size(), 1u);
  EXPECT_EQ(world.ledger()[0].reason, FailureReason::kMessage);
}

TEST(Migrator, KeepsTheMessageWhenTheReceiptCannotBeRecorded_F103) {
  World world;
  world.source->put("logs/a.gz", "hello");
  world.state->fail_next(StateOp::kRecordConsumed, ErrorKind::kUnavailable);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.text("logs/a.gz"), "hello");
  EXPECT_EQ(world.target->commits().size(), 1u) << "the repeat found the object at the target";
  EXPECT_EQ(world.tally->retried, 1u);
  EXPECT_TRUE(world.books_balance());
}

TEST(Migrator, KeepsTheMessageWhenTheLedgerCannotBeWritten_F103) {
  World world;
  world.source->put("a", "x");
  world.source->deny("a");
  world.state->fail_next(StateOp::kRecordFailures, ErrorKind::kUnavailable);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.ledger().size(), 1u);
  EXPECT_TRUE(world.books_balance());
}

TEST(Migrator, NeverGivesUpAnObjectForTheStatesSake_F103) {
  World world;
  world.source->put("a", bytes_of(9 << 20));
  for (int i = 0; i < 12; ++i) world.state->fail_next(StateOp::kLoadCheckpoint, ErrorKind::kUnavailable);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.has("a"));
  EXPECT_TRUE(world.ledger().empty());
}

// --- crash and resume -----------------------------------------------------------------------------------------------

/// A run that dies in the middle of object "a": everything is dropped, as a killed process would.
void die_at(World& world, std::uint64_t offset) {
  bool reached = false;
  world.source->when_read("a", offset, [&] { reached = true; });
  auto queue = memory::make_queue(10, &world.clock);
  auto source = memory_source(world.source);
  auto target = memory::make_target(world.target, world.target_options);
  auto plans = world.plan();
  asio::io_context context{1};
  Migrator migrator{world.job,         world.migrator_options, source.get(), target.get(), queue.get(),
                    world.state.get(), world.tally.get(),      &world.sink,  &world.clock, &world.rng};
  asio::co_spawn(context.get_executor(), queue->publish(*plans), [](std::exception_ptr, Status) {});
  asio::cancellation_signal kill;
  asio::co_spawn(context.get_executor(), migrator.run(),
                 asio::bind_cancellation_slot(kill.slot(), [](std::exception_ptr, Status) {}));
  while (!reached && context.poll_one() > 0) {
  }
  kill.emit(asio::cancellation_type::terminal);
  context.restart();
  context.poll();
  ASSERT_TRUE(reached);
}

TEST(Migrator, GoesOnAfterACrashInALargeObject_F123) {
  for (const HashKind kind : {HashKind::kMd5, HashKind::kCrc64nvme, HashKind::kSha256}) {
    World world;
    const auto good = bytes_of(40'000'000);
    PutOptions options;
    if (kind != HashKind::kMd5) {
      options.part_size = 8 << 20;
      auto hash = make_hash(kind);
      hash->update(good);
      options.checksums = {hash->digest()};
    }
    world.source->put("a", good, options);
    world.source->read_at_most(99'991);  // a network's pieces end anywhere, not where the target's do
    die_at(world, 30'000'000);
    EXPECT_TRUE(world.target->commits().empty());
    ASSERT_TRUE(world.copy());
    EXPECT_TRUE(world.text("a") == good);
    expect_commits_are(world, {good});
    if (kind != HashKind::kSha256) {  // a SHA can't be continued: read again from the start, but not sent again
      EXPECT_LT(world.tally->moved_bytes, 12'000'000u) << to_string(kind);
    }
    EXPECT_TRUE(testing::run(world.state->checkpoints())->empty());
  }
}

TEST(Migrator, GoesOnAfterACrashInALargeObjectThatWasUploadedInParts_F015_F123) {
  World world;
  const auto good = bytes_of(40'000'000);
  PutOptions options;
  options.part_size = 256 << 10;
  world.source->put("a", good, options);
  die_at(world, 30'000'000);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == good);
  expect_commits_are(world, {good});
  EXPECT_EQ(rung_count(world, Rung::kParts), 1u);
  EXPECT_LT(world.tally->moved_bytes, 12'000'000u) << "chunks end where parts do";
}

TEST(Migrator, NeverFinishesASessionThatPromisesAnotherCheck_F123) {
  World world;
  world.migrator_options.choices.integrity = Integrity::kFull;
  const auto good = bytes_of(40'000'000);
  PutOptions options;
  options.part_size = 8 << 20;
  world.source->put("a", good, options);
  die_at(world, 30'000'000);
  EXPECT_EQ(world.target->open_sessions(), 1u) << "its metadata says: parts";
  world.migrator_options.choices.integrity = Integrity::kFast;
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == good);
  EXPECT_EQ(parse_provenance(world.target->object(ObjectKey{"a"})->metadata)->check, Rung::kTransport);
  EXPECT_EQ(rung_count(world, Rung::kTransport), 1u);
  EXPECT_EQ(world.target->open_sessions(), 0u);
}

TEST(Migrator, DoesNotGoOnWithAnotherVersionAfterACrash_F003_F123) {
  World world;
  const auto one = bytes_of(40'000'000, 1), two = bytes_of(40'000'000, 2);
  world.source->put("a", one);
  die_at(world, 30'000'000);
  world.wait(std::chrono::seconds{2});
  world.source->put("a", two);
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == two);
  expect_commits_are(world, {two});
  EXPECT_EQ(world.target->open_sessions(), 0u) << "the old session was cancelled";
}

TEST(Migrator, StartsOverWhenTheSessionDiedWithTheProcess_F053_F123) {
  World world;
  const auto good = bytes_of(40'000'000);
  world.source->put("a", good);
  die_at(world, 30'000'000);
  world.target->lose_sessions(ObjectKey{"a"});
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.text("a") == good);
}

// --- what somebody else brought --------------------------------------------------------------------------------------

/// "hello, world" in parts, as the source tells of it, and the target as another tool left it.
class Brought : public ::testing::Test {
 protected:
  void bring(const std::string& key, const std::string& there, bool with_checksum = true) {
    PutOptions in_parts;
    in_parts.part_size = 4;
    if (with_checksum) in_parts.checksums.push_back({HashKind::kCrc32c, big_endian(crc32c(0, kBody))});
    world_.source->put(key, std::string{kBody}, in_parts);
    world_.target->put(ObjectKey{key}, there, {{"mtime", "1700000000"}});
  }
  std::optional<Provenance> provenance(const std::string& key) {
    return parse_provenance(world_.target->object(ObjectKey{key})->metadata);
  }
  std::vector<FailureReason> reasons() {
    std::vector<FailureReason> found;
    for (const auto& failure : world_.ledger()) found.push_back(failure.reason);
    return found;
  }

  static constexpr std::string_view kBody = "hello, world";
  World world_;
};

TEST_F(Brought, IsRecognisedByAStoredCrc32cForOneHeadAndNeverCopied) {
  bring("a", std::string{kBody});
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.tally->unchanged, 1u);
  EXPECT_EQ(world_.tally->adopted, 1u);
  EXPECT_EQ(world_.source->counts().stats, 1u);
  EXPECT_EQ(world_.source->counts().opens, 0u);
  EXPECT_TRUE(world_.target->commits().empty());
  EXPECT_FALSE(provenance("a")) << "nobody asked for it";
  ASSERT_EQ(world_.sink.adoptions.size(), 1u);
  EXPECT_EQ(world_.sink.adoptions[0].rung, Rung::kCrc32c);
  EXPECT_TRUE(world_.books_balance());
}

TEST_F(Brought, IsNotAskedForAgainWhileItStaysAsItWas) {
  bring("a", std::string{kBody});
  ASSERT_TRUE(world_.copy());
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.tally->adopted, 1u);
  EXPECT_EQ(world_.source->counts().stats, 1u);
  world_.target->put(ObjectKey{"a"}, "hello, w0rld");
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.source->counts().stats, 2u) << "another generation is there";
  EXPECT_EQ(reasons(), std::vector{FailureReason::kForeign});
}

TEST_F(Brought, GetsOurProvenanceWhereThatIsWantedAndIsOursThen) {
  bring("by-crc", std::string{kBody});
  world_.source->put("by-md5", "plain");
  const auto generation = world_.target->put(ObjectKey{"by-md5"}, "plain", {{"mtime", "1"}});
  world_.scan_options.policy.adopt = world_.migrator_options.policy.adopt = true;
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.tally->adopted, 2u);
  EXPECT_EQ(world_.source->counts().stats, 1u) << "listings say enough of the other one";
  ASSERT_TRUE(provenance("by-crc") && provenance("by-md5"));
  EXPECT_TRUE(provenance("by-crc")->adopted);
  EXPECT_EQ(provenance("by-crc")->check, Rung::kCrc32c);
  EXPECT_EQ(provenance("by-md5")->check, Rung::kMd5);
  EXPECT_EQ(world_.target->object(ObjectKey{"by-md5"})->generation, generation);
  EXPECT_NE(std::ranges::find(world_.target->object(ObjectKey{"by-md5"})->metadata,
                              std::pair<std::string, std::string>{"mtime", "1"}),
            world_.target->object(ObjectKey{"by-md5"})->metadata.end());
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.tally->unchanged, 2u);
  EXPECT_EQ(world_.tally->adopted, 0u) << "they are ours now";
}

TEST_F(Brought, WithOtherBytesIsLeftAloneOrReplacedAsToldTo_F058) {
  bring("other", "hello, w0rld");
  bring("unknown", std::string{kBody}, false);
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(reasons(), (std::vector{FailureReason::kForeign, FailureReason::kForeign}));
  EXPECT_NE(world_.ledger()[0].what.find("with other bytes"), std::string::npos) << world_.ledger()[0].what;
  EXPECT_NE(world_.ledger()[1].what.find("verify --deep"), std::string::npos) << world_.ledger()[1].what;
  EXPECT_EQ(world_.text("other"), "hello, w0rld");

  bring("same", std::string{kBody});
  world_.scan_options.policy.on_foreign = world_.migrator_options.policy.on_foreign = OnForeign::kOverwrite;
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.tally->copied, 2u);
  EXPECT_EQ(world_.tally->adopted, 1u) << "what is the same is not copied for nothing";
  EXPECT_EQ(world_.text("other"), kBody);
}

TEST_F(Brought, ByAnotherJobIsRecognisedButNeverTakenAway_F058) {
  bring("a", std::string{kBody});
  const Provenance theirs{"s3://elsewhere/a", Version{ETag{"\"x\""}, Seconds{}, std::nullopt}, kBody.size()};
  world_.target->put(ObjectKey{"a"}, std::string{kBody}, to_metadata(theirs));
  world_.scan_options.policy.adopt = world_.migrator_options.policy.adopt = true;
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.tally->adopted, 1u);
  EXPECT_EQ(provenance("a")->source, "s3://elsewhere/a");
}

TEST_F(Brought, AndChangedByItsOwnerBeforeWeAdoptItIsComparedAnew_F055) {
  bring("a", std::string{kBody});
  world_.scan_options.policy.adopt = world_.migrator_options.policy.adopt = true;
  world_.target->fail_next(memory::TargetOp::kAdopt, Error{ErrorKind::kConflict, "another metageneration"});
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(world_.tally->retried, 1u);
  EXPECT_TRUE(provenance("a"));
  EXPECT_TRUE(world_.books_balance());
}

TEST_F(Brought, WithoutRoomForProvenanceIsReported_F043) {
  bring("a", std::string{kBody});
  world_.scan_options.policy.adopt = world_.migrator_options.policy.adopt = true;
  world_.target->fail_next(memory::TargetOp::kAdopt, Error{ErrorKind::kLimit, "8 KiB"});
  ASSERT_TRUE(world_.copy());
  EXPECT_EQ(reasons(), std::vector{FailureReason::kMetadata});
}

TEST_F(Brought, AndChangedAtTheSourceSinceItWasListedIsSuperseded_F002) {
  bring("a", std::string{kBody});
  const auto plans = world_.plan();
  ASSERT_TRUE(plans);
  world_.wait(std::chrono::seconds{2});
  world_.source->put("a", "hello, w0rld");
  ASSERT_TRUE(world_.deliver(*plans));
  EXPECT_EQ(world_.tally->superseded, 1u);
  EXPECT_EQ(world_.text("a"), kBody);
}

}  // namespace
}  // namespace ferry
