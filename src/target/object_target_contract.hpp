#pragma once
// What every ObjectTarget must prove, whatever stands behind it. A room derives a TargetHarness and says
// INSTANTIATE_TEST_SUITE_P(Memory, ObjectTargetContract, ::testing::Values(TargetMaker{"memory", make_harness}));
// Include it in one file of a test program.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "kit/base/hash.hpp"
#include "target/limits.hpp"
#include "target/object_target.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {

/// One target on a bucket of its own, empty at first, and a view of that bucket which does not go through the target.
class TargetHarness {
 public:
  virtual ~TargetHarness() = default;
  virtual ObjectTarget* target() = 0;
  /// Objects up to this size go in one piece in commit(); at least `streamed_bytes()` are needed to stream into a
  /// session.
  [[nodiscard]] virtual std::uint64_t whole_bytes_max() const = 0;
  [[nodiscard]] virtual std::uint64_t chunk_bytes() const = 0;
  [[nodiscard]] virtual std::size_t page_size() const = 0;

  /// Somebody else writes: replaces what is there.
  virtual Generation put(const ObjectKey& key, const std::string& bytes, const UserMetadata& metadata) = 0;
  [[nodiscard]] virtual std::optional<std::string> bytes(const ObjectKey& key) = 0;
  [[nodiscard]] virtual UserMetadata metadata(const ObjectKey& key) = 0;
  [[nodiscard]] virtual ContentHeaders content(const ObjectKey& key) = 0;

  virtual asio::io_context* context() = 0;
  virtual ferry::testing::SimulatedClock* clock() = 0;  ///< null where real time runs
};

struct TargetMaker {
  std::string name;
  std::function<std::unique_ptr<TargetHarness>()> make;
};
inline void PrintTo(const TargetMaker& maker, std::ostream* out) { *out << maker.name; }

class ObjectTargetContract : public ::testing::TestWithParam<TargetMaker> {
 protected:
  void SetUp() override { harness_ = GetParam().make(); }

  template <class T>
  T run(Task<T> task) {
    return ferry::testing::run(*harness_->context(), std::move(task), harness_->clock());
  }

  ObjectTarget& target() { return *harness_->target(); }
  TargetHarness& bucket() { return *harness_; }

  /// Bytes that differ from granule to granule, so that a shifted or repeated piece is noticed.
  static std::string content_of(std::uint64_t size) {
    std::string bytes(size, '\0');
    for (std::uint64_t i = 0; i < size; ++i)
      bytes[i] = static_cast<char>((i * 31 + i / 997 + i / kGranuleBytes) & 0xff);
    return bytes;
  }

  static UploadSpec spec(std::string key, std::uint64_t size, Generation expected = {}) {
    UploadSpec result;
    result.key = ObjectKey{std::move(key)};
    result.size = size;
    result.expected = expected;
    result.metadata = to_metadata(provenance());
    return result;
  }

