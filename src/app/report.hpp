#pragma once
// --report FILE: one line of JSON per object that was copied, adopted, superseded, skipped or failed, and the summary
// as the last line.

#include <boost/json/fwd.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kit/base/error.hpp"
#include "observe/outcome.hpp"

namespace ferry::app {

/// Appends lines to one file, buffered. Any thread.
class LineFile {
 public:
  /// Creates or replaces `path`. `option`: what errors call it. @error kInvalid: path and reason
  [[nodiscard]] static Result<std::unique_ptr<LineFile>> create(const std::string& path,
                                                                std::string_view option = "--report");
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  void write(std::string line);  ///< adds the line break; a failure is kept for finish()
  /// Everything is on disk after this. @error kUnavailable: the first write that failed (disk full)
  [[nodiscard]] Status finish();

 private:
  LineFile(std::string place, int file) : place_(std::move(place)), file_(file) {}
  void flush();

  std::mutex mutex_;
  std::string place_;  ///< "--report 'FILE'"
  int file_;
  std::string pending_;
  int first_errno_ = 0;
};

/// `key` as "key" where it is UTF-8, else its bytes in base64 as "key_base64".
void set_key(boost::json::object* line, const ObjectKey& key);
void set_version(boost::json::object* line, const Version& version);
void set_receipt(boost::json::object* line, const Receipt& receipt);
/// "losses": what of the object did not arrive; left out where nothing is missing.
void set_losses(boost::json::object* line, const Losses& losses);
void set_failure(boost::json::object* line, const Failure& failure);

/// Takes what became of each object: into the report, if there is one, and the first few failures for the summary.
class Outcomes final : public OutcomeSink {
 public:
  static constexpr std::size_t kShownMax = 5;

  explicit Outcomes(LineFile* report) : report_(report) {}  ///< null: no report
  void copied(const Receipt& receipt) override;
  void superseded(const ObjectKey& key, std::string_view why) override;
  void failed(const Failure& failure) override;
  void skipped(const ObjectKey& key, std::string_view why) override;
  void planned(const TransferPlan& plan) override;
  void adopted(const Receipt& receipt) override;
  void deleted(const ObjectKey& key, Generation generation) override;
  void would_delete(const ObjectKey& key) override;

  [[nodiscard]] std::vector<Failure> failures() const;    ///< the first few
  [[nodiscard]] std::vector<ObjectKey> examples() const;  ///< of a dry run: the first few that would be copied

 private:
  LineFile* report_;
  mutable std::mutex mutex_;
  std::vector<Failure> failures_;
  std::vector<ObjectKey> examples_;
};

}  // namespace ferry::app
