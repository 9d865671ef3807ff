#pragma once
// A bucketferry-sandbox of a test's own: private folder, free ports, stopped with the test.

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/system/clouds.hpp"
#include "tests/system/events.hpp"
#include "tests/system/process.hpp"

namespace ferry::system_test {

class Sandbox {
 public:
  /// Ready when this returns. `http` (its CA, too) must outlive it.
  Sandbox(Http* http, const std::filesystem::path& folder, std::vector<std::string> arguments = {});

  [[nodiscard]] const std::string& s3() const { return s3_; }  ///< origin: http://127.0.0.1:1234
  [[nodiscard]] const std::string& gcs() const { return gcs_; }
  [[nodiscard]] const boost::json::object& ready() const { return ready_; }  ///< its first line
  [[nodiscard]] S3Account account() const;
  [[nodiscard]] const std::filesystem::path& key_file() const {
    return key_file_;
  }  ///< of a service account of its own
  [[nodiscard]] Environment environment() const;  ///< what points bucketferry at it

  void fault(const boost::json::object& instruction);
  void clear_faults();
  [[nodiscard]] std::vector<Event> events();  ///< since the start or the last forget()
  [[nodiscard]] boost::json::object counters();
  /// Requests of one operation ("ListObjectsV2"), or of all of a service ("s3"), since the start or the last forget().
  [[nodiscard]] std::uint64_t requests(std::string_view service, std::string_view operation = {});
  /// Tells its broker to "expire" all leases, to "forget" everything, or to "end-streams?code=UNAVAILABLE".
  void broker(const std::string& instruction);
  /// What its broker's subscriptions hold: waiting, delayed, on_loan, streams.
  [[nodiscard]] boost::json::array broker_holdings();
  void forget();  ///< counters and kept events; the whole log remains for log()

  void stop();                                   ///< in good order; a test failure if it can't
  [[nodiscard]] std::vector<Event> log() const;  ///< everything that ever happened; after stop()
  [[nodiscard]] const Process& process() const { return process_; }

 private:
  std::string control(const std::string& method, const std::string& path, const std::string& body = {});
  Http* http_;
  std::filesystem::path log_file_, key_file_;
  Process process_;
  boost::json::object ready_;
  std::string s3_, gcs_;
};

}  // namespace ferry::system_test