  static Provenance provenance() {
    Provenance result;
    result.source = "s3://from/key";
    result.version.etag = ETag{"\"9b2cf535f27731c974343645a3985328\""};
    result.version.modified = Seconds{std::chrono::seconds{1'700'000'000}};
    result.size = 5;
    result.check = Rung::kMd5;
    return result;
  }

  std::unique_ptr<Upload> begin(UploadSpec what) {
    auto upload = run(target().begin(std::move(what)));
    EXPECT_TRUE(upload) << upload.error().what;
    return upload ? *std::move(upload) : nullptr;
  }

  /// Writes [offset, until) of `bytes` in pieces of a size that fits no boundary.
  Status write(Upload* upload, const std::string& bytes, std::uint64_t until) {
    while (upload->offset() < until) {
      const auto at = upload->offset();
      const auto count = std::min<std::uint64_t>(until - at, 100'003);
      auto sent = run(upload->write(std::span<const char>(bytes.data() + at, count)));
      if (!sent) return sent;
      EXPECT_EQ(upload->offset(), at + count);
    }
    return Unit{};
  }

  Result<TargetObject> commit(Upload* upload, const std::string& bytes) {
    return run(upload->commit(std::span<const char>(bytes).subspan(upload->tail_begin()), crc32c(0, bytes)));
  }

  Result<TargetObject> send(UploadSpec what, const std::string& bytes) {
    auto upload = run(target().begin(std::move(what)));
    if (!upload) return fail(std::move(upload).error());
    if (auto sent = write(upload->get(), bytes, (*upload)->tail_begin()); !sent) return fail(std::move(sent).error());
    return commit(upload->get(), bytes);
  }

  std::unique_ptr<TargetHarness> harness_;
};

// ---- one object -----------------------------------------------------------------------------------------------------

TEST_P(ObjectTargetContract, StoresEverySizeByteForByte) {
  const auto chunk = bucket().chunk_bytes();
  const std::vector<std::uint64_t> sizes{0,
                                         1,
                                         kGranuleBytes - 1,
                                         kGranuleBytes,
                                         kGranuleBytes + 1,
                                         chunk - 1,
                                         chunk,
                                         chunk + 1,
                                         2 * chunk + 3 * kGranuleBytes + 17};
  for (const auto size : sizes) {
    const auto key = "size/" + std::to_string(size);
    const auto bytes = content_of(size);
    const auto stored = send(spec(key, size), bytes);
    ASSERT_TRUE(stored) << size << ": " << stored.error().what;
    EXPECT_EQ(stored->key, ObjectKey{key});
    EXPECT_FALSE(stored->generation.absent());
    EXPECT_EQ(stored->size, size);
    EXPECT_EQ(stored->crc32c, crc32c(0, bytes));
    EXPECT_TRUE(bucket().bytes(ObjectKey{key}) == bytes) << size;
  }
}

TEST_P(ObjectTargetContract, StoresWithTheHashKnownBeforehand) {
  for (const auto size : {std::uint64_t{5}, bucket().whole_bytes_max() + 1, 2 * bucket().chunk_bytes() + 1}) {
    const auto bytes = content_of(size);
    for (const auto kind : {HashKind::kMd5, HashKind::kCrc32c}) {
      const auto key = "hash/" + std::string{to_string(kind)} + std::to_string(size);
      auto what = spec(key, size);
      const auto hash = make_hash(kind);
      hash->update(bytes);
      what.hash = hash->digest();
      const auto stored = send(std::move(what), bytes);
      ASSERT_TRUE(stored) << stored.error().what;
      EXPECT_TRUE(bucket().bytes(ObjectKey{key}) == bytes);
    }
  }
}

TEST_P(ObjectTargetContract, HoldsBackATailOfAtMostOneGranule) {
  for (const auto size : {bucket().chunk_bytes() * 2, bucket().chunk_bytes() * 2 + 1}) {
    const auto upload = begin(spec("tail", size));
    ASSERT_TRUE(upload);
    EXPECT_EQ(upload->offset(), 0);
    EXPECT_EQ(upload->tail_begin() % kGranuleBytes, 0);
    EXPECT_LT(upload->tail_begin(), size);
    EXPECT_LE(size - upload->tail_begin(), kGranuleBytes);
  }
}

TEST_P(ObjectTargetContract, ShowsNothingBeforeCommit) {
  const auto size = bucket().chunk_bytes() * 2 + 1;
  const auto bytes = content_of(size);
  const auto upload = begin(spec("pending", size));
  ASSERT_TRUE(write(upload.get(), bytes, upload->tail_begin()));
  EXPECT_EQ(bucket().bytes(ObjectKey{"pending"}), std::nullopt);
  ASSERT_TRUE(commit(upload.get(), bytes));
  EXPECT_TRUE(bucket().bytes(ObjectKey{"pending"}) == bytes);
}

TEST_P(ObjectTargetContract, DroppedUploadLeavesNothingVisible) {
  const auto size = bucket().chunk_bytes() * 2 + 1;
  auto upload = begin(spec("dropped", size));
  ASSERT_TRUE(write(upload.get(), content_of(size), upload->tail_begin()));
  upload.reset();
  EXPECT_EQ(bucket().bytes(ObjectKey{"dropped"}), std::nullopt);
}

TEST_P(ObjectTargetContract, CarriesContentHeadersAndMetadata) {
  auto what = spec("headers", 3);
  what.content.type = "text/plain; charset=utf-8";
  what.content.encoding = "gzip";
  what.content.disposition = "attachment; filename=\"a \\\" b.txt\"";
  what.content.language = "de, en";
  what.content.cache_control = "max-age=60, no-transform";
  what.metadata.emplace_back("owner", "J\xc3\xbcrgen \"\\\" \xf0\x9f\x9a\xa2");
  what.metadata.emplace_back("spaces", "  two before, one after ");
  const auto content = what.content;
  const auto metadata = what.metadata;
  ASSERT_TRUE(send(std::move(what), "abc"));
  EXPECT_EQ(bucket().content(ObjectKey{"headers"}), content);
  const auto stored = bucket().metadata(ObjectKey{"headers"});
  for (const auto& entry : metadata) {
    EXPECT_NE(std::find(stored.begin(), stored.end(), entry), stored.end()) << entry.first;
  }
}

TEST_P(ObjectTargetContract, KeepsAwkwardMetadataExactlyInTheBody_F044) {
  auto what = spec("awkward", 3);
  what.metadata = {{"crlf", "a\r\nX-Injected: 1"},
                   {"nul", std::string{"a\0b", 3}},
                   {"rfc2047", "=?UTF-8?Q?caf=C3=A9?="},
                   {"tab", "\tlead"},
                   {"utf8", "\xe2\x82\xac"}};
  const auto metadata = what.metadata;
  ASSERT_TRUE(send(std::move(what), "abc"));
  EXPECT_EQ(bucket().metadata(ObjectKey{"awkward"}), metadata);
}

TEST_P(ObjectTargetContract, TakesAwkwardNamesAsTheyAre) {
  const std::vector<std::string> names{"a//b",    "a/../b",
                                       "dir/",    "/lead",
                                       "+",       "%2F",
                                       "a b?c",   "#frag",
                                       "x&y=z",   "\xf0\x9f\x9a\xa2",
                                       "quote\"", std::string(1024, 'k')};
  for (const auto& name : names) {
    const auto stored = send(spec(name, name.size()), name);
    ASSERT_TRUE(stored) << name << ": " << stored.error().what;
    EXPECT_EQ(stored->key.str(), name);
    EXPECT_EQ(bucket().bytes(ObjectKey{name}), name);
    const auto seen = run(target().stat(ObjectKey{name}));
    ASSERT_TRUE(seen && *seen) << name;
    EXPECT_EQ((*seen)->key.str(), name);
  }
}

// ---- limits ---------------------------------------------------------------------------------------------------------

TEST_P(ObjectTargetContract, RefusesWhatItCantHoldBeforeAnythingIsSent_F043) {
  auto total = spec("total", 1);
  for (int i = 0; i < 5; ++i) total.metadata.emplace_back("k" + std::to_string(i), std::string(2000, 'v'));
  auto many = spec("many", 1);
  for (int i = 0; i < 900; ++i) many.metadata.emplace_back("name-" + std::to_string(1000 + i), "value");
  auto name = spec("name", 1);
  name.metadata = {{std::string(1025, 'n'), "v"}};
  auto value = spec("value", 1);
  value.metadata = {{"n", std::string(4097, 'v')}};

  for (auto* what : {&total, &many, &name, &value}) {
    const auto key = what->key;
    const auto upload = run(target().begin(std::move(*what)));
    ASSERT_FALSE(upload) << key.str();
    EXPECT_EQ(upload.error().kind, ErrorKind::kLimit) << upload.error().what;
    EXPECT_EQ(bucket().bytes(key), std::nullopt);
  }
}

TEST_P(ObjectTargetContract, RefusesNamesThatItCantHold) {
  for (const auto& name : {std::string{}, std::string(1025, 'k'), std::string{"\xff\xfe"}}) {
    const auto upload = run(target().begin(spec(name, 1)));
    ASSERT_FALSE(upload);
    EXPECT_EQ(upload.error().kind, ErrorKind::kLimit) << upload.error().what;
  }
}

// ---- preconditions --------------------------------------------------------------------------------------------------

TEST_P(ObjectTargetContract, CreatesOnlyWhereNothingIs_F055) {
  const auto size = bucket().chunk_bytes() + 1;
  for (const auto& bytes : {std::string{"small"}, content_of(size)}) {
    bucket().put(ObjectKey{"taken"}, "other", {});
    const auto stored = send(spec("taken", bytes.size()), bytes);
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().kind, ErrorKind::kConflict) << stored.error().what;
    EXPECT_EQ(bucket().bytes(ObjectKey{"taken"}), "other");
  }
}

TEST_P(ObjectTargetContract, ReplacesExactlyTheExpectedGeneration) {
  const auto old = bucket().put(ObjectKey{"replace"}, "old", {});
  const auto stored = send(spec("replace", 3, old), "new");
  ASSERT_TRUE(stored) << stored.error().what;
  EXPECT_GT(stored->generation, old);
  EXPECT_EQ(bucket().bytes(ObjectKey{"replace"}), "new");

  const auto late = send(spec("replace", 4, old), "late");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(bucket().bytes(ObjectKey{"replace"}), "new");
}

TEST_P(ObjectTargetContract, ChecksThePreconditionWhenItCommitsNotWhenItBegins_F055) {
  const auto size = bucket().chunk_bytes() + 1;
  const auto bytes = content_of(size);
  const auto upload = begin(spec("race", size));
  ASSERT_TRUE(write(upload.get(), bytes, upload->tail_begin()));
  bucket().put(ObjectKey{"race"}, "newer", {});
  const auto stored = commit(upload.get(), bytes);
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().kind, ErrorKind::kConflict) << stored.error().what;
  EXPECT_EQ(bucket().bytes(ObjectKey{"race"}), "newer");
}

// ---- integrity ------------------------------------------------------------------------------------------------------

TEST_P(ObjectTargetContract, RefusesBytesThatDisagreeWithTheirChecksum_F062) {
  for (const auto size : {std::uint64_t{100}, bucket().chunk_bytes() + 100}) {
    const auto bytes = content_of(size);
    const auto upload = begin(spec("flipped", size));
    ASSERT_TRUE(write(upload.get(), bytes, upload->tail_begin()));
    const auto stored =
        run(upload->commit(std::span<const char>(bytes).subspan(upload->tail_begin()), crc32c(0, bytes) ^ 1));
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().kind, ErrorKind::kCorrupt) << stored.error().what;
    EXPECT_EQ(bucket().bytes(ObjectKey{"flipped"}), std::nullopt);
  }
}

