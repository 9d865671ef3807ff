#pragma once
// What every ObjectSource must prove, whatever is behind it: memory, a scripted server, the sandbox, somebody else's
// server. Include it in one test file of a program and say which rooms to try:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, ObjectSourceContract, Values(SourceRoom{"memory", make_memory_harness}),
//   room_name);
//
// Rooms whose harness can also break things instantiate ObjectSourceFaultContract as well.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/object_source.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::contract {

/// One fresh, empty bucket, and the hands that fill it.
class SourceHarness {
 public:
  virtual ~SourceHarness() = default;
  /// Stores a version; says which one, as the bucket's listing shows it.
  virtual Version put(std::string key, std::string bytes, ContentHeaders content = {}, UserMetadata user = {}) = 0;
  virtual void remove(std::string key) = 0;
  /// Lists at most `page_size` keys a page. The source runs on context().
  virtual std::unique_ptr<ObjectSource> make_source(std::size_t page_size) = 0;
  virtual asio::io_context& context() = 0;
  virtual testing::SimulatedClock* clock() { return nullptr; }  ///< nothing: real time

  /// Names that the room can hold: all of these, unless the server behind it is known not to take some.
  virtual std::vector<std::string> awkward_keys() {
    return {"..",        "./a",    "/leading",     "a b",   "a%2Fb",         "a&b=c",
            "a+b",       "a//b",   "a/../b",       "a?b#c", "dir/",          "new\nline",
            "quote\"'<", "tab\t.", "back\\slash",  "[*]",   "\xc3\xbc",      "\xf0\x9f\x9a\xa2",
            "u\xcc\x88", "~",      "bell\x07.txt", "100%",  "a/b/c/d/e/f/g", std::string(1024, 'k')};
  }

  // Faults: only where the room takes part in ObjectSourceFaultContract.
  virtual void cut_next_body(std::string /*key*/, std::uint64_t /*offset*/) { FAIL() << "not a faulty room"; }
  virtual void fail_next_listing() { FAIL() << "not a faulty room"; }  ///< so long that the room's own retries run out
};

struct SourceRoom {
  std::string name;
  std::function<std::unique_ptr<SourceHarness>()> make;
};

inline std::string room_name(const ::testing::TestParamInfo<SourceRoom>& info) { return info.param.name; }

/// All bytes from where the reader stands, read in pieces of at most `piece`.
inline Task<Result<std::string>> drain(ObjectReader* reader, std::size_t piece) {
  std::string all;
  std::string buffer(piece, '\0');
  for (;;) {
    auto got = co_await reader->read(buffer);
    if (!got) co_return fail(std::move(got).error());
    if (*got == 0) co_return all;
    all.append(buffer, 0, *got);
  }
}

inline Task<Result<std::vector<SourceEntry>>> list_all(ObjectSource* source, std::string prefix,
                                                       std::optional<ObjectKey> after) {
  std::vector<SourceEntry> all;
  std::optional<std::string> token;
  do {
    auto page = co_await source->list(prefix, token, after);
    if (!page) co_return fail(std::move(page).error());
    for (auto& entry : page->entries) all.push_back(std::move(entry));
    token = std::move(page->next);
    after.reset();  // said once, on the first page
  } while (token);
  co_return all;
}

inline std::vector<std::string> keys_of(const std::vector<SourceEntry>& entries) {
  std::vector<std::string> keys;
  for (const auto& entry : entries) keys.push_back(entry.key.str());
  return keys;
}

class ObjectSourceContract : public ::testing::TestWithParam<SourceRoom> {
 protected:
  ObjectSourceContract() : room_(GetParam().make()), source_(room_->make_source(3)) {}

  template <class T>
  T run(Task<T> task) {
    return testing::run(room_->context(), std::move(task), room_->clock());
  }
  std::vector<SourceEntry> list(std::string prefix = {}, std::optional<ObjectKey> after = std::nullopt) {
    auto all = run(list_all(source_.get(), std::move(prefix), std::move(after)));
    if (all) return *std::move(all);
    ADD_FAILURE() << all.error().what;
    return {};
  }
  Result<std::unique_ptr<ObjectReader>> open(std::string key, std::optional<ETag> expected = std::nullopt,
                                             std::uint64_t offset = 0) {
    return run(source_->open(ObjectKey{std::move(key)}, std::move(expected), offset));
  }
  Result<std::string> read(ObjectReader* reader, std::size_t piece = 65536) { return run(drain(reader, piece)); }
  std::string read(std::string key, std::uint64_t offset = 0, std::size_t piece = 65536) {
    auto reader = open(std::move(key), std::nullopt, offset);
    if (!reader) return "open: " + reader.error().what;
    auto bytes = read(reader->get(), piece);
    return bytes ? *bytes : "read: " + bytes.error().what;
  }
  Result<ObjectMeta> stat(std::string key) { return run(source_->stat(ObjectKey{std::move(key)})); }

