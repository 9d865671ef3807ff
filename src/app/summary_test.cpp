#include "app/summary.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace ferry::app {
namespace {

CopyEnding good() {
  CopyEnding ending;
  ending.job = Job{BucketName{"photos"}, "2024/", BucketName{"archive"}, ""};
  ending.tally.listed = 1'000;
  ending.tally.listed_bytes = 3ULL << 30;
  ending.tally.copied = 312;
  ending.tally.copied_bytes = ending.tally.moved_bytes = 1ULL << 30;
  ending.tally.unchanged = 688;
  ending.tally.unchanged_bytes = 2ULL << 30;
  ending.tally.listing_done = true;
  ending.tally.rungs[static_cast<std::size_t>(Rung::kMd5)] = 300;
  ending.tally.rungs[static_cast<std::size_t>(Rung::kTransport)] = 12;
  ending.seconds = 4;
  ending.source_requests = 313;
  ending.target_requests = 314;
  ending.scan = "00c0ffee";
  ending.state_file = "/var/lib/state.sqlite";
  return ending;
}

CopyEnding with_failures(std::uint64_t count) {
  auto ending = good();
  ending.tally.unchanged -= count;
  ending.tally.failed = count;
  Failure failure;
  failure.key = ObjectKey{"2024/\x1b[2J\n"};
  failure.reason = FailureReason::kDenied;
  failure.what = "read source: 403 AccessDenied; allow s3:GetObject";
  ending.failures = {failure};
  return ending;
}

TEST(CopySummary, SaysWhatWasDeletedAndWhatWasNot) {
  auto ending = good();
  ending.tally.deleted = 2;
  ending.pruned = Pruned{.ours = 1'000, .gone = 4, .deleted = 2, .kept = 1, .failed = 1, .trouble = "held"};
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDifferent);
  const auto page = page_of(ending);
  EXPECT_NE(page.find("of 4 that left the source; 1 came back or changed meanwhile"), std::string::npos) << page;
  EXPECT_NE(page.find("1 could not be deleted; the first: held\n"), std::string::npos) << page;

  ending = good();
  ending.pruned = Pruned{.ours = 1'000, .gone = 400, .refused = "400 of 1000 left"};
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDifferent);
  EXPECT_NE(page_of(ending).find("Deletions refused: 400 of 1000 left"), std::string::npos);
  const auto object = boost::json::parse(json_of(ending)).as_object();
  EXPECT_EQ(object.at("deletions").at("gone"), 400);
  EXPECT_EQ(object.at("deleted"), 0);

  ending.pruned = Pruned{.ours = 1'000};
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDone);
}

TEST(CopySummary, CountsAdoptedAmongTheUnchanged) {
  auto ending = good();
  ending.tally.adopted = 12;
  EXPECT_NE(page_of(ending).find("  adopted"), std::string::npos);
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDone) << "the books balance";
}

TEST(CopyExitCode, FollowsTheTable) {
  EXPECT_EQ(exit_code_of(good()), ExitCode::kDone);
  EXPECT_EQ(exit_code_of(with_failures(1)), ExitCode::kDifferent);

  auto refused = good();
  refused.broken = Error{ErrorKind::kDenied, "list source: 403"};
  EXPECT_EQ(exit_code_of(refused), ExitCode::kRefused);

  auto interrupted = good();
  interrupted.interrupted = true;
  EXPECT_EQ(exit_code_of(interrupted), ExitCode::kInterrupted);

  auto unsettled = good();
  unsettled.tally.listed += 1;
  EXPECT_EQ(exit_code_of(unsettled), ExitCode::kDifferent) << "the books must balance";

  auto unreported = good();
  unreported.report = Error{ErrorKind::kUnavailable, "--report 'r': disk full"};
  EXPECT_EQ(exit_code_of(unreported), ExitCode::kDifferent);
}

TEST(CopyExitCode, OfADryRunCountsRefusals) {
  auto dry = good();
  dry.dry_run = true;
  dry.tally.copied = 0;
  dry.tally.planned = 312;
  EXPECT_EQ(exit_code_of(dry), ExitCode::kDone);
  dry.tally.planned = 311;
  dry.tally.failed = 1;
  EXPECT_EQ(exit_code_of(dry), ExitCode::kDifferent);
}