TEST_P(ObjectTargetContract, RefusesBytesThatDisagreeWithTheHashGivenBeforehand_F062) {
  for (const auto size : {std::uint64_t{100}, bucket().whole_bytes_max() + 100}) {
    const auto bytes = content_of(size);
    auto what = spec("wrong-md5", size);
    what.hash = Digest{HashKind::kMd5, std::string(16, '\x01')};
    const auto stored = send(std::move(what), bytes);
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().kind, ErrorKind::kCorrupt) << stored.error().what;
    EXPECT_EQ(bucket().bytes(ObjectKey{"wrong-md5"}), std::nullopt);
  }
}

// ---- sessions -------------------------------------------------------------------------------------------------------

TEST_P(ObjectTargetContract, GoesOnWithASessionFromAnotherProcess) {
  const auto size = bucket().chunk_bytes() * 3 + 7;
  const auto bytes = content_of(size);
  auto upload = begin(spec("resumed", size));
  ASSERT_TRUE(write(upload.get(), bytes, bucket().chunk_bytes() * 2));
  EXPECT_EQ(upload->durable(), bucket().chunk_bytes() * 2);
  const auto session = upload->session();
  ASSERT_TRUE(session);
  upload.reset();

  auto again = run(target().resume(spec("resumed", size), *session));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ((*again)->offset(), bucket().chunk_bytes() * 2);
  EXPECT_EQ((*again)->durable(), bucket().chunk_bytes() * 2);
  ASSERT_TRUE(write(again->get(), bytes, (*again)->tail_begin()));
  const auto stored = commit(again->get(), bytes);
  ASSERT_TRUE(stored) << stored.error().what;
  EXPECT_TRUE(bucket().bytes(ObjectKey{"resumed"}) == bytes);
}