  std::unique_ptr<SourceHarness> room_;
  std::unique_ptr<ObjectSource> source_;
};
class ObjectSourceFaultContract : public ObjectSourceContract {};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ObjectSourceContract);

TEST_P(ObjectSourceContract, ListsAnEmptyBucketAsEmpty_F022) {
  EXPECT_TRUE(list().empty());
  EXPECT_TRUE(list("no/such/prefix/").empty());
}

TEST_P(ObjectSourceContract, ListsEveryKeyOnceInByteOrderOverManyPages) {
  std::vector<std::string> expected;
  for (const char* key : {"B", "a", "a!", "a/b", "a0", "b", "\xc3\xbc", "\xf0\x9f\x9a\xa2"}) {
    room_->put(key, "x");
    expected.emplace_back(key);
  }
  EXPECT_EQ(keys_of(list()), expected);
}

TEST_P(ObjectSourceContract, ListsOnlyKeysUnderThePrefix) {
  for (const char* key : {"log", "logs", "logs/", "logs/a", "logs/b", "logs/c", "logs/d", "logs0", "m"})
    room_->put(key, "x");
  EXPECT_THAT(keys_of(list("logs/")), ::testing::ElementsAre("logs/", "logs/a", "logs/b", "logs/c", "logs/d"));
}

TEST_P(ObjectSourceContract, GoesOnAfterAKeyThatNeedNotExist) {
  for (const char* key : {"a", "b", "c", "d", "e", "f"}) room_->put(key, "x");
  EXPECT_THAT(keys_of(list("", ObjectKey{"b"})), ::testing::ElementsAre("c", "d", "e", "f"));
  EXPECT_THAT(keys_of(list("", ObjectKey{"bb"})), ::testing::ElementsAre("c", "d", "e", "f"));
  EXPECT_THAT(keys_of(list("", ObjectKey{"f"})), ::testing::IsEmpty());
}

TEST_P(ObjectSourceContract, ListsSizeTagTimeAndClassOfEachObject) {
  const auto version = room_->put("a", "hello");
  const auto entries = list();
  ASSERT_EQ(entries.size(), 1);
  EXPECT_EQ(entries[0].size, 5);
  EXPECT_EQ(entries[0].version.etag, version.etag);
  EXPECT_EQ(entries[0].version.modified, version.modified);
  EXPECT_EQ(entries[0].storage_class, "STANDARD");
}

TEST_P(ObjectSourceContract, ListsAndReadsAwkwardKeysExactly_F037_F038_F039_F040) {
  auto keys = room_->awkward_keys();
  for (const auto& key : keys) room_->put(key, "of " + key);
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(keys_of(list()), keys);
  for (const auto& key : keys) {
    EXPECT_EQ(read(key), "of " + key);
    const auto meta = stat(key);
    EXPECT_TRUE(meta && meta->size == key.size() + 3) << key;
  }
}

