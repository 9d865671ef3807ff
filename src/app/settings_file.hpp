#pragma once
// --config FILE: YAML, one flat map of setting names.

#include <string>
#include <vector>

#include "kit/base/error.hpp"

namespace ferry::app {

/// One `name: value` of the file; a list gives several values. Scalars are text: what they mean is the setting's
/// business.
struct FileEntry {
  std::string name;
  std::vector<std::string> values;
  int line = 0;
};

struct SettingsFile {
  std::vector<FileEntry> entries;
  bool readable_by_others = false;
};

/// Regular files of at most 1 MiB.
/// @error kInvalid: file and line, never a value
[[nodiscard]] Result<SettingsFile> read_settings_file(const std::string& path);

}  // namespace ferry::app