TEST_P(ObjectTargetContract, FindsACompletedSessionComplete_F054) {
  const auto size = bucket().chunk_bytes() + 7;
  const auto bytes = content_of(size);
  const auto upload = begin(spec("complete", size));
  ASSERT_TRUE(write(upload.get(), bytes, upload->tail_begin()));
  const auto session = upload->session();
  const auto first = commit(upload.get(), bytes);
  ASSERT_TRUE(first);

  auto again = run(target().resume(spec("complete", size), *session));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ((*again)->offset(), (*again)->tail_begin());
  const auto second = commit(again->get(), bytes);
  ASSERT_TRUE(second) << second.error().what;
  EXPECT_EQ(second->generation, first->generation) << "no second commit";
}

TEST_P(ObjectTargetContract, CancelledSessionIsGone) {
  const auto size = bucket().chunk_bytes() + 7;
  auto upload = begin(spec("cancelled", size));
  const auto session = upload->session();
  ASSERT_TRUE(session);
  upload.reset();
  EXPECT_TRUE(run(target().cancel(*session)));
  EXPECT_TRUE(run(target().cancel(*session))) << "already gone is success";

  const auto again = run(target().resume(spec("cancelled", size), *session));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::kGone) << again.error().what;
}

// ---- reading and removing -------------------------------------------------------------------------------------------

