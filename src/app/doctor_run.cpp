#include "app/doctor_run.hpp"

#include <memory>
#include <utility>

#include "app/service_rooms.hpp"
#include "app/service_state.hpp"
#include "app/solo_run.hpp"
#include "kit/base/text.hpp"
#include "kit/net/control.hpp"
#include "kit/net/http_client.hpp"
#include "source/s3/s3_source.hpp"
#include "target/gcs/gcs_target.hpp"
#include "target/gcs/permissions.hpp"

namespace ferry::app {
namespace {

constexpr Backoff kLittlePatience{.first = Milliseconds{200}, .ceiling = Milliseconds{1'000}, .attempts_max = 2};
constexpr Milliseconds kConnectMax{5'000}, kAnswerMax{10'000};
constexpr std::size_t kProbeReplyMax = 1 << 20;

std::string remedy_for_reach(const Error& error) {
  const auto text = to_lower(error.what);
  const auto says = [&text](std::string_view word) { return text.find(word) != std::string::npos; };
  if (says("certificate")) {
    return "if this server's authority is one of your own, name its certificate with --ca-file; else something on the "
           "way pretends to be it";
  }
  if (says("resolve") || says("not found") || says("unknown")) return "check the address and the name server";
  return "check the address, firewalls and proxies (HTTPS_PROXY, NO_PROXY)";
}

class Doctor {
 public:
  Doctor(const Settings& settings, DoctorRooms rooms) : settings_(settings), rooms_(std::move(rooms)) {}

  Result<std::vector<Check>> run() {
    if (auto made = make_clients(); !made) return fail(std::move(made).error());
    const auto ending = solo_.run(examine());
    if (ending.broken) return fail(*ending.broken);
    if (ending.interrupted) return fail(ErrorKind::kCancelled, "interrupted; not everything was looked at");
    return std::move(checks_);
  }

 private:
  Status make_clients() {
    net::ClientOptions options;
    options.ca_file = settings_.ca_file;
    options.connect_timeout = kConnectMax;
    options.progress_timeout = kAnswerMax;
    net::proxies_from_environment(&options);
    auto far = net::make_http_client(solo_.executor(), std::move(options), rooms_.clock);
    if (!far) return fail(std::move(far).error().during("--ca-file or a proxy setting"));
    auto near = make_near_client(solo_.executor(), rooms_.clock);
    if (!near) return fail(std::move(near).error());
    far_ = *std::move(far);
    near_ = *std::move(near);
    return Unit{};
  }

  Task<Status> examine() {
    if (!rooms_.credentials) tell(failed("credentials", rooms_.credentials.error()));
    co_await see_source();
    co_await see_target();
    if (!settings_.service.redis.address.empty()) {
      co_await see_redis();
      co_await see_pubsub();
    }
    co_return Unit{};
  }

  // ---- what both sides have

  void tell(Check check) {
    if (rooms_.tell) rooms_.tell(check);
    checks_.push_back(std::move(check));
  }
  static Check fine(std::string name, std::string what) {
    return {Health::kOk, std::move(name), std::move(what), {}, false};
  }
  static Check failed(std::string name, const Error& error, std::string remedy = {}) {
    return {Health::kFail, std::move(name), error.what, std::move(remedy), error.kind == ErrorKind::kInvalid};
  }
  net::Routes routes() const { return {far_.get(), near_.get()}; }

  /// Whoever answers at all is there, and says what time it is. @return false: nothing else makes sense
  Task<bool> reach(std::string side, net::Origin origin) {
    const auto url = origin.url();
    net::RequestHead head{"GET", "/"};
    auto reply = co_await net::exchange_whole(far_.get(), std::move(origin), std::move(head), {}, kProbeReplyMax);
    if (!reply) {
      const auto remedy = remedy_for_reach(reply.error());
      tell(failed(side + " reachable", reply.error(), remedy));
      co_return false;
    }
    tell(fine(side + " reachable", url));
    if (const auto date = reply->headers.find("date")) {
      const auto theirs = parse_http_date(*date);
      const auto ours = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall());
      if (theirs) tell(judge_clock(side + " clock", *theirs, ours));
    }
    co_return true;
  }

  /// Asks once for credentials. `remedy`: of none. @return false: there are none
  template <class Source>
  Task<bool> obtain(std::string side, Source* source, std::string_view remedy) {
    if (!source) {
      tell(fine(side + " credentials", "none are sent"));
      co_return true;
    }
    auto fetched = co_await source->fetch(routes());
    const auto what = source->describe();
    if (fetched) {
      tell(fine(side + " credentials", what));
    } else {
      tell(failed(side + " credentials", fetched.error(), std::string{remedy}));
    }
    co_return fetched.has_value();
  }

  // ---- source

  Task<> see_source() {
    const S3Settings& s3 = settings_.s3;
    const auto region = rooms_.credentials ? rooms_.credentials->region : s3.region.value_or("us-east-1");
    const auto* domain = region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
    net::Origin origin{true, "s3." + region + domain, 443};
    if (s3.endpoint) origin = *s3.endpoint;
    const bool reached = co_await reach("source", std::move(origin));
    if (!rooms_.credentials) co_return;
    const bool known = co_await obtain("source", rooms_.credentials->aws_source.get(),
                                       rooms_.credentials->aws_guessed ? s3::kNoCredentials : std::string_view{});
    if (!reached || !known) co_return;
    if (auto made = make_source(region); !made) {
      tell(failed("source bucket", made.error()));
      co_return;
    }
    co_await read_source();
  }

  Status make_source(const std::string& region) {
    const auto& shared = rooms_.credentials->aws;
    s3::Options from;
    from.bucket = settings_.job.source_bucket;
    from.region = region;
    from.endpoint = settings_.s3.endpoint;
    from.path_style = settings_.s3.path_style;
    from.requester_pays = settings_.s3.requester_pays;
    from.customer_key = settings_.s3.customer_key;
    from.page_size = 1;
    from.backoff = kLittlePatience;
    auto made = s3::make_source(std::move(from), shared ? shared->provider(routes()) : s3::anonymous_credentials(),
                                far_.get(), rooms_.clock, rooms_.rng);
    if (!made) return fail(std::move(made).error());
    source_ = *std::move(made);
    return Unit{};
  }

  Task<> read_source() {
    const auto bucket = settings_.job.source_bucket.str();
    const auto place = "s3://" + bucket + "/" + settings_.job.source_prefix;
    auto page = co_await source_->list(settings_.job.source_prefix, std::nullopt, std::nullopt);
    if (!page) {
      const bool denied = page.error().kind == ErrorKind::kDenied;
      tell(failed("source list", page.error(), denied ? "grant s3:ListBucket on arn:aws:s3:::" + bucket : ""));
      co_return;
    }
    tell(fine("source list", place));
    if (page->entries.empty()) {
      tell({Health::kWarn, "source read", "nothing is there to try reading on", "check the prefix", false});
      co_return;
    }
    const auto key = page->entries.front().key;
    const auto objects = "arn:aws:s3:::" + bucket + "/" + settings_.job.source_prefix + "*";
    auto seen = co_await source_->stat(key);
    if (seen) {
      tell(fine("source read", "s3://" + bucket + "/" + key.str()));
    } else {
      tell(
          failed("source read", seen.error(), "grant s3:GetObject on " + objects + ", and kms:Decrypt on its KMS key"));
    }
    if (settings_.metadata.tags == TagsTo::kNowhere) co_return;
    auto tags = co_await source_->tags(key);
    if (tags) {
      tell(fine("source tags", "s3://" + bucket + "/" + key.str()));
    } else {
      tell({Health::kWarn, "source tags", tags.error().what,
            "grant s3:GetObjectTagging on " + objects + ", or leave tags behind with --tags none", false});
    }
  }

  // ---- target

  Task<> see_target() {
    net::Origin origin{true, "storage.googleapis.com", 443};
    if (settings_.gcs.endpoint) origin = *settings_.gcs.endpoint;
    const bool reached = co_await reach("target", std::move(origin));
    if (!rooms_.credentials) co_return;
    const bool known = co_await obtain("target", rooms_.credentials->google_source.get(),
                                       rooms_.credentials->google_guessed ? kNoGoogleCredentials : std::string_view{});
    if (!reached || !known) co_return;
    co_await list_target();
    co_await ask_permissions();
  }

  gcs::Options target_options() const {
    gcs::Options to;
    to.bucket = settings_.job.target_bucket;
    to.endpoint = settings_.gcs.endpoint;
    to.page_size = 1;
    to.backoff = kLittlePatience;
    return to;
  }
  std::shared_ptr<gcs::TokenProvider> tokens() const {
    const auto& shared = rooms_.credentials->google;
    return shared ? shared->provider(routes()) : gcs::no_token();
  }

  Task<> list_target() {
    auto target = gcs::make_target(target_options(), tokens(), far_.get(), rooms_.clock, rooms_.rng);
    if (!target) {
      tell(failed("target bucket", target.error()));
      co_return;
    }
    auto page = co_await (*target)->list(settings_.job.target_prefix, std::nullopt);
    if (page) {
      tell(fine("target list", "gs://" + settings_.job.target_bucket.str() + "/" + settings_.job.target_prefix));
    } else {
      const bool denied = page.error().kind == ErrorKind::kDenied;
      tell(failed("target list", page.error(), denied ? "grant storage.objects.list on the bucket" : ""));
    }
  }

  Task<> ask_permissions() {
    std::vector<std::string> asked{"storage.objects.list", "storage.objects.get", "storage.objects.create",
                                   "storage.objects.delete"};
    auto granted = co_await gcs::granted_permissions(target_options(), tokens(), far_.get(), rooms_.clock, rooms_.rng,
                                                     std::move(asked));
    if (granted) {
      tell(judge_permissions(*granted, settings_.job.target_bucket.str()));
    } else if (granted.error().kind == ErrorKind::kGone) {
      tell({Health::kWarn, "target permissions", "this server does not tell which it grants", {}, false});
    } else {
      tell(failed("target permissions", granted.error()));
    }
  }

  // ---- the service's

  Task<> see_redis() {
    auto client = open_redis(settings_);
    if (!client) {
      tell(failed("redis", client.error()));
      co_return;
    }
    redis_ = *std::move(client);
    auto checked = co_await redis_->check();
    if (!checked) {
      const bool denied = checked.error().kind == ErrorKind::kDenied;
      tell(failed("redis", checked.error(),
                  denied ? "check REDIS_PASSWORD and the user's access list"
                         : "check REDIS_ADDRESS, and that this machine may connect"));
      co_return;
    }
    tell(fine("redis", redis_->name()));
    for (const auto& warning : *checked) tell({Health::kWarn, "redis", warning, {}, false});
  }

  Task<> see_pubsub() {
    auto options = queue_options(settings_, "doctor");
    options.warn = nullptr;
    options.call_timeout = kAnswerMax;
    options.backoff = kLittlePatience;
    const auto where = options.endpoint + ", topic " + options.topic + ", subscription " + options.subscription;
    const bool known = rooms_.credentials.has_value();
    if (options.tls && known && rooms_.credentials->google)
      options.authorization = [from = tokens()] { return bearer(from); };
    auto queue = pubsub::make_queue(solo_.executor(), std::move(options), rooms_.clock, rooms_.rng);
    if (!queue) {
      tell(failed("pubsub", queue.error()));
      co_return;
    }
    auto seen = co_await (*queue)->look();
    if (seen) {
      tell(fine("pubsub", where));
    } else if (seen.error().kind == ErrorKind::kGone) {
      tell({Health::kWarn, "pubsub", seen.error().what,
            "publisher and migrators make them at their start, if they may (roles/pubsub.editor)", false});
    } else {
      const bool denied = seen.error().kind == ErrorKind::kDenied;
      tell(failed("pubsub", seen.error(),
                  denied ? "grant roles/pubsub.viewer, publisher and subscriber on topic and subscription" : ""));
    }
    co_await (*queue)->shutdown(Milliseconds{0});
  }

  static Task<Result<std::string>> bearer(std::shared_ptr<gcs::TokenProvider> from) {
    auto token = co_await from->token();
    if (!token) co_return fail(std::move(token).error());
    co_return *token ? "Bearer " + **token : std::string{};
  }

  const Settings& settings_;
  DoctorRooms rooms_;
  std::vector<Check> checks_;
  SoloRun solo_;
  std::unique_ptr<net::HttpClient> far_, near_;
  std::unique_ptr<ObjectSource> source_;
  std::shared_ptr<redis::Client> redis_;
};

}  // namespace

Result<std::vector<Check>> run_doctor(const Settings& settings, DoctorRooms rooms) {
  return Doctor{settings, std::move(rooms)}.run();
}

}  // namespace ferry::app
