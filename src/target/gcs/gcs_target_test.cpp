#include "target/gcs/gcs_target.hpp"

#include <gtest/gtest.h>

#include "target/gcs/room_test.hpp"
#include "target/object_target_contract.hpp"

namespace ferry::gcs {
namespace {

class FakeHarness final : public TargetHarness {
 public:
  ObjectTarget* target() override { return room_.target.get(); }
  std::uint64_t whole_bytes_max() const override { return room_.options.whole_bytes_max; }
  std::uint64_t chunk_bytes() const override { return room_.options.chunk_bytes; }
  std::size_t page_size() const override { return room_.options.page_size; }
  Generation put(const ObjectKey& key, const std::string& bytes, const UserMetadata& metadata) override {
    return Generation{room_.bucket.put(key.str(), bytes, metadata)};
  }
  std::optional<std::string> bytes(const ObjectKey& key) override {
    const auto found = room_.bucket.objects.find(key.str());
    return found == room_.bucket.objects.end() ? std::nullopt : std::optional{found->second.bytes};
  }
  UserMetadata metadata(const ObjectKey& key) override {
    UserMetadata result;
    for (const auto& entry : room_.bucket.objects.at(key.str()).resource.at("metadata").as_object()) {
      result.emplace_back(std::string{entry.key()}, std::string{entry.value().as_string()});
    }
    return result;
  }
  ContentHeaders content(const ObjectKey& key) override {
    const auto& resource = room_.bucket.objects.at(key.str()).resource;
    const auto field = [&resource](const char* name) -> std::optional<std::string> {
      const auto* value = resource.if_contains(name);
      return value ? std::optional<std::string>{std::string{value->as_string()}} : std::nullopt;
    };
    return ContentHeaders{field("contentType"),     field("contentEncoding"), field("contentDisposition"),
                          field("contentLanguage"), field("cacheControl"),    std::nullopt};
  }
  asio::io_context* context() override { return &room_.context; }
  ferry::testing::SimulatedClock* clock() override { return &room_.clock; }

 private:
  Room room_;
};

std::unique_ptr<TargetHarness> make_harness() { return std::make_unique<FakeHarness>(); }

TEST(GcsTarget, RefusesSettingsThatCanNotWork) {
  Room room;
  const auto error_of = [&room](Options options) {
    return make_target(std::move(options), no_token(), &room.http, &room.clock, &room.rng).error();
  };
  auto bucket = room.options;
  bucket.bucket = BucketName{"not/a bucket"};
  EXPECT_EQ(error_of(bucket).kind, ErrorKind::kInvalid);
  EXPECT_NE(error_of(bucket).what.find("not/a bucket"), std::string::npos);
  auto chunk = room.options;
  chunk.chunk_bytes = 1000;
  EXPECT_EQ(error_of(chunk).kind, ErrorKind::kInvalid);
}

TEST(GcsTarget, KeepsExpiresAsMetadataUnlessTheUserHasThatName) {
  Room room;
  auto what = Room::spec("a", 1);
  what.content.expires = "Fri, 24 May 2013 00:00:00 GMT";
  auto taken = what;
  taken.key = ObjectKey{"b"};
  taken.metadata.emplace_back("expires", "mine");
  ASSERT_TRUE(room.send(what, "x"));
  ASSERT_TRUE(room.send(taken, "x"));
  const auto expires = [&room](const char* key) {
    return std::string{room.bucket.objects.at(key).resource.at("metadata").as_object().at("expires").as_string()};
  };
  EXPECT_EQ(expires("a"), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(expires("b"), "mine");
}

TEST(GcsTarget, StatTellsAMissingObjectFromAMissingBucket_F065) {
  Room room;
  EXPECT_FALSE(room.run(room.target->stat(ObjectKey{"bucket does not exist"})).value());
  room.options.bucket = BucketName{"other"};
  room.open();
  const auto error = room.run(room.target->stat(ObjectKey{"a"})).error();
  EXPECT_EQ(error.kind, ErrorKind::kInvalid);
  EXPECT_NE(error.what.find("bucket does not exist"), std::string::npos) << error.what;
  EXPECT_NE(error.what.find("gs://other"), std::string::npos) << error.what;
}

TEST(GcsTarget, MissingBucketAndRefusalsForAllAreOneClearError_F065) {
  struct Case {
    int status;
    const char* reason;
    ErrorKind kind;
  };
  for (const auto& expected : {Case{404, "notFound", ErrorKind::kInvalid}, Case{401, "required", ErrorKind::kDenied},
                               Case{403, "accountDisabled", ErrorKind::kDenied}}) {
    Room room;
    room.fault = [&](const auto&) { return FakeBucket::error(expected.status, expected.reason, "planned"); };
    for (const auto& error :
         {room.run(room.target->list("", std::nullopt)).error(), room.send(Room::spec("a", 1), "x").error(),
          room.run(room.target->begin(Room::spec("a", 1 << 20))).error()}) {
      EXPECT_EQ(error.kind, expected.kind) << error.what;
      EXPECT_EQ(error.what.find('\n'), std::string::npos);
      EXPECT_NE(error.what.find("gs://bucket"), std::string::npos) << error.what;
    }
    EXPECT_LE(room.http.requests().size(), 3) << "no retry can help";
  }
}

TEST(GcsTarget, RemoveOfAVanishedObjectIsSuccessEvenIfThePreconditionIsNamed) {
  Room room;
  room.fail_when([](const auto& request) { return request.head.method == "DELETE"; },
                 FakeBucket::error(412, "conditionNotMet", "planned"));
  EXPECT_TRUE(room.run(room.target->remove(ObjectKey{"a"}, Generation{7})));
}

TEST(GcsTarget, CountsRequestsWithRetries) {
  Room room;
  room.fail_when(any_request, FakeBucket::error(503, "backendError", "planned"), 2);
  ASSERT_TRUE(room.send(Room::spec("a", 1), "x"));
  EXPECT_EQ(room.target->requests(), 3);
  EXPECT_EQ(room.http.requests().size(), 3);
}

}  // namespace
}  // namespace ferry::gcs

namespace ferry {
INSTANTIATE_TEST_SUITE_P(GcsOnFakeHttp, ObjectTargetContract, ::testing::Values(TargetMaker{"gcs", gcs::make_harness}));
}  // namespace ferry