TEST_P(ObjectSourceContract, ReadsAllBytesInPiecesOfAnySize) {
  std::string bytes;
  for (int i = 0; i < 300'000; ++i) bytes.push_back(static_cast<char>(i * 31 + i / 256));
  room_->put("big", bytes);
  EXPECT_EQ(read("big"), bytes);
  EXPECT_EQ(read("big", 0, 1 << 20), bytes);
  EXPECT_EQ(read("big", 0, 7777), bytes);
}

TEST_P(ObjectSourceContract, ReadsFromAnOffsetAndStillKnowsTheWholeSize) {
  room_->put("a", "0123456789");
  auto reader = open("a", std::nullopt, 7);
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ((*reader)->meta().size, 10);
  EXPECT_EQ(read(reader->get()).value(), "789");
  EXPECT_EQ(read("a", 9), "9");
}

TEST_P(ObjectSourceContract, ReadsAnEmptyObject_F020) {
  const auto version = room_->put("empty", "");
  auto reader = open("empty", version.etag);
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ((*reader)->meta().size, 0);
  EXPECT_EQ(read(reader->get()).value(), "");
}

TEST_P(ObjectSourceContract, SaysCompleteAgainWhenAskedAgain) {
  room_->put("a", "hello");
  auto reader = open("a");
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ(read(reader->get()).value(), "hello");
  EXPECT_EQ(read(reader->get()).value(), "");
}

TEST_P(ObjectSourceContract, ReaderAndStatAgreeWithTheListing) {
  room_->put("a", "hello");
  const auto listed = list().at(0);
  auto reader = open("a", listed.version.etag);
  ASSERT_TRUE(reader) << reader.error().what;
  const auto meta = stat("a");
  ASSERT_TRUE(meta) << meta.error().what;
  EXPECT_TRUE((*reader)->meta().version.same_as(listed.version));
  EXPECT_TRUE(meta->version.same_as(listed.version));
  EXPECT_EQ((*reader)->meta().size, 5);
  EXPECT_EQ(meta->size, 5);
}

TEST_P(ObjectSourceContract, CarriesContentHeadersAndUserMetadata) {
  ContentHeaders content;
  content.type = "text/plain; charset=utf-8";
  content.encoding = "gzip";
  content.disposition = "attachment; filename=\"a.txt\"";
  content.language = "de";
  content.cache_control = "max-age=60";
  const UserMetadata user{{"colour", "green"}, {"owner", "team a"}};
  room_->put("a", "stored bytes", content, user);

  auto reader = open("a");
  ASSERT_TRUE(reader) << reader.error().what;
  const auto meta = stat("a");
  ASSERT_TRUE(meta) << meta.error().what;
  EXPECT_EQ((*reader)->meta().content, content);
  EXPECT_EQ((*reader)->meta().user, user);
  EXPECT_EQ(meta->content, content);
  EXPECT_EQ(meta->user, user);
  EXPECT_EQ(read(reader->get()).value(), "stored bytes");
}

TEST_P(ObjectSourceContract, SaysGoneForAKeyThatIsNotThere_F006) {
  room_->put("a", "hello");
  room_->remove("a");
  EXPECT_EQ(open("a").error().kind, ErrorKind::kGone);
  EXPECT_EQ(open("a", ETag{"\"5d41402abc4b2a76b9719d911017c592\""}).error().kind, ErrorKind::kGone);
  EXPECT_EQ(stat("a").error().kind, ErrorKind::kGone);
}

TEST_P(ObjectSourceContract, SaysChangedForAVersionThatIsNoLongerThere_F001) {
  const auto old = room_->put("a", "hello");
  room_->put("a", "other");
  EXPECT_EQ(open("a", old.etag).error().kind, ErrorKind::kChanged);
  EXPECT_EQ(open("a", old.etag, 2).error().kind, ErrorKind::kChanged);
}

TEST_P(ObjectSourceContract, NeverMixesTwoVersionsInOneRead_F002) {
  const std::string first(400'000, 'a');
  room_->put("a", first);
  auto reader = open("a");
  ASSERT_TRUE(reader) << reader.error().what;
  std::string buffer(1000, '\0');
  const auto got = run((*reader)->read(buffer));
  ASSERT_TRUE(got) << got.error().what;

  room_->put("a", std::string(400'000, 'b'));

  const auto rest = read(reader->get());
  if (rest) {
    EXPECT_EQ(buffer.substr(0, *got) + *rest, first);
  } else {
    EXPECT_EQ(rest.error().kind, ErrorKind::kChanged);
  }
}

TEST_P(ObjectSourceContract, AbandonedReaderLeavesTheSourceUsable) {
  room_->put("a", std::string(400'000, 'a'));
  room_->put("b", "hello");
  {
    auto reader = open("a");
    ASSERT_TRUE(reader) << reader.error().what;
    std::string buffer(10, '\0');
    EXPECT_TRUE(run((*reader)->read(buffer)));
  }
  EXPECT_EQ(read("b"), "hello");
}

TEST_P(ObjectSourceContract, CountsItsRequests) {
  room_->put("a", "hello");
  const auto before = source_->requests();
  list();
  EXPECT_EQ(source_->requests(), before + 1);
  read("a");
  EXPECT_EQ(source_->requests(), before + 2);
  EXPECT_TRUE(stat("a"));
  EXPECT_EQ(source_->requests(), before + 3);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ObjectSourceFaultContract);

TEST_P(ObjectSourceFaultContract, CutBodyIsCompletedOrAnErrorButNeverShort_F010_F076) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes.push_back(static_cast<char>(i * 7 + i / 256));
  const auto version = room_->put("a", bytes);
  room_->cut_next_body("a", 12'345);
  auto reader = open("a", version.etag);
  ASSERT_TRUE(reader) << reader.error().what;
  const auto got = read(reader->get(), 5000);
  if (got) {
    EXPECT_EQ(*got, bytes);
  } else {
    EXPECT_EQ(got.error().kind, ErrorKind::kUnavailable);
  }
}

TEST_P(ObjectSourceFaultContract, CutBodyOfAReplacedObjectIsNotContinuedWithTheNewOne_F003) {
  const std::string first(100'000, 'a');
  const auto version = room_->put("a", first);
  room_->cut_next_body("a", 12'345);
  auto reader = open("a", version.etag);
  ASSERT_TRUE(reader) << reader.error().what;
  room_->put("a", std::string(100'000, 'b'));
  const auto got = read(reader->get(), 5000);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().kind, ::testing::AnyOf(ErrorKind::kChanged, ErrorKind::kUnavailable));
}

TEST_P(ObjectSourceFaultContract, FailedPageCanBeAskedForAgainWithItsToken_F024) {
  for (const char* key : {"a", "b", "c", "d", "e"}) room_->put(key, "x");
  const auto first = run(source_->list("", std::nullopt));
  ASSERT_TRUE(first && first->next);
  room_->fail_next_listing();
  const auto failed = run(source_->list("", first->next));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kUnavailable);
  const auto again = run(source_->list("", first->next));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_THAT(keys_of(again->entries), ::testing::ElementsAre("d", "e"));
}

}  // namespace ferry::contract
