#pragma once
// The shared files of the AWS tools: sections in brackets, `name = value` below. Nested (indented) blocks are passed
// over.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kit/base/error.hpp"

namespace ferry::s3 {

using Profile = std::map<std::string, std::string, std::less<>>;  ///< names lower-case, values trimmed

/// The section whose header is exactly `section`; nothing if there is none. Of two with that name, later values win.
[[nodiscard]] std::optional<Profile> find_profile(std::string_view text, std::string_view section);

/// Identifies one state of a file without reading it.
struct FileStamp {
  std::int64_t modified_ns = 0, size = -1;  ///< size -1: not there
  std::uint64_t inode = 0;
  bool operator==(const FileStamp&) const = default;
};
[[nodiscard]] FileStamp stamp_of(const std::string& path);

/// A whole small file, never one half old and half new: read again if it changed meanwhile. A missing file is empty.
/// @error kInvalid: too big, or can't be read; names it.  kUnavailable: keeps changing
[[nodiscard]] Result<std::string> read_small_file(const std::string& path, FileStamp* stamp);

}  // namespace ferry::s3
