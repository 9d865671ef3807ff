#include "app/plan_run.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "app/plan_html.hpp"
#include "app/plan_text.hpp"
#include "app/price_file.hpp"
#include "source/memory/memory_source.hpp"
#include "target/memory/memory_target.hpp"

namespace ferry::app {
namespace {

/// `plan` as it ships, around buckets in memory.
struct Drawing {
  Drawing() {
    settings.command = Command::kPlan;
    settings.job = Job{BucketName{"src"}, "", BucketName{"dst"}, ""};
    screen.show = [](const std::string&) {};
    screen.print = [](const std::string&) {};
    screen.width = [] { return std::size_t{80}; };
  }
  Result<PlanEnding> plan() {
    PlanRooms rooms;
    rooms.make_clients = [this](Executor, Patience) -> Result<Clients> {
      Clients clients;
      clients.source = memory_source(source);
      if (!settings.job.target_bucket.empty()) clients.target = memory::make_target(target);
      return clients;
    };
    rooms.prices = default_prices();
    rooms.screen = &screen;
    rooms.clock = system_clock();
    return run_plan(settings, std::move(rooms));
  }

  std::shared_ptr<MemoryBucket> source = std::make_shared<MemoryBucket>(system_clock());
  std::shared_ptr<memory::TargetBucket> target = std::make_shared<memory::TargetBucket>();
  Settings settings;
  Screen screen;
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(PlanRun, WhatCanAllBeCopiedEndsWithZero) {
  Drawing drawing;
  for (int i = 0; i < 3; ++i) drawing.source->put("key/" + std::to_string(i), "body");
  const auto ending = drawing.plan();
  ASSERT_TRUE(ending);
  EXPECT_EQ(exit_code_of(*ending), ExitCode::kDone);
  const auto page = page_of(*ending);
  EXPECT_TRUE(page.starts_with("To copy: 3 of 3 objects, 12 B.\n  s3://src → gs://dst\n")) << page;
  EXPECT_TRUE(contains(page, "prices as of " + ending->prices.as_of)) << page;
  EXPECT_TRUE(contains(page, "GET, objects read")) << page;
  EXPECT_TRUE(contains(page, "objects limit it")) << page;
}

TEST(PlanRun, WhatCannotBeCopiedEndsWithOneAndIsNamed_F036_F034) {
  Drawing drawing;
  drawing.source->put("bad\nname", "x");
  drawing.source->put("huge", "x");
  drawing.source->list_size("huge", kTargetBytesMax + 1);
  const auto ending = drawing.plan();
  ASSERT_TRUE(ending);
  EXPECT_EQ(exit_code_of(*ending), ExitCode::kDifferent);
  const auto page = page_of(*ending);
  EXPECT_TRUE(contains(page, "bad\\x0aname")) << page;
  EXPECT_TRUE(contains(page, "above 5 TiB")) << page;
  const auto json = boost::json::parse(json_of(*ending));
  EXPECT_EQ(json.at("status"), "blocked");
  EXPECT_EQ(json.at("blocked").at("name").at("examples").as_array().size(), 1u);
}

TEST(PlanRun, WithoutATargetEverythingIsNew) {
  Drawing drawing;
  drawing.settings.job.target_bucket = {};
  drawing.source->put("a", "body");
  const auto ending = drawing.plan();
  ASSERT_TRUE(ending);
  EXPECT_EQ(ending->estimate.of(Action::kNew).objects, 1u);
  EXPECT_EQ(ending->target_lists, 1u);
  EXPECT_TRUE(contains(page_of(*ending), "\n  s3://src\n")) << page_of(*ending);
}

TEST(PlanRun, AListingThatIsRefusedIsSaidToBeSo_F031) {
  Drawing drawing;
  drawing.source->fail_list(1, Error{ErrorKind::kDenied, "list s3://src: 403 AccessDenied"}, MemoryBucket::kAlways);
  const auto ending = drawing.plan();
  ASSERT_TRUE(ending);
  EXPECT_EQ(exit_code_of(*ending), ExitCode::kRefused);
  EXPECT_TRUE(contains(page_of(*ending), "403 AccessDenied")) << page_of(*ending);
}

TEST(PlanRun, AnEmptyBucketIsAPlanOfNothing_F022) {
  Drawing drawing;
  const auto ending = drawing.plan();
  ASSERT_TRUE(ending);
  EXPECT_EQ(exit_code_of(*ending), ExitCode::kDone);
  EXPECT_TRUE(page_of(*ending).starts_with("To copy: 0 of 0 objects, 0 B.")) << page_of(*ending);
  EXPECT_TRUE(contains(html_of(*ending), "To copy: 0 of 0 objects"));
}

TEST(PlanHtml, EscapesWhatComesFromOutsideAndLoadsNothing_F151) {
  Drawing drawing;
  drawing.source->put("<img src=x>\n", "x");
  const auto ending = drawing.plan();
  ASSERT_TRUE(ending);
  const auto page = html_of(*ending);
  EXPECT_FALSE(contains(page, "<img"));
  EXPECT_TRUE(contains(page, "&lt;img src=x&gt;\\x0a"));
  EXPECT_FALSE(contains(page, "http"));
}

TEST(Money, HasCentsAndCommas) {
  EXPECT_EQ(money(0, "USD"), "0.00 USD");
  EXPECT_EQ(money(1234.567, "EUR"), "1,234.57 EUR");
  EXPECT_EQ(money(0.994999, "USD"), "0.99 USD");
}

}  // namespace
}  // namespace ferry::app
