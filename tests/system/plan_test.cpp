// `plan`, with the shipped program: what it says must be what `copy` then does, counted by the sandbox.

#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

class Plan : public SystemTest {
 protected:
  Outcome plan(std::vector<std::string> options = {}, const Environment& changes = {}) {
    std::vector<std::string> arguments{"plan", "s3://" + kSource, "gs://" + kTarget, "--json", "--progress", "none"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return ferry(std::move(arguments), changes);
  }
  static std::uint64_t at(const Outcome& outcome, std::string_view path) {
    return outcome.summary.empty() ? ~std::uint64_t{0} : number_at(outcome.summary, path);
  }

 private:
  static std::uint64_t number_at(const boost::json::value& value, std::string_view path) {
    boost::system::error_code missing;
    const auto* found = value.find_pointer(path, missing);
    return found ? found->to_number<std::uint64_t>() : ~std::uint64_t{0};
  }
};

TEST_F(Plan, SaysWhatACopyThenDoes) {
  start();
  source_->put("unchanged", "as it was");
  source_->put("changing", "before");
  ASSERT_EQ(copy().code(), 0);
  source_->put("changing", "afterwards");
  source_->put("empty", "");
  for (int i = 0; i < 20; ++i) source_->put("small/" + std::to_string(i), noise(1000 * i, i));
  source_->put("single", noise(3 * kMiB, 1));
  source_->put("large", noise(17 * kMiB, 2));
  source_->put_in_parts("parts", {noise(5 * kMiB, 3), noise(5 * kMiB, 4), noise(100, 5)});
  source_->put("brought", "by somebody else");
  target_->put("brought", "by somebody else");
  source_->put("bad\nname", "x");
  source_->put("frozen", "ice", {{"x-amz-storage-class", "GLACIER"}});
  source_->put("cool", "water", {{"x-amz-storage-class", "STANDARD_IA"}});
  sandbox_->forget();

  const auto planned = plan();
  EXPECT_EQ(planned.code(), 1) << planned.describe();
  EXPECT_EQ(sandbox_->requests("s3"), sandbox_->requests("s3", "ListObjectsV2")) << "listings alone";
  EXPECT_EQ(sandbox_->requests("gcs"), sandbox_->requests("gcs", "ListObjects"));
  EXPECT_EQ(at(planned, "/listed"), 30);
  EXPECT_EQ(at(planned, "/actions/new/objects"), 25);
  EXPECT_EQ(at(planned, "/actions/changed/objects"), 1);
  EXPECT_EQ(at(planned, "/actions/unchanged/objects"), 1);
  EXPECT_EQ(at(planned, "/actions/already_there/objects"), 1);
  EXPECT_EQ(at(planned, "/actions/blocked/objects"), 2);
  EXPECT_EQ(at(planned, "/blocked/name/objects"), 1);
  EXPECT_EQ(at(planned, "/blocked/archived/objects"), 1);
  EXPECT_EQ(at(planned, "/classes/STANDARD_IA/to_copy/objects"), 1);
  sandbox_->forget();

  const auto copied = copy();
  EXPECT_EQ(copied.code(), 1) << copied.describe();
  EXPECT_EQ(copied.number("copied"), at(planned, "/to_copy/objects"));
  EXPECT_EQ(copied.number("bytes"), at(planned, "/to_copy/bytes"));
  EXPECT_EQ(copied.number("read_bytes"), at(planned, "/egress_bytes"));
  EXPECT_EQ(copied.number("failed"), at(planned, "/actions/blocked/objects"));
  const auto said = [&](const char* name) { return at(planned, std::string{"/copy_requests/"} + name); };
  const auto counted = boost::json::serialize(sandbox_->counters());
  EXPECT_EQ(sandbox_->requests("s3", "ListObjectsV2"), said("source/list")) << counted;
  EXPECT_EQ(sandbox_->requests("s3", "GetObject"), said("source/get")) << counted;
  EXPECT_EQ(sandbox_->requests("s3", "HeadObject"), said("source/head")) << counted;
  EXPECT_EQ(sandbox_->requests("s3"), said("source/list") + said("source/get") + said("source/head")) << counted;
  EXPECT_EQ(sandbox_->requests("gcs", "ListObjects"), said("target/list")) << counted;
  EXPECT_EQ(sandbox_->requests("gcs", "StartSession"), said("target/session")) << counted;
  EXPECT_EQ(sandbox_->requests("gcs", "PutChunk"), said("target/chunk")) << counted;
  EXPECT_EQ(sandbox_->requests("gcs"),
            said("target/list") + said("target/upload") + said("target/session") + said("target/chunk"))
      << counted;

  sandbox_->forget();
  const auto later = plan();
  EXPECT_EQ(at(later, "/to_copy/objects"), 0) << later.describe();
  EXPECT_EQ(at(later, "/actions/unchanged/objects"), 27);
}

TEST_F(Plan, EscapedNamesAreFoundWithListingsAlone_F036) {
  start();
  source_->put("bad\nname", "x");
  ASSERT_EQ(copy({"--names", "escape"}).code(), 0);
  sandbox_->forget();
  const auto planned = plan({"--names", "escape"});
  EXPECT_EQ(planned.code(), 0) << planned.describe();
  EXPECT_EQ(at(planned, "/actions/unchanged/objects"), 1);
  EXPECT_EQ(sandbox_->requests("gcs"), sandbox_->requests("gcs", "ListObjects"));
  EXPECT_EQ(at(plan({"--names", "skip"}), "/actions/skipped/objects"), 1);
}

TEST_F(Plan, WithoutATargetItWantsNothingOfGoogle) {
  start();
  for (int i = 0; i < 5; ++i) source_->put("key/" + std::to_string(i), "bytes");
  sandbox_->forget();
  const Environment no_google{{"GOOGLE_APPLICATION_CREDENTIALS", ""}, {"STORAGE_EMULATOR_HOST", ""}};
  const auto planned = ferry({"plan", "s3://" + kSource, "--json", "--progress", "none"}, no_google);
  EXPECT_EQ(planned.code(), 0) << planned.describe();
  EXPECT_EQ(at(planned, "/actions/new/objects"), 5);
  EXPECT_EQ(sandbox_->requests("gcs"), 0);
}

TEST_F(Plan, ItsPageStandsAloneAndTrustsNoKey_F151) {
  start();
  source_->put("<script>alert(1)</script>\n&\"'", "x");
  source_->put("plain", noise(5000, 1));
  const auto file = folder() / "plan.html";
  EXPECT_EQ(plan({"--html", file.string()}).code(), 1);
  const auto page = read_file(file);
  EXPECT_TRUE(page.starts_with("<!doctype html>")) << page.substr(0, 100);
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(1)"), std::string::npos);
  for (const auto* foreign : {"<script", "src=", "href=", "@import", "url(", "http://", "https://"}) {
    EXPECT_EQ(page.find(foreign), std::string::npos) << foreign;
  }
}

TEST_F(Plan, PricesCanBePrintedEditedAndGiven) {
  start();
  source_->put("a", noise(kMiB, 1));
  const auto printed = ferry({"plan", "--print-prices"});
  ASSERT_EQ(printed.code(), 0) << printed.describe();
  auto table = printed.ended.out;
  const std::string free = "{up_to_gib: 100, price: 0}";
  ASSERT_NE(table.find(free), std::string::npos) << table;
  write_file(folder() / "prices.yaml", table.replace(table.find(free), free.size(), "{up_to_gib: 100, price: 1024}"));
  const auto planned = plan({"--prices", (folder() / "prices.yaml").string()});
  ASSERT_EQ(planned.code(), 0) << planned.describe();
  EXPECT_DOUBLE_EQ(planned.summary.at("cost").at("egress").to_number<double>(), 1.0);
  write_file(folder() / "prices.yaml", "currency: EUR\n");
  EXPECT_EQ(plan({"--prices", (folder() / "prices.yaml").string()}).code(), 2);
}

TEST_F(Plan, HundredThousandKeysInFlatMemory_F023) {
  constexpr std::uint64_t kObjects = 100'000;
  start_synthetic(kObjects, kKiB);
  const auto planned = plan();
  EXPECT_EQ(planned.code(), 0) << planned.describe();
  EXPECT_EQ(at(planned, "/to_copy/objects"), kObjects);
  EXPECT_EQ(at(planned, "/egress_bytes"), kObjects * kKiB);
  if (kMemoryIsOurs) EXPECT_LT(planned.ended.peak_kib, 64 * 1024);
}

}  // namespace
}  // namespace ferry::system_test
