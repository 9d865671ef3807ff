#include "source/s3/credentials.hpp"

#include <atomic>
#include <utility>

#include "kit/resilience/renewal.hpp"

namespace ferry::s3 {
namespace {

using Renewed = Renewal<Credentials>;

constexpr Milliseconds kAhead{900'000};    // Amazon's own clients: 15 min
constexpr Milliseconds kLookEvery{1'000};  // at files

class FixedCredentials final : public CredentialProvider {
 public:
  FixedCredentials(std::optional<Credentials> credentials, std::string description)
      : credentials_(std::move(credentials)), description_(std::move(description)) {}
  Task<Result<std::optional<Credentials>>> get() override { co_return credentials_; }
  void refused(const Credentials& /*credentials*/) override {}
  std::string describe() const override { return description_; }

 private:
  std::optional<Credentials> credentials_;
  std::string description_;
};

RenewalPolicy policy() {
  RenewalPolicy policy;
  policy.ahead = kAhead;
  return policy;
}

}  // namespace

struct SharedCredentials::Core {
  Core(std::shared_ptr<CredentialSource> s, Clock* c, Rng* rng)
      : source(std::move(s)), clock(c), renewal(policy(), c, rng) {}

  /// Looking at a file is a system call: not for every request.
  void look_at_files() {
    const auto now = clock->now();
    auto due = look_at.load();
    if (now.time_since_epoch() < due || !look_at.compare_exchange_strong(due, now.time_since_epoch() + kLookEvery)) {
      return;
    }
    if (source->outdated()) renewal.outdate();
  }

  const std::shared_ptr<CredentialSource> source;
  Clock* const clock;
  Renewed renewal;
  std::atomic<SteadyTime::duration> look_at{SteadyTime::duration{0}};
};

/// One thread's side.
class SharedCredentials::Provider final : public CredentialProvider {
 public:
  Provider(std::shared_ptr<Core> core, net::Routes routes)
      : core_(std::move(core)), fetch_([source = core_->source.get(), routes] { return fetch(source, routes); }) {}

  Task<Result<std::optional<Credentials>>> get() override {
    core_->look_at_files();
    auto credentials = co_await core_->renewal.get(&fetch_);
    if (!credentials) co_return fail(std::move(credentials).error());
    co_return std::optional<Credentials>{*std::move(credentials)};
  }
  void refused(const Credentials& credentials) override { core_->renewal.refused(credentials); }
  std::string describe() const override { return core_->source->describe(); }

 private:
  static Task<Result<Renewed::Fetched>> fetch(CredentialSource* source, net::Routes routes) {
    auto fetched = co_await source->fetch(routes);
    if (!fetched) co_return fail(std::move(fetched).error());
    co_return Renewed::Fetched{std::move(fetched->credentials), fetched->life};
  }

  std::shared_ptr<Core> core_;
  Renewed::Fetch fetch_;
};

SharedCredentials::SharedCredentials(std::shared_ptr<CredentialSource> source, Clock* clock, Rng* rng)
    : core_(std::make_shared<Core>(std::move(source), clock, rng)) {}
SharedCredentials::~SharedCredentials() = default;

std::shared_ptr<CredentialProvider> SharedCredentials::provider(net::Routes routes) {
  return std::make_shared<Provider>(core_, routes);
}

std::string SharedCredentials::describe() const { return core_->source->describe(); }

std::shared_ptr<CredentialProvider> static_credentials(Credentials credentials) {
  return std::make_shared<FixedCredentials>(std::move(credentials), "fixed keys");
}

std::shared_ptr<CredentialProvider> anonymous_credentials() {
  return std::make_shared<FixedCredentials>(std::nullopt, "anonymous");
}

}  // namespace ferry::s3
