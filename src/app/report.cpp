#include "app/report.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <system_error>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kFlushBytes = 64 * 1024;

}  // namespace

Result<std::unique_ptr<LineFile>> LineFile::create(const std::string& path, std::string_view option) {
  std::string place = std::string{option} + " '" + printable(path) + "'";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) {
    return fail(ErrorKind::kInvalid, place + ": can't be written: " + std::generic_category().message(errno));
  }
  return std::unique_ptr<LineFile>{new LineFile{std::move(place), file}};
}

LineFile::~LineFile() { ::close(file_); }

void LineFile::write(std::string line) {
  const std::lock_guard lock{mutex_};
  pending_ += line;
  pending_ += '\n';
  if (pending_.size() >= kFlushBytes) flush();
}

void LineFile::flush() {
  std::string_view rest{pending_};
  while (!rest.empty() && first_errno_ == 0) {
    const auto written = ::write(file_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      first_errno_ = errno;
    }
  }
  pending_.clear();
}

Status LineFile::finish() {
  const std::lock_guard lock{mutex_};
  flush();
  const auto no_disk_behind = [](int code) { return code == EINVAL || code == EROFS; };  // a pipe or a terminal
  if (first_errno_ == 0 && ::fsync(file_) != 0 && !no_disk_behind(errno)) first_errno_ = errno;
  if (first_errno_ == 0) return Unit{};
  return fail(ErrorKind::kUnavailable, place_ + " is incomplete: " + std::generic_category().message(first_errno_));
}

void set_key(boost::json::object* line, const ObjectKey& key) {
  if (is_utf8(key.str())) {
    (*line)["key"] = key.str();
  } else {
    (*line)["key_base64"] = base64(key.str());
  }
}

void set_version(boost::json::object* line, const Version& version) {
  (*line)["etag"] = printable(version.etag.str());
  (*line)["modified"] = rfc3339(version.modified);
  if (version.version_id) (*line)["version_id"] = printable(version.version_id->str());
}

void set_receipt(boost::json::object* line, const Receipt& receipt) {
  set_key(line, receipt.key);
  (*line)["bytes"] = receipt.size;
  (*line)["check"] = std::string{to_string(receipt.rung)};
  (*line)["generation"] = std::to_string(receipt.generation.value);  // 64 bits: more than many readers of JSON can hold
  set_version(line, receipt.version);
  (*line)["when"] = rfc3339(receipt.when);
}

void set_losses(boost::json::object* line, const Losses& losses) {
  if (losses.empty()) return;
  boost::json::array names;
  for (const Loss loss : losses.all()) names.emplace_back(to_string(loss));
  (*line)["losses"] = std::move(names);
}

void set_failure(boost::json::object* line, const Failure& failure) {
  set_key(line, failure.key);
  (*line)["reason"] = std::string{to_string(failure.reason)};
  (*line)["what"] = printable(failure.what);
  (*line)["attempts"] = failure.attempts;
  if (failure.version) set_version(line, *failure.version);
  (*line)["when"] = rfc3339(failure.when);
}

void Outcomes::copied(const Receipt& receipt) {
  if (!report_) return;
  boost::json::object line{{"outcome", "copied"}};
  set_receipt(&line, receipt);
  set_losses(&line, receipt.losses);
  report_->write(boost::json::serialize(line));
}

void Outcomes::adopted(const Receipt& receipt) {
  if (!report_) return;
  boost::json::object line{{"outcome", "adopted"}};
  set_receipt(&line, receipt);
  report_->write(boost::json::serialize(line));
}

void Outcomes::deleted(const ObjectKey& key, Generation generation) {
  if (!report_) return;
  boost::json::object line{{"outcome", "deleted"}};
  set_key(&line, key);
  line["generation"] = std::to_string(generation.value);
  report_->write(boost::json::serialize(line));
}

void Outcomes::would_delete(const ObjectKey& key) {
  if (!report_) return;
  boost::json::object line{{"outcome", "would-delete"}};
  set_key(&line, key);
  report_->write(boost::json::serialize(line));
}

void Outcomes::superseded(const ObjectKey& key, std::string_view why) {
  if (!report_) return;
  boost::json::object line{{"outcome", "superseded"}};
  set_key(&line, key);
  line["what"] = printable(why);
  report_->write(boost::json::serialize(line));
}

void Outcomes::failed(const Failure& failure) {
  {
    const std::lock_guard lock{mutex_};
    if (failures_.size() < kShownMax) failures_.push_back(failure);
  }
  if (!report_) return;
  boost::json::object line{{"outcome", "failed"}};
  set_failure(&line, failure);
  report_->write(boost::json::serialize(line));
}

void Outcomes::skipped(const ObjectKey& key, std::string_view why) {
  if (!report_) return;
  boost::json::object line{{"outcome", "skipped"}};
  set_key(&line, key);
  line["reason"] = to_string(FailureReason::kName);
  line["what"] = printable(why);
  report_->write(boost::json::serialize(line));
}

void Outcomes::planned(const TransferPlan& plan) {
  {
    const std::lock_guard lock{mutex_};
    if (examples_.size() < kShownMax) examples_.push_back(plan.key);
  }
  if (!report_) return;
  boost::json::object line{{"outcome", "would-copy"}};
  set_key(&line, plan.key);
  if (plan.size) line["bytes"] = *plan.size;
  report_->write(boost::json::serialize(line));
}

std::vector<Failure> Outcomes::failures() const {
  const std::lock_guard lock{mutex_};
  return failures_;
}

std::vector<ObjectKey> Outcomes::examples() const {
  const std::lock_guard lock{mutex_};
  return examples_;
}

}  // namespace ferry::app
