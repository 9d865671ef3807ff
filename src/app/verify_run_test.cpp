#include "app/verify_run.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <fstream>

#include "app/evidence_page.hpp"
#include "source/memory/memory_source.hpp"
#include "target/memory/memory_target.hpp"

namespace ferry::app {
namespace {

/// `verify` as it ships, around buckets in memory that nobody copied: what agrees, agrees by MD5.
struct Quay {
  Quay() {
    settings.command = Command::kVerify;
    settings.job = Job{BucketName{"src"}, "", BucketName{"dst"}, ""};
    screen.show = [](const std::string&) {};
    screen.print = [](const std::string&) {};
    screen.width = [] { return std::size_t{80}; };
  }
  void put_both(const std::string& key, const std::string& bytes) {
    source->put(key, bytes);
    target->put(ObjectKey{key}, bytes);
  }
  VerifyEnding verify(LineFile* report = nullptr) {
    VerifyRooms rooms;
    rooms.make_clients = [this](Executor, Patience) -> Result<Clients> {
      Clients clients;
      clients.source = memory_source(source);
      clients.target = memory::make_target(target);
      return clients;
    };
    rooms.report = report;
    rooms.screen = &screen;
    rooms.clock = system_clock();
    auto ended = run_verify(settings, std::move(rooms));
    EXPECT_TRUE(ended) << ended.error().what;
    return ended ? *std::move(ended) : VerifyEnding{};
  }

  std::shared_ptr<MemoryBucket> source = std::make_shared<MemoryBucket>(system_clock());
  std::shared_ptr<memory::TargetBucket> target = std::make_shared<memory::TargetBucket>();
  Settings settings;
  Screen screen;
};

TEST(VerifyRun, EqualSidesEndWithZero) {
  Quay quay;
  for (int i = 0; i < 10; ++i) quay.put_both("key/" + std::to_string(i), "body");
  const auto ending = quay.verify();
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDone);
  EXPECT_TRUE(page_of(ending).starts_with("Equal: 10 objects, 40 B")) << page_of(ending);
  EXPECT_NE(page_of(ending).find("by md5 10"), std::string::npos) << page_of(ending);
}

TEST(VerifyRun, AnyDifferenceEndsWithOneAndIsNamed) {
  Quay quay;
  quay.put_both("same", "body");
  quay.source->put("lost", "body");
  const auto ending = quay.verify();
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDifferent);
  EXPECT_NE(page_of(ending).find("missing  lost\n      the target has no such object"), std::string::npos)
      << page_of(ending);
  const auto object = boost::json::parse(json_of(ending)).as_object();
  EXPECT_EQ(object.at("differences"), 1);
  EXPECT_EQ(object.at("verdicts").at("missing"), 1);
  EXPECT_EQ(object.at("verdicts").at("ok"), 1);
  EXPECT_EQ(object.at("sample").at(0).at("key"), "lost");
}

TEST(VerifyRun, AnExtraIsADifferenceUnlessItIsToBeIgnored) {
  Quay quay;
  quay.target->put(ObjectKey{"extra\n"}, "body");
  EXPECT_EQ(exit_code_of(quay.verify()), ExitCode::kDifferent);
  quay.settings.ignore_extra = true;
  const auto ending = quay.verify();
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDone);
  EXPECT_TRUE(ending.differences.empty());
}

TEST(VerifyRun, AListingThatIsRefusedEndsItAsRefused) {
  Quay quay;
  quay.source->fail_list(1, Error{ErrorKind::kDenied, "403 AccessDenied"});
  const auto ending = quay.verify();
  EXPECT_EQ(exit_code_of(ending), ExitCode::kRefused);
  EXPECT_NE(page_of(ending).find("bucketferry: list source: 403 AccessDenied"), std::string::npos) << page_of(ending);
}

TEST(VerifyRun, ASignalEndsItAsInterrupted_F130) {
  Quay quay;
  quay.settings.deep = true;
  quay.settings.transfers = 1;
  for (int i = 0; i < 1'000; ++i) quay.put_both("key/" + std::to_string(i), "body");
  quay.source->when_read("key/0", 0, [] { ::kill(::getpid(), SIGINT); });
  const auto ending = quay.verify();
  EXPECT_EQ(exit_code_of(ending), ExitCode::kInterrupted);
  EXPECT_LT(ending.count(Verdict::kOk), 1'000u);
}

TEST(VerifyRun, TheReportHasEvidenceForEveryObject) {
  char path[] = "/tmp/ferry-verify-test-XXXXXX";
  ::close(::mkstemp(path));
  Quay quay;
  quay.put_both("same", "body");
  quay.source->put("lost", "body");
  auto report = LineFile::create(path);
  ASSERT_TRUE(report);
  (void)quay.verify(report->get());
  ASSERT_TRUE((*report)->finish());

  std::ifstream file{path};
  std::vector<boost::json::object> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(boost::json::parse(line).as_object());
  ::unlink(path);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("key"), "lost");
  EXPECT_EQ(lines[0].at("verdict"), "missing");
  EXPECT_EQ(lines[1].at("evidence"), "md5");
  EXPECT_TRUE(lines[1].contains("crc32c"));
}

TEST(EvidencePage, HoldsOutsidersTextAsTextAndNeedsNothingFromElsewhere) {
  Quay quay;
  quay.put_both("same", "body");
  quay.source->put("<img src=x onerror=alert(1)>", "body");
  auto ending = quay.verify();
  ending.who = "\"><script>";
  const auto page = evidence_page(ending);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("&lt;img src=x onerror=alert(1)&gt;"), std::string::npos);
  for (auto at = page.find("://"); at != std::string::npos; at = page.find("://", at + 1)) {
    const auto scheme = page.substr(at - 2, 2);
    EXPECT_TRUE(scheme == "s3" || scheme == "gs") << "an address besides the job's: " << page.substr(at - 8, 40);
  }
  EXPECT_NE(page.find("Different: 1 difference<"), std::string::npos);
}

TEST(EvidencePage, SaysWhenItIsNotTheWholeTruth) {
  Quay quay;
  quay.source->fail_list(1, Error{ErrorKind::kDenied, "403 AccessDenied"});
  const auto page = evidence_page(quay.verify());
  EXPECT_NE(page.find("Incomplete"), std::string::npos);
  EXPECT_NE(page.find("403 AccessDenied"), std::string::npos);
}

}  // namespace
}  // namespace ferry::app
