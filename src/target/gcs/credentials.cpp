#include "target/gcs/credentials.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "kit/base/text.hpp"
#include "kit/resilience/renewal.hpp"

namespace ferry::gcs {
namespace {

constexpr std::size_t kKeyFileMax = 64 << 10;

using Renewed = Renewal<std::string>;

class NoToken final : public TokenProvider {
 public:
  Task<Result<std::optional<std::string>>> token() override { co_return std::optional<std::string>{}; }
  void refused(const std::string& /*token*/) override {}
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

struct SharedTokens::Core {
  Core(std::shared_ptr<TokenSource> s, Clock* clock, Rng* rng)
      : source(std::move(s)), renewal(RenewalPolicy{}, clock, rng) {}
  const std::shared_ptr<TokenSource> source;
  Renewed renewal;
};

/// One thread's side.
class SharedTokens::Provider final : public TokenProvider {
 public:
  Provider(std::shared_ptr<Core> core, net::Routes routes)
      : core_(std::move(core)), fetch_([source = core_->source.get(), routes] { return fetch(source, routes); }) {}

  Task<Result<std::optional<std::string>>> token() override {
    auto token = co_await core_->renewal.get(&fetch_);
    if (!token) co_return fail(std::move(token).error());
    co_return std::optional<std::string>{*std::move(token)};
  }
  void refused(const std::string& token) override { core_->renewal.refused(token); }
  std::string describe() const override { return core_->source->describe(); }

 private:
  static Task<Result<Renewed::Fetched>> fetch(TokenSource* source, net::Routes routes) {
    auto fetched = co_await source->fetch(routes);
    if (!fetched) co_return fail(std::move(fetched).error());
    co_return Renewed::Fetched{std::move(fetched->token), fetched->life};
  }

  std::shared_ptr<Core> core_;
  Renewed::Fetch fetch_;
};

SharedTokens::SharedTokens(std::shared_ptr<TokenSource> source, Clock* clock, Rng* rng)
    : core_(std::make_shared<Core>(std::move(source), clock, rng)) {}
SharedTokens::~SharedTokens() = default;

std::shared_ptr<TokenProvider> SharedTokens::provider(net::Routes routes) {
  return std::make_shared<Provider>(core_, routes);
}

std::string SharedTokens::describe() const { return core_->source->describe(); }

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
