#include "state/redis/redis_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <mutex>
#include <thread>

#include "kit/async/thread.hpp"
#include "kit/base/text.hpp"
#include "state/redis/lane.hpp"

namespace ferry::redis {
namespace {

/// What `INFO` says under this name.
std::optional<std::string_view> info_value(std::string_view info, std::string_view name) {
  for (auto place = info.find(name); place != std::string_view::npos; place = info.find(name, place + 1)) {
    const auto end = place + name.size();
    const bool whole = (place == 0 || info[place - 1] == '\n') && end < info.size() && info[end] == ':';
    if (!whole) continue;
    const auto value = info.substr(end + 1);
    return trim(value.substr(0, value.find('\n')));
  }
  return std::nullopt;
}

std::optional<std::string> policy_of(const ReplyView& info, const ReplyView& config) {
  if (const auto text = info.text()) {
    if (const auto value = info_value(*text, "maxmemory_policy")) return std::string{*value};
  }
  if (config.size() == 2) {
    if (const auto value = config.at(1).text()) return std::string{*value};
  }
  return std::nullopt;
}

}  // namespace

struct Client::Core {
  Core(ClientOptions given, Address where, Clock* time, Rng* chance, net::ProxyRules proxies)
      : options(std::move(given)),
        address(std::move(where)),
        clock(time),
        rng(chance),
        watchdog(context.get_executor(), clock, std::min(options.command_timeout, options.connect_timeout)),
        dialer(context.get_executor(), clock, options.connect_timeout, std::move(proxies), options.ca_file, &watchdog,
               &traffic) {}

  static Task<> serve(Core* core) {
    co_await core->stop.wait();
    core->serving.cancel();
    co_await core->serving.join();
  }

  const ClientOptions options;
  const Address address;
  Clock* clock;
  Rng* rng;
  asio::io_context context{1};
  net::Traffic traffic;
  net::Watchdog watchdog;
  net::Dialer dialer;
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Lane>> lanes;
  TaskGroup serving{context.get_executor()};
  Wake stop;
  std::thread thread;
};

Result<std::shared_ptr<Client>> Client::open(ClientOptions options, Clock* clock, Rng* rng) {
  auto address = parse_address(options.address);
  if (!address) return fail(std::move(address).error());
  if (address->username.empty()) address->username = options.username;
  if (address->password.empty()) address->password = options.password;
  auto proxies = net::ProxyRules::make({}, {}, {});
  if (!proxies) return fail(std::move(proxies).error());
  auto core = std::make_unique<Core>(std::move(options), *std::move(address), clock, rng, *std::move(proxies));
  if (core->address.hosts.front().tls) {
    net::ignore_broken_pipes();
    if (auto prepared = core->dialer.prepare_tls(); !prepared) return fail(std::move(prepared).error());
  }
  return std::make_shared<Client>(std::move(core));
}

Client::Client(std::unique_ptr<Core> core) : core_(std::move(core)) {
  asio::co_spawn(core_->context.get_executor(), Core::serve(core_.get()), asio::detached);
  core_->thread = start_thread([context = &core_->context] { context->run(); });
}

Client::~Client() {
  core_->stop.set();
  core_->thread.join();
}

std::string Client::name() const { return core_->address.name(); }

Lane* Client::lane(const std::string& tag) {
  // Only a cluster keeps its keys in different places.
  const auto name = core_->address.kind == Address::Kind::kCluster ? tag : std::string{};
  const std::lock_guard lock{core_->mutex};
  auto& lane = core_->lanes[name];
  if (!lane) {
    lane = std::make_unique<Lane>(&core_->dialer, &core_->address, &core_->options, core_->clock, core_->rng);
    spawn(lane->serve());
  }
  return lane.get();
}

void Client::spawn(Task<> task) {
  asio::post(core_->context,
             [core = core_.get(), work = std::move(task)]() mutable { core->serving.spawn(std::move(work)); });
}

Task<Result<std::vector<std::string>>> Client::check() {
  Commands questions;
  questions.command("PING");
  questions.command("INFO", 2).arg("memory");
  questions.command("CONFIG", 3).arg("GET").arg("maxmemory-policy");
  auto answers = co_await lane({})->send(std::move(questions));
  if (!answers) co_return fail(std::move(answers).error());
  const auto ping = (*answers)[0].view();
  if (ping.is_error()) {
    auto error = explain(ping.error());
    co_return fail(error.kind, "the Redis at " + name() + " " + error.what);
  }
  std::vector<std::string> warnings;
  const auto policy = policy_of((*answers)[1].view(), (*answers)[2].view());
  if (policy && *policy != "noeviction") {
    warnings.push_back("the Redis at " + name() + " has maxmemory-policy " + printable(*policy) +
                       " and may drop what we keep there, which costs needless scans and copies: set noeviction");
  }
  co_return warnings;
}

}  // namespace ferry::redis
