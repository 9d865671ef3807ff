#include "target/gcs/credentials.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace ferry::gcs {
namespace {

class KeyFile : public ::testing::Test {
 protected:
  KeyFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ferry-key-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~KeyFile() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text, ::mode_t mode) {
    const auto path = (directory_ / name).string();
    std::ofstream{path, std::ios::binary} << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  std::filesystem::path directory_;
  std::optional<std::string> warning_;
};

TEST_F(KeyFile, IsReadWhole) {
  EXPECT_EQ(read_key_file(write("key", "{}", 0600), &warning_).value(), "{}");
  EXPECT_FALSE(warning_);
}

TEST_F(KeyFile, ReadableByOthersIsReportedButUsed_F169) {
  const auto path = write("key", "{}", 0644);
  EXPECT_TRUE(read_key_file(path, &warning_));
  ASSERT_TRUE(warning_);
  EXPECT_NE(warning_->find(path), std::string::npos);
}

TEST_F(KeyFile, WhatIsNoRegularFileIsRefusedWithoutBlocking_F169) {
  const auto fifo = (directory_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto link = (directory_ / "link").string();
  ASSERT_EQ(::symlink(directory_.c_str(), link.c_str()), 0);
  for (const auto& path :
       {directory_.string(), fifo, link, std::string{"/dev/zero"}, (directory_ / "absent").string(), std::string{}}) {
    const auto text = read_key_file(path, &warning_);
    ASSERT_FALSE(text) << path;
    EXPECT_EQ(text.error().kind, ErrorKind::kInvalid);
    EXPECT_NE(text.error().what.find(path), std::string::npos) << text.error().what;
  }
}

TEST_F(KeyFile, LinkIsJudgedByWhatItPointsTo_F169) {
  const auto link = (directory_ / "link").string();
  ASSERT_EQ(::symlink(write("key", "{}", 0604).c_str(), link.c_str()), 0);
  EXPECT_TRUE(read_key_file(link, &warning_));
  EXPECT_TRUE(warning_);
}

TEST_F(KeyFile, HugeFileIsRefusedAfterABoundedRead_F169) {
  const auto path = write("key", "", 0600);
  std::filesystem::resize_file(path, std::uintmax_t{10} << 30);  // sparse
  const auto text = read_key_file(path, &warning_);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace ferry::gcs
