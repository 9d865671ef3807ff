#include "app/report.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

namespace ferry::app {
namespace {

class Folder {
 public:
  Folder() {
    char path[] = "/tmp/ferry-report-test-XXXXXX";
    path_ = ::mkdtemp(path);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file{path};
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Failure failure(std::string key, std::string what) {
  Failure failed;
  failed.key = ObjectKey{std::move(key)};
  failed.reason = FailureReason::kDenied;
  failed.what = std::move(what);
  failed.attempts = 2;
  return failed;
}

TEST(Report, WritesOneLinePerOutcome) {
  const Folder folder;
  auto file = LineFile::create(folder.file("r.jsonl"));
  ASSERT_TRUE(file);
  Outcomes outcomes{file->get()};
  Receipt receipt;
  receipt.key = ObjectKey{"a"};
  receipt.version.etag = ETag{"\"0cc1\""};
  receipt.generation = Generation{1'700'000'000'000'001};
  receipt.rung = Rung::kCrc32c;
  receipt.size = 5;
  outcomes.copied(receipt);
  outcomes.superseded(ObjectKey{"b"}, "gone");
  outcomes.failed(failure("c", "no"));
  ASSERT_TRUE((*file)->finish());

  const auto lines = lines_of(folder.file("r.jsonl"));
  ASSERT_EQ(lines.size(), 3u);
  const auto copied = boost::json::parse(lines[0]).as_object();
  EXPECT_EQ(copied.at("outcome"), "copied");
  EXPECT_EQ(copied.at("key"), "a");
  EXPECT_EQ(copied.at("check"), "crc32c");
  EXPECT_EQ(copied.at("bytes"), 5);
  EXPECT_FALSE(copied.contains("losses"));
  EXPECT_EQ(copied.at("generation"), "1700000000000001");
  EXPECT_EQ(boost::json::parse(lines[1]).at("outcome"), "superseded");
  EXPECT_EQ(boost::json::parse(lines[2]).at("reason"), "denied");
}

TEST(Report, NamesWhatOfAnObjectDidNotArrive) {
  const Folder folder;
  auto file = LineFile::create(folder.file("r.jsonl"));
  ASSERT_TRUE(file);
  Outcomes outcomes{file->get()};
  Receipt receipt;
  receipt.key = ObjectKey{"a"};
  receipt.losses.add(Loss::kContentType);
  receipt.losses.add(Loss::kTags);
  outcomes.copied(receipt);
  ASSERT_TRUE((*file)->finish());
  const auto line = boost::json::parse(lines_of(folder.file("r.jsonl")).at(0)).as_object();
  EXPECT_EQ(line.at("losses"), (boost::json::array{"content-type", "tags"}));
}

TEST(Report, EveryLineIsOneLineOfJsonWhateverKeysAndErrorsHold_F151) {
  const Folder folder;
  auto file = LineFile::create(folder.file("r.jsonl"));
  ASSERT_TRUE(file);
  Outcomes outcomes{file->get()};
  std::string formats;
  for (int i = 0; i < 256; ++i) formats += "%s%n";
  const std::vector<std::string> nasty{"a\nb", "\x1b[2J", "\"quoted\\\"", formats, "\xff\xfe raw", "\u202e rtl"};
  for (const auto& text : nasty) outcomes.failed(failure(text, text));
  ASSERT_TRUE((*file)->finish());

  const auto lines = lines_of(folder.file("r.jsonl"));
  ASSERT_EQ(lines.size(), nasty.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].find('\x1b'), std::string::npos);
    const auto line = boost::json::parse(lines[i]).as_object();
    if (line.contains("key")) {
      EXPECT_EQ(line.at("key").as_string(), nasty[i]) << "a key is given exactly";
    } else {
      EXPECT_EQ(line.at("key_base64"), "//4gcmF3");
    }
  }
}

TEST(Report, KeepsOnlyTheFirstFailuresForTheSummary) {
  Outcomes outcomes{nullptr};
  for (int i = 0; i < 100; ++i) outcomes.failed(failure(std::to_string(i), "no"));
  ASSERT_EQ(outcomes.failures().size(), Outcomes::kShownMax);
  EXPECT_EQ(outcomes.failures().front().key.str(), "0");
}

TEST(Report, APathThatCantBeWrittenIsRefusedByName_F140) {
  const auto file = LineFile::create("/no/such/folder/r.jsonl");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(file.error().what.find("/no/such/folder/r.jsonl"), std::string::npos);
}

TEST(Report, AFullDiskIsReportedAtTheEnd) {
  auto file = LineFile::create("/dev/full");
  ASSERT_TRUE(file);
  (*file)->write("line");
  const auto finished = (*file)->finish();
  ASSERT_FALSE(finished);
  EXPECT_NE(finished.error().what.find("incomplete"), std::string::npos);
}

}  // namespace
}  // namespace ferry::app