TEST(CopyPage, IsReadByAPerson) {
  EXPECT_EQ(page_of(good()),
            "Copied 312 of 1,000 objects, 1 GiB, in 4.0 s (256 MiB/s).\n"
            "  s3://photos/2024/ → gs://archive\n"
            "  listed                  1,000       3 GiB\n"
            "  copied                    312       1 GiB   checked by md5 300, transport 12\n"
            "  unchanged                 688       2 GiB\n"
            "  failed                      0         0 B\n"
            "  requests         S3 313, GCS 314\n");
}

TEST(CopyPage, ShowsTheFirstFailuresAndTheWayToTheRest_F151) {
  auto ending = with_failures(40);
  const auto page = page_of(ending);
  EXPECT_NE(page.find("denied  2024/\\x1b[2J\\x0a\n      read source: 403 AccessDenied; allow s3:GetObject\n"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("run again with --report FILE"), std::string::npos) << page;
  ending.report_file = "r.jsonl";
  EXPECT_NE(page_of(ending).find("all of them: r.jsonl"), std::string::npos);
}

TEST(CopyPage, OfARunThatWasRefusedAtOnceIsOneLine_F031) {
  CopyEnding refused;
  refused.broken = Error{ErrorKind::kDenied, "list source: 403 SignatureDoesNotMatch\n"};
  EXPECT_EQ(page_of(refused), "bucketferry: list source: 403 SignatureDoesNotMatch\\x0a\n");
  refused.broken = Error{ErrorKind::kUnavailable, "list source: refused"};
  EXPECT_EQ(page_of(refused), "bucketferry: list source: refused; check the address and the network\n");
}

TEST(CopyPage, OfAnInterruptedRunSaysWhatStandsAndHowToGoOn) {
  auto ending = good();
  ending.interrupted = true;
  ending.tally.unchanged = 0;
  EXPECT_NE(page_of(ending).find("the same command goes on from here (688 objects to go)"), std::string::npos)
      << page_of(ending);
}

TEST(CopyJson, HasThePromisedFields) {
  const auto object = boost::json::parse(json_of(good())).as_object();
  for (const auto* field : {"listed", "copied", "unchanged", "superseded", "failed", "deleted", "bytes"}) {
    EXPECT_TRUE(object.at(field).is_number()) << field;
  }
  EXPECT_EQ(object.at("seconds"), 4.0);
  EXPECT_NE(json_of(good()).find("\"seconds\":4.000"), std::string::npos) << "no exponent: scripts read it, too";
  EXPECT_EQ(object.at("requests").at("source"), 313);
  EXPECT_EQ(object.at("requests").at("target"), 314);
  EXPECT_EQ(object.at("rungs").at("md5"), 300);
  EXPECT_EQ(object.at("rungs").as_object().size(), static_cast<std::size_t>(kRungs));
  EXPECT_EQ(object.at("state"), "/var/lib/state.sqlite");
  EXPECT_EQ(object.at("status"), "done");
}

TEST(CopyPage, NamesWhatOfTheObjectsDidNotArrive) {
  auto ending = good();
  EXPECT_EQ(page_of(ending).find("not whole"), std::string::npos);
  EXPECT_EQ(boost::json::parse(json_of(ending)).at("losses").at("tags"), 0);
  ending.tally.lossy = 3;
  ending.tally.losses[static_cast<std::size_t>(Loss::kTags)] = 2;
  ending.tally.losses[static_cast<std::size_t>(Loss::kObjectLock)] = 2;
  EXPECT_NE(page_of(ending).find("without tags 2, object-lock 2"), std::string::npos) << page_of(ending);
  const auto object = boost::json::parse(json_of(ending)).as_object();
  EXPECT_EQ(object.at("not_whole"), 3);
  EXPECT_EQ(object.at("losses").at("object-lock"), 2);
}

TEST(CopyJson, IsOneLineWhateverKeysHold_F151) {
  const auto line = json_of(with_failures(1));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(boost::json::parse(line).at("failures").at(0).at("key"), "2024/\x1b[2J\n");
}

}  // namespace
}  // namespace ferry::app
