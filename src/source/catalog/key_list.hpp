#pragma once
// A file of keys: CSV as S3 Batch Operations takes it (bucket,key[,version], keys URL-encoded), or a key on each line
// as it is. The first line decides: with a comma it is CSV. @see Amazon S3 User Guide, "Specifying a manifest"

#include <string>
#include <string_view>
#include <vector>

#include "source/catalog/csv.hpp"
#include "source/object_source.hpp"

namespace ferry::catalog {

class KeyList {
 public:
  /// Only keys of `bucket`, and of those only such that begin with `prefix`.
  KeyList(BucketName bucket, std::string prefix) : bucket_(std::move(bucket)), prefix_(std::move(prefix)) {}

  /// Appends what was read: keys and versions, nothing else. @error kCorrupt, kInvalid: names the line
  [[nodiscard]] Status feed(std::string_view bytes, std::vector<SourceEntry>* entries);
  [[nodiscard]] Status finish(std::vector<SourceEntry>* entries);

 private:
  enum class Form { kUnknown, kCsv, kLines };
  [[nodiscard]] Status take_row(std::span<const std::string> fields, std::vector<SourceEntry>* entries) const;
  [[nodiscard]] Status take_line(std::string_view line, std::vector<SourceEntry>* entries);
  [[nodiscard]] Status take_lines(std::string_view bytes, std::vector<SourceEntry>* entries);
  [[nodiscard]] Status decide(bool complete, std::vector<SourceEntry>* entries);
  void keep(std::string key, const std::string& version, std::vector<SourceEntry>* entries) const;

  BucketName bucket_;
  std::string prefix_;
  Form form_ = Form::kUnknown;
  CsvRows rows_;
  std::string begun_;  ///< the first line until it is whole, then of plain lines the last one
  std::uint64_t line_ = 0;
};

}  // namespace ferry::catalog
