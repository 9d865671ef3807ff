#include "source/s3/profile_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "kit/base/text.hpp"

namespace ferry::s3 {
namespace {

constexpr std::int64_t kFileMax = 1024 * 1024;

/// The name in "[name]"; nothing for any other line.
std::optional<std::string_view> section_of(std::string_view line) {
  if (!line.starts_with('[')) return std::nullopt;
  const auto end = line.find(']');
  if (end == std::string_view::npos) return std::nullopt;
  return trim(line.substr(1, end - 1));
}

}  // namespace

std::optional<Profile> find_profile(std::string_view text, std::string_view section) {
  std::optional<Profile> found;
  bool inside = false;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool indented = line.starts_with(' ') || line.starts_with('\t');
    if (line.empty() || indented || line.starts_with('#') || line.starts_with(';')) continue;
    if (const auto name = section_of(line)) {
      inside = *name == section;
      if (inside && !found) found.emplace();
      continue;
    }
    const auto equals = line.find('=');
    if (inside && equals != std::string_view::npos) {
      found->insert_or_assign(to_lower(trim(line.substr(0, equals))), std::string{trim(line.substr(equals + 1))});
    }
  }
  return found;
}

FileStamp stamp_of(const std::string& path) {
  struct ::stat info{};
  if (::stat(path.c_str(), &info) != 0) return {};
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  return {info.st_mtim.tv_sec * kNanosecondsPerSecond + info.st_mtim.tv_nsec, info.st_size, info.st_ino};
}

Result<std::string> read_small_file(const std::string& path, FileStamp* stamp) {
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    *stamp = stamp_of(path);
    if (stamp->size < 0) return std::string{};
    if (stamp->size > kFileMax) return fail(ErrorKind::kInvalid, printable(path) + ": too big for a file of profiles");
    std::ifstream file{path, std::ios::binary};
    if (!file) return fail(ErrorKind::kInvalid, printable(path) + ": can't be read; check its permissions");
    std::string text(static_cast<std::size_t>(stamp->size), '\0');
    file.read(text.data(), stamp->size);
    if (file.gcount() == stamp->size && stamp_of(path) == *stamp) return text;
  }
  return fail(ErrorKind::kUnavailable, printable(path) + ": changes while it is read");
}

}  // namespace ferry::s3
