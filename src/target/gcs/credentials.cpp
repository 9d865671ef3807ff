#include "target/gcs/credentials.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "kit/base/text.hpp"

namespace ferry::gcs {
namespace {

constexpr std::size_t kKeyFileMax = 64 << 10;

class NoToken final : public TokenProvider {
 public:
  Task<Result<std::optional<std::string>>> token() override { co_return std::optional<std::string>{}; }
  void invalidate() override {}
  std::string describe() const override { return "no credentials"; }
};

class File {
 public:
  /// Never blocks: a FIFO opens at once and is refused afterwards.
  explicit File(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

/// At most one byte more than a key file may have.
std::optional<std::string> read_bounded(int descriptor) {
  std::string text(kKeyFileMax + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const auto got = ::read(descriptor, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

}  // namespace

std::shared_ptr<TokenProvider> no_token() { return std::make_shared<NoToken>(); }

Result<std::string> read_key_file(std::string path, std::optional<std::string>* warning) {
  const auto where = "key file " + printable(path) + ": ";
  if (path.empty() || path.find('\0') != std::string::npos) return fail(ErrorKind::kInvalid, where + "not a file name");
  const File file{path};
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    return fail(ErrorKind::kInvalid, where + "can't be opened: " + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::kInvalid, where + "not a regular file");
  auto text = read_bounded(file.get());
  if (!text) return fail(ErrorKind::kInvalid, where + "can't be read: " + std::strerror(errno));
  if (text->size() > kKeyFileMax) return fail(ErrorKind::kInvalid, where + "larger than 64 KiB, so it is no key file");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    *warning = where + "others than its owner have access to it: chmod 600";
  return *std::move(text);
}

}  // namespace ferry::gcs
