#pragma once
// What survives a restart: a file of bytes that only grows, and a journal with one JSON line per change. A line that
// was cut off by a crash is dropped when the journal is opened; what it told had not been answered yet.

#include <memory>
#include <mutex>
#include <string>

#include "sandbox/gcs_store.hpp"
#include "sandbox/s3_store.hpp"

namespace ferry::sandbox {

class Journal {
 public:
  /// Replays the journal of `directory` into the stores, then listens to them. The stores must outlive it.
  /// @error kInvalid: the file can't be used, or a whole line of it can't be read; names the place
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const std::string& directory, S3Store* s3, GcsStore* gcs,
                                                             FileStore* bytes);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

 private:
  class S3Side;
  class GcsSide;
  Journal(int fd, S3Store* s3, GcsStore* gcs);
  void append(const std::string& line);

  const int fd_;
  S3Store* const s3_;
  GcsStore* const gcs_;
  std::mutex mutex_;
  std::unique_ptr<S3Side> s3_side_;
  std::unique_ptr<GcsSide> gcs_side_;
};

}  // namespace ferry::sandbox