TEST_P(ObjectTargetContract, StatShowsTheLiveObjectOrNothing) {
  EXPECT_EQ(run(target().stat(ObjectKey{"absent"}))->has_value(), false);
  const auto stored = send(spec("seen", 5), "hello");
  ASSERT_TRUE(stored);
  const auto seen = run(target().stat(ObjectKey{"seen"}));
  ASSERT_TRUE(seen && *seen);
  EXPECT_EQ((*seen)->generation, stored->generation);
  EXPECT_EQ((*seen)->size, 5);
  EXPECT_EQ((*seen)->crc32c, crc32c(0, std::string_view{"hello"}));
  EXPECT_EQ((*seen)->md5.value_or("").size(), 16);
  ASSERT_TRUE((*seen)->provenance);
  EXPECT_EQ((*seen)->provenance->source, provenance().source);
  EXPECT_TRUE((*seen)->provenance->version.same_as(provenance().version));
}

TEST_P(ObjectTargetContract, ForeignObjectHasNoProvenance) {
  bucket().put(ObjectKey{"foreign"}, "x", {{"ferry-source", "s3://half/a/provenance"}, {"other", "entry"}});
  const auto seen = run(target().stat(ObjectKey{"foreign"}));
  ASSERT_TRUE(seen && *seen);
  EXPECT_FALSE((*seen)->provenance);
}

TEST_P(ObjectTargetContract, RemovesExactlyOneGeneration) {
  const auto old = bucket().put(ObjectKey{"gone"}, "old", {});
  const auto now = bucket().put(ObjectKey{"gone"}, "new", {});
  const auto wrong = run(target().remove(ObjectKey{"gone"}, old));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(bucket().bytes(ObjectKey{"gone"}), "new");
  EXPECT_TRUE(run(target().remove(ObjectKey{"gone"}, now)));
  EXPECT_EQ(bucket().bytes(ObjectKey{"gone"}), std::nullopt);
  EXPECT_TRUE(run(target().remove(ObjectKey{"gone"}, now))) << "already gone is success";
}

TEST_P(ObjectTargetContract, AdoptsWithoutTouchingBytesOrOtherMetadata) {
  const auto there = bucket().put(ObjectKey{"theirs"}, "bytes", {{"colour", "green"}, {"ferry-version-id", "stale"}});
  const auto before = run(target().stat(ObjectKey{"theirs"}));
  ASSERT_TRUE(before && *before);
  EXPECT_EQ((*before)->metageneration, 1);
  EXPECT_FALSE((*before)->provenance);
  auto ours = provenance();
  ours.adopted = true;
  ASSERT_TRUE(run(target().adopt(ObjectKey{"theirs"}, there, 1, ours)));
  const auto after = run(target().stat(ObjectKey{"theirs"}));
  ASSERT_TRUE(after && *after && (*after)->provenance);
  EXPECT_EQ((*after)->generation, there);
  EXPECT_EQ((*after)->metageneration, 2);
  EXPECT_EQ((*after)->provenance->source, ours.source);
  EXPECT_TRUE((*after)->provenance->adopted);
  EXPECT_FALSE((*after)->provenance->version.version_id) << "what is left of an older one is taken away";
  EXPECT_EQ(bucket().bytes(ObjectKey{"theirs"}), "bytes");
  const auto entries = bucket().metadata(ObjectKey{"theirs"});
  EXPECT_NE(std::ranges::find(entries, std::pair<std::string, std::string>{"colour", "green"}), entries.end());
}

