#include "sandbox/fault.hpp"

#include <filesystem>
#include <fstream>
#include <set>

#include "sandbox/recipe.hpp"
#include "sandbox/world_test.hpp"

namespace ferry::sandbox {
namespace {

std::string instruction(const std::string& action, const std::string& op = "GetObject") {
  return R"({"service":"s3","op":")" + op + R"(","action":)" + action + "}";
}

struct Spoiled {
  explicit Spoiled(const std::string& action) {
    EXPECT_EQ(world.s3("PUT", "/src/k", {}, "0123456789")->status, 200);
    world.fault(instruction(action));
    reply = world.s3("GET", "/src/k");
  }
  World world;
  std::unique_ptr<FakeExchange> reply;
};

TEST(FaultAction, AnswersAtOnce) {
  const Spoiled s(R"({"status":503,"body":"<Error/>","headers":{"Retry-After":"7"}})");
  EXPECT_EQ(s.reply->status, 503);
  EXPECT_EQ(s.reply->body, "<Error/>");
  EXPECT_EQ(s.reply->header("Retry-After"), "7");
}

TEST(FaultAction, CutsAndResets) {
  const Spoiled cut(R"({"cut_after":4})");
  EXPECT_EQ(cut.reply->body, "0123");
  EXPECT_TRUE(cut.reply->aborted && !cut.reply->reset);
  const Spoiled reset(R"({"reset_after":0})");
  EXPECT_EQ(reset.reply->body, "");
  EXPECT_TRUE(reset.reply->reset);
  const Spoiled early(R"({"status":"reset"})");
  EXPECT_EQ(early.reply->status, 0);
  EXPECT_TRUE(early.reply->reset);
}

TEST(FaultAction, Stalls) {
  Spoiled s(R"({"stall_after":3,"ms":90000})");
  EXPECT_EQ(s.reply->body, "0123456789");
  EXPECT_EQ(s.world.clock.elapsed(), Milliseconds{90'000});
}

TEST(FaultAction, SlowsDown) {
  Spoiled s(R"({"rate":2})");
  EXPECT_EQ(s.reply->body, "0123456789");
  EXPECT_EQ(s.world.clock.elapsed(), Milliseconds{5'000});
}

TEST(FaultAction, FlipsOneByte) {
  const Spoiled s(R"({"flip_byte":1})");
  EXPECT_EQ(s.reply->body.size(), 10u);
  EXPECT_NE(s.reply->body[1], '1');
  EXPECT_EQ(s.reply->body.substr(2), "23456789");
}

TEST(FaultAction, TruncatesHonestlyOrWithALie) {
  const Spoiled honest(R"({"truncate_to":4})");
  EXPECT_EQ(honest.reply->length, 10u);
  EXPECT_TRUE(honest.reply->aborted);
  const Spoiled lie(R"({"truncate_to":4,"fix_length":true})");
  EXPECT_EQ(lie.reply->length, 4u);
  EXPECT_EQ(lie.reply->body, "0123");
  EXPECT_TRUE(lie.reply->finished && !lie.reply->aborted);
}

TEST(FaultAction, ChangesHeaders) {
  const Spoiled s(R"({"set_headers":{"ETag":"\"other\""},"drop_headers":["last-modified"]})");
  EXPECT_EQ(s.reply->header("ETag"), "\"other\"");
  EXPECT_EQ(s.reply->header("Last-Modified"), "(none)");
  EXPECT_EQ(s.reply->body, "0123456789");
}

TEST(FaultAction, RedirectsDelaysAndSpeaksRaw) {
  const Spoiled redirected(R"({"redirect":"http://evil.test/","status":301})");
  EXPECT_EQ(redirected.reply->status, 301);
  EXPECT_EQ(redirected.reply->header("Location"), "http://evil.test/");
  Spoiled delayed(R"({"delay_ms":1500})");
  EXPECT_EQ(delayed.world.clock.elapsed(), Milliseconds{1500});
  const Spoiled raw(R"({"raw":"aGVsbG8="})");
  EXPECT_EQ(raw.reply->raw, "hello");
  EXPECT_TRUE(raw.reply->aborted);
}

TEST(FaultAction, ChangesTheObjectBehindTheReadersBack) {
  Spoiled replaced(R"({"replace_object_at_byte":{"n":5,"body":"new"}})");
  EXPECT_EQ(replaced.reply->body, "0123456789") << "the stream goes on with the old bytes";
  replaced.world.sandbox->faults().clear();
  EXPECT_EQ(replaced.world.s3("GET", "/src/k")->body, "new");
  Spoiled deleted(R"({"delete_object_at_byte":5})");
  EXPECT_EQ(deleted.reply->body, "0123456789");
  EXPECT_EQ(deleted.world.s3("HEAD", "/src/k")->status, 404);
}

TEST(FaultAction, CommitsAndThenFails) {
  World world;
  world.fault(R"({"service":"gcs","op":"InsertMultipart","times":1,"action":{"commit_then":{"status":500}}})");
  EXPECT_EQ(world.insert(R"({"name":"k"})", "bytes")->status, 500);
  EXPECT_EQ(world.gcs("GET", "/storage/v1/b/dst/o/k?alt=media")->body, "bytes");
  world.fault(R"({"service":"gcs","op":"InsertMultipart","action":{"commit_then":"reset"}})");
  EXPECT_TRUE(world.insert(R"({"name":"j"})", "bytes")->reset);
  EXPECT_EQ(world.gcs("GET", "/storage/v1/b/dst/o/j")->status, 200);
}

TEST(FaultAction, PersistsLessThanWasSent) {
  World world;
  const auto uri = world.session();
  world.fault(R"({"op":"PutChunk","nth":1,"action":{"persist_only":262144}})");
  const auto reply = world.put(uri, "bytes 0-524288/524289", std::string(2 * kQuantum + 1, 'a'));
  EXPECT_EQ(reply->status, 308);
  EXPECT_EQ(reply->header("Range"), "bytes=0-262143");
  world.fault(R"({"op":"PutChunk","nth":1,"action":{"persist_only":0}})");
  const auto other = world.session("&name=j");
  EXPECT_EQ(world.put(other, "bytes 0-2/3", "abc")->header("Range"), "(none)");
  EXPECT_EQ(world.put(uri, "bytes 262144-524288/524289", std::string(kQuantum + 1, 'a'))->status, 200);
}

TEST(FaultAction, SpoilsTheBodyOfAnUpload) {
  World world;
  world.fault(R"({"op":"InsertMedia","nth":1,"action":{"flip_byte":0}})");
  world.fault(R"({"op":"InsertMedia","nth":1,"action":{"cut_after":2}})");
  ASSERT_EQ(world.gcs("POST", "/upload/storage/v1/b/dst/o?uploadType=media&name=k", {}, "abc")->status, 200);
  EXPECT_EQ(world.gcs("GET", "/storage/v1/b/dst/o/k?alt=media")->body, "Abc");
  EXPECT_TRUE(world.gcs("POST", "/upload/storage/v1/b/dst/o?uploadType=media&name=j", {}, "abc")->aborted);
  EXPECT_EQ(world.gcs("GET", "/storage/v1/b/dst/o/j")->status, 404);
}

TEST(FaultTable, ChoosesByOperationKeyAndOccurrence) {
  FaultTable table;
  const auto fires = [&](const std::string& key) { return table.match("s3", "GetObject", "b", key).has_value(); };
  ASSERT_TRUE(table.add_lines(
      "# a comment\n\n{\"key_prefix\":\"p/\",\"every\":2,\"after\":2,\"times\":2,\"action\":{\"status\":500}}\n"));
  std::string seen;
  for (int i = 0; i < 10; ++i) seen += fires("p/x") ? '1' : '0';
  EXPECT_EQ(seen, "0001010000");
  EXPECT_FALSE(fires("q"));
  table.clear();
  ASSERT_TRUE(table.add_lines(R"({"op":"GetObject","key":"k","nth":2,"action":{"status":500}})"));
  EXPECT_FALSE(fires("k"));
  EXPECT_FALSE(fires("other"));
  EXPECT_TRUE(fires("k"));
  EXPECT_FALSE(fires("k"));
}

TEST(FaultTable, DrawsTheSameLotsForTheSameSeed) {
  const auto draw = [](int seed) {
    FaultTable table;
    EXPECT_TRUE(
        table.add_lines(R"({"probability":0.3,"seed":)" + std::to_string(seed) + R"(,"action":{"status":500}})"));
    std::string seen;
    for (int i = 0; i < 200; ++i) seen += table.match("s3", "x", "b", "k") ? '1' : '0';
    return seen;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  EXPECT_NEAR(static_cast<double>(std::ranges::count(draw(1), '1')), 60, 25);
}

TEST(FaultTable, NamesWhatItDoesNotUnderstand) {
  const auto complaint = [](const std::string& line) {
    const auto parsed = parse_fault(line);
    return parsed ? std::string("(accepted)") : parsed.error().what;
  };
  EXPECT_NE(complaint(R"({"operation":"GetObject","action":{}})").find("'operation'"), std::string::npos);
  EXPECT_NE(complaint(R"({"action":{"explode":1}})").find("'explode'"), std::string::npos);
  EXPECT_NE(complaint(R"({"action":{"stall_after":1}})").find("ms"), std::string::npos);
  EXPECT_NE(complaint(R"({"op":"GetObject"})").find("missing"), std::string::npos);
  EXPECT_NE(complaint("not json").find("JSON"), std::string::npos);
  EXPECT_NE(complaint(R"({"action":{"cut_after":-1}})").find("cut_after"), std::string::npos);
}

TEST(EventLog, TellsEveryRequestAndEveryCommitWithItsDigest) {
  World world;
  ASSERT_EQ(world.insert(R"({"name":"k","metadata":{"ferry-etag":"e"}})", "123456789")->status, 200);
  ASSERT_EQ(world.s3("PUT", "/src/k", {}, "123456789")->status, 200);
  world.s3("GET", "/src/k", {{"Range", "bytes=1-2"}});
  const auto events = world.sandbox->log().read(0, 100);
  const std::string sha = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225";
  EXPECT_EQ(std::ranges::count(events, '\n'), 5);
  EXPECT_NE(events.find(R"("service":"gcs","upload":"multipart","bucket":"dst","key":"k","generation":")"),
            std::string::npos)
      << events;
  EXPECT_NE(events.find(R"("sha256":")" + sha + R"(","metadata":{"ferry-etag":"e"}})"), std::string::npos) << events;
  EXPECT_NE(events.find(R"("op":"GetObject","bucket":"src","key":"k","status":206,"in":0,"out":2,"range":"bytes=1-2")"),
            std::string::npos)
      << events;
  EXPECT_EQ(std::ranges::count(world.sandbox->log().read(4, 100), '\n'), 1);
}

TEST(Admin, AnswersOnEveryPortWithoutCredentials) {
  World world;
  world.sign = false;
  world.s3("GET", "/src/missing");
  EXPECT_NE(world.gcs("GET", "/_sandbox/counters")->body.find(R"("GetObject":{"requests":1)"), std::string::npos);
  EXPECT_EQ(world.gcs("POST", "/_sandbox/faults", {}, R"({"op":"GetObject","action":{"status":500}})")->status, 200);
  EXPECT_EQ(world.gcs("GET", "/storage/v1/b/dst/o/k")->status, 500);
  EXPECT_NE(world.gcs("GET", "/_sandbox/faults")->body.find(R"("fired":1)"), std::string::npos);
  EXPECT_EQ(world.gcs("POST", "/_sandbox/faults", {}, "nonsense")->status, 400);
  EXPECT_EQ(world.gcs("DELETE", "/_sandbox/faults")->status, 200);
  EXPECT_EQ(world.gcs("GET", "/storage/v1/b/dst/o/k")->status, 404);
  EXPECT_EQ(world.gcs("POST", "/_sandbox/reset")->status, 200);
  EXPECT_EQ(world.gcs("GET", "/_sandbox/counters")->body, "{}");
  EXPECT_EQ(world.gcs("GET", "/_sandbox/nothing")->status, 404);
}

class SandboxJournal : public ::testing::Test {
 protected:
  SandboxJournal()
      : folder_(std::filesystem::temp_directory_path() / ("ferry-sandbox-journal-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(folder_);
  }
  ~SandboxJournal() override { std::filesystem::remove_all(folder_); }
  Settings settings() const {
    Settings made;
    made.data_dir = folder_.string();
    return made;
  }
  std::filesystem::path folder_;
};

TEST_F(SandboxJournal, BringsEverythingBackAfterARestart) {
  std::string etag, generation;
  {
    World world(settings());
    etag = world
               .s3("PUT", "/src/a%20b", {{"x-amz-meta-n", "v\xFC"}, {"x-amz-storage-class", "STANDARD_IA"}},
                   std::string(300'000, 'x'))
               ->header("ETag");
    world.s3("PUT", "/src/gone", {}, "x");
    world.s3("DELETE", "/src/gone");
    generation =
        std::string(world.insert(R"({"name":"k","metadata":{"m":"ü"}})", "bytes")->json().at("generation").as_string());
  }
  World world(settings());
  const auto got = world.s3("GET", "/src/a%20b");
  EXPECT_EQ(got->body, std::string(300'000, 'x'));
  EXPECT_EQ(got->header("ETag"), etag);
  EXPECT_EQ(got->header("x-amz-storage-class"), "STANDARD_IA");
  EXPECT_EQ(world.s3("GET", "/src/gone")->status, 404);
  const auto object = world.gcs("GET", "/storage/v1/b/dst/o/k")->json();
  EXPECT_EQ(std::string(object.at("generation").as_string()), generation);
  EXPECT_EQ(object.at("metadata").at("m"), "ü");
  EXPECT_EQ(world.gcs("GET", "/storage/v1/b/dst/o/k?alt=media")->body, "bytes");
}

TEST_F(SandboxJournal, DropsALineThatACrashCutOff) {
  {
    World(settings()).s3("PUT", "/src/k", {}, "kept");
  }
  std::ofstream(folder_ / "journal", std::ios::app) << R"({"do":"s3.put","bucket":"src","ke)";
  {
    World world(settings());
    EXPECT_EQ(world.s3("GET", "/src/k")->body, "kept");
    ASSERT_EQ(world.s3("PUT", "/src/j", {}, "after")->status, 200);
  }
  EXPECT_EQ(World(settings()).s3("GET", "/src/j")->body, "after");
}

TEST_F(SandboxJournal, RefusesADamagedLine) {
  {
    World world(settings());
  }
  std::ofstream(folder_ / "journal", std::ios::app) << "damaged\n{}\n";
  EXPECT_THROW(World{settings()}, std::runtime_error);
}

TEST(Recipe, DemoHasHundredsOfDistinctNamesThatGcsCanHold) {
  const auto items = make_recipe("demo", 1, false);
  ASSERT_TRUE(items);
  EXPECT_GT(items->size(), 250u);
  std::set<std::string> names;
  for (const auto& item : *items) {
    names.insert(item.key);
    EXPECT_FALSE(check_object_name(item.key)) << item.key;
  }
  EXPECT_EQ(names.size(), items->size());
  EXPECT_EQ(chosen_for_change(*items, 20).size(), 20u);
  EXPECT_FALSE(make_recipe("unknown", 1, false));
  EXPECT_EQ(make_recipe("small:12:4K", 1, false)->size(), 12u);
}

}  // namespace
}  // namespace ferry::sandbox
