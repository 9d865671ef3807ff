#pragma once
// Certificates for one test, made on the spot.

#include <filesystem>
#include <memory>
#include <string>

namespace ferry::testing {

/// A certificate authority whose files live in a directory of their own and vanish with it.
class ThrowawayCa {
 public:
  struct Issued {
    std::string certificate_file, key_file;  ///< PEM
  };

  ThrowawayCa();
  ~ThrowawayCa();
  ThrowawayCa(const ThrowawayCa&) = delete;
  ThrowawayCa& operator=(const ThrowawayCa&) = delete;

  [[nodiscard]] std::string ca_file() const;
  /// For one subject alternative name: "DNS:name" or "IP:address". Valid for these seconds from now; negative: since a
  /// day ago until then.
  Issued issue(const std::string& name, long valid_seconds = 3600);

 private:
  struct Keys;
  std::filesystem::path directory_;
  std::unique_ptr<Keys> keys_;
  int issued_ = 0;
};

}  // namespace ferry::testing