TEST_P(ObjectTargetContract, AdoptsOnlyWhatIsStillAsItWasSeen) {
  const auto old = bucket().put(ObjectKey{"theirs"}, "old", {});
  const auto now = bucket().put(ObjectKey{"theirs"}, "new", {});
  const auto kind_of = [this](const std::string& key, Generation generation, std::int64_t metageneration) {
    const auto adopted = run(target().adopt(ObjectKey{key}, generation, metageneration, provenance()));
    return adopted ? std::nullopt : std::optional{adopted.error().kind};
  };
  EXPECT_EQ(kind_of("theirs", old, 1), ErrorKind::kConflict);
  EXPECT_EQ(kind_of("theirs", now, 2), ErrorKind::kConflict);
  EXPECT_EQ(kind_of("gone", now, 1), ErrorKind::kConflict);
  EXPECT_FALSE(run(target().stat(ObjectKey{"theirs"})).value()->provenance);
  EXPECT_EQ(kind_of("theirs", now, 1), std::nullopt);
}

TEST_P(ObjectTargetContract, CantAdoptWhereTheMetadataHasNoRoom_F043) {
  const auto full =
      bucket().put(ObjectKey{"full"}, "x", {{"a", std::string(4090, 'a')}, {"b", std::string(4090, 'b')}});
  const auto adopted = run(target().adopt(ObjectKey{"full"}, full, 1, provenance()));
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().kind, ErrorKind::kLimit) << adopted.error().what;
}

TEST_P(ObjectTargetContract, ListsMetadataWhereItIsAskedFor) {
  auto what = spec("page", 1);
  what.content.type = "text/html";
  what.content.language = "de";
  what.metadata.emplace_back("colour", "green");
  ASSERT_TRUE(send(what, "x"));
  const auto brief = run(target().list("page", std::nullopt));
  ASSERT_TRUE(brief);
  EXPECT_FALSE(brief->objects.at(0).metadata);
  const auto whole = run(target().list("page", std::nullopt, Detail::kMetadata));
  ASSERT_TRUE(whole);
  const auto& metadata = whole->objects.at(0).metadata;
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->content.type, "text/html");
  EXPECT_EQ(metadata->content.language, "de");
  EXPECT_EQ(metadata->content.encoding, std::nullopt);
  EXPECT_NE(std::ranges::find(metadata->entries, std::pair<std::string, std::string>{"colour", "green"}),
            metadata->entries.end());
  EXPECT_TRUE(whole->objects.at(0).provenance);
}

TEST_P(ObjectTargetContract, ListsEveryPageInByteOrder) {
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < bucket().page_size() * 2 + 1; ++i) {
    expected.push_back("list/" + std::to_string(10'000 + i));
    bucket().put(ObjectKey{expected.back()}, "x", to_metadata(provenance()));
  }
  bucket().put(ObjectKey{"lisa"}, "x", {});
  bucket().put(ObjectKey{"list0"}, "x", {});

  std::vector<std::string> seen;
  std::optional<std::string> token;
  int pages = 0;
  do {
    const auto page = run(target().list("list/", token));
    ASSERT_TRUE(page) << page.error().what;
    for (const auto& object : page->objects) {
      seen.push_back(object.key.str());
      EXPECT_TRUE(object.provenance);
      EXPECT_EQ(object.size, 1);
      EXPECT_TRUE(object.crc32c);
    }
    token = page->next;
    ++pages;
  } while (token);
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(pages, 3);
}

TEST_P(ObjectTargetContract, ListsAnEmptyPrefixAsOneEmptyPage) {
  const auto page = run(target().list("nothing/", std::nullopt));
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_TRUE(page->objects.empty());
  EXPECT_FALSE(page->next);
}

TEST_P(ObjectTargetContract, SmallObjectCostsOneRequest) {
  const auto before = target().requests();
  ASSERT_TRUE(send(spec("cheap", 5), "hello"));
  EXPECT_EQ(target().requests(), before + 1);
}

}  // namespace ferry
