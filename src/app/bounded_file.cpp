#include "app/bounded_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "kit/base/text.hpp"

namespace ferry::app {

Result<BoundedFile> read_bounded(const std::string& path, std::size_t bytes_max) {
  const auto wrong = [](std::string why) { return fail(ErrorKind::kInvalid, std::move(why)); };
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return wrong(std::generic_category().message(errno));
  if (!S_ISREG(info.st_mode)) return wrong("is not a regular file");

  BoundedFile read;
  read.readable_by_others = (info.st_mode & (S_IRGRP | S_IROTH)) != 0;
  std::ifstream file{path, std::ios::binary};
  read.text.resize(bytes_max + 1);
  file.read(read.text.data(), static_cast<std::streamsize>(read.text.size()));
  if (file.bad() || !file.is_open()) return wrong("can't be read");
  read.text.resize(static_cast<std::size_t>(file.gcount()));
  if (read.text.size() > bytes_max) return wrong("is larger than " + human_bytes(bytes_max));
  return read;
}

}  // namespace ferry::app
