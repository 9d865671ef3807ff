#include "kit/net/dns.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <list>

#include "kit/async/wake.hpp"

namespace ferry::net {
namespace {

using Addresses = std::vector<asio::ip::address>;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;

constexpr Milliseconds kLifetime{30'000};

/// As the system sorted them, but alternating between the families: one of them may lead nowhere (RFC 8305).
Addresses alternate(const Resolver::results_type& results) {
  Addresses first, second;
  for (const auto& entry : results) {
    const auto address = entry.endpoint().address();
    (first.empty() || first.front().is_v4() == address.is_v4() ? first : second).push_back(address);
  }
  Addresses all;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) all.push_back(first[i]);
    if (i < second.size()) all.push_back(second[i]);
  }
  return all;
}

}  // namespace

/// Outlives Dns while the system's resolver is busy with it.
struct Dns::Lookup {
  explicit Lookup(Executor executor) : resolver(executor) {}
  Resolver resolver;
  bool done = false;
  Addresses addresses;
  std::string fault;
  SteadyTime asked;
  std::list<Wake> waiters;
};

std::shared_ptr<Dns::Lookup> Dns::ask(const std::string& host) {
  auto lookup = std::make_shared<Lookup>(executor_);
  lookup->asked = clock_->now();
  lookup->resolver.async_resolve(host, "",
                                 [lookup](const boost::system::error_code& code, const Resolver::results_type& found) {
                                   lookup->done = true;
                                   if (code) lookup->fault = code.message();
                                   if (!code) lookup->addresses = alternate(found);
                                   for (auto& waiter : lookup->waiters) waiter.set();
                                 });
  return lookup;
}

Task<Result<Addresses>> Dns::resolve(std::string host) {
  boost::system::error_code no_literal;
  const auto literal = asio::ip::make_address(host, no_literal);
  if (!no_literal) co_return Addresses{literal};
  if (host == "localhost") co_return Addresses{asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};

  auto& known = answers_[host];
  if (!known || (known->done && clock_->now() - known->asked > kLifetime)) known = ask(host);
  const auto lookup = known;
  if (!lookup->done) {
    struct Waiting {
      explicit Waiting(Lookup* l) : from(l), place(l->waiters.emplace(l->waiters.end())) {}
      ~Waiting() { from->waiters.erase(place); }
      Lookup* from;
      std::list<Wake>::iterator place;
    };
    Waiting waiting{lookup.get()};
    co_await waiting.place->wait();
  }
  if (lookup->addresses.empty()) {
    forget(host);
    co_return fail(ErrorKind::kUnavailable, "name can't be resolved: " + lookup->fault);
  }
  co_return lookup->addresses;
}

}  // namespace ferry::net
