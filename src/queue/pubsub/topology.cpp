#include "queue/pubsub/topology.hpp"

#include <limits>
#include <utility>

#include "kit/base/text.hpp"

namespace ferry::pubsub {
namespace {

constexpr const char* kDeletedTopic = "_deleted-topic_";

std::string full_name(const Options& options, const char* collection, const std::string& id) {
  return "projects/" + options.project + "/" + collection + "/" + id;
}

/// Somebody else may have made it for us, and kept the right to make such things.
Error may_not_make(Error denied, const std::string& what) {
  denied.what += "; make " + what + " beforehand, or give this account the role roles/pubsub.editor";
  return denied;
}

}  // namespace

Topology::Topology(const Options* options, Client* client, Clock* clock, Rng* rng)
    : options_(options),
      client_(client),
      clock_(clock),
      rng_(rng),
      topic_(full_name(*options, "topics", options->topic)),
      subscription_(full_name(*options, "subscriptions", options->subscription)) {}

void Topology::warn(const std::string& line) const {
  if (options_->warn) options_->warn(line);
}

Task<Status> Topology::prepare() {
  auto patience = options_->backoff;
  patience.attempts_max = std::numeric_limits<int>::max();
  for (int failures = 1;; ++failures) {
    auto made = co_await make_both();
    if (made) co_return made;
    const bool time_may_help = made.error().kind == ErrorKind::kUnavailable || made.error().kind == ErrorKind::kGone;
    if (!time_may_help) co_return fail(std::move(made).error().during("prepare Pub/Sub"));
    if (failures == 1) warn("waiting for Pub/Sub: " + made.error().what);
    co_await clock_->sleep(patience.after(failures, rng_->unit(), std::nullopt).value());
  }
}

Task<Status> Topology::look() {
  const auto topic = co_await client_->get_topic(topic_);
  if (!topic) co_return fail(topic.error());
  const auto there = co_await client_->get_subscription(subscription_);
  if (!there) co_return fail(there.error());
  co_return belongs(*there);
}

Task<Status> Topology::make_both() {
  auto made = co_await make_topic();
  if (!made) co_return made;
  co_return co_await make_subscription();
}

Task<Status> Topology::make_topic() {
  pb::Topic topic;
  topic.set_name(topic_);
  auto made = co_await client_->create_topic(std::move(topic));
  if (made || made.error().kind == ErrorKind::kConflict) co_return Unit{};
  if (made.error().kind == ErrorKind::kDenied) {
    const auto seen = co_await client_->get_topic(topic_);
    if (seen) co_return Unit{};
    co_return fail(may_not_make(std::move(made).error(), topic_));
  }
  co_return fail(std::move(made).error());
}

Task<Status> Topology::make_subscription() {
  auto made = co_await client_->create_subscription(wanted());
  if (made) co_return Unit{};
  if (made.error().kind == ErrorKind::kConflict) co_return co_await check_subscription();
  if (made.error().kind == ErrorKind::kDenied) {
    const auto seen = co_await client_->get_subscription(subscription_);
    if (!seen) co_return fail(may_not_make(std::move(made).error(), subscription_));
    co_return co_await check_subscription();
  }
  co_return fail(std::move(made).error());
}

/// One of our name is there. What is published to our topic must arrive in it.
Task<Status> Topology::check_subscription() {
  const auto there = co_await client_->get_subscription(subscription_);
  if (!there) {
    if (there.error().kind == ErrorKind::kDenied) co_return Unit{};  // it exists; pulling from it may still be allowed
    co_return fail(there.error());
  }
  if (there->topic() == kDeletedTopic) co_return co_await replace_subscription();
  if (auto ours = belongs(*there); !ours) co_return ours;
  if (!there->filter().empty()) warn("subscription " + subscription_ + " has a filter: messages may be dropped by it");
  co_return Unit{};
}

Status Topology::belongs(const pb::Subscription& there) const {
  if (there.topic() != topic_) {
    return fail(ErrorKind::kInvalid, "subscription " + subscription_ + " belongs to " + printable(there.topic()) +
                                         ", not to " + topic_ + ": name another subscription");
  }
  if (!there.detached()) return Unit{};
  return fail(ErrorKind::kInvalid, "subscription " + subscription_ + " is detached: delete it, or name another");
}

/// Its topic was deleted: nothing arrives in it any more, not even from a new topic of the same name. What it still
/// holds is published again when the marks of its messages expire.
Task<Status> Topology::replace_subscription() {
  warn("subscription " + subscription_ + " had lost its topic: replaced");
  auto deleted = co_await client_->delete_subscription(subscription_);
  if (!deleted && deleted.error().kind != ErrorKind::kGone) co_return fail(std::move(deleted).error());
  auto made = co_await client_->create_subscription(wanted());
  if (!made && made.error().kind != ErrorKind::kConflict) co_return fail(std::move(made).error());
  co_return Unit{};
}

pb::Subscription Topology::wanted() const {
  pb::Subscription wanted;
  wanted.set_name(subscription_);
  wanted.set_topic(topic_);
  wanted.set_ack_deadline_seconds(static_cast<int>(options_->lease.count()));
  wanted.mutable_message_retention_duration()->set_seconds(options_->retention.count());
  wanted.mutable_expiration_policy();  // without a time to live: never
  wanted.mutable_retry_policy()->mutable_minimum_backoff()->set_seconds(options_->retry_min.count());
  wanted.mutable_retry_policy()->mutable_maximum_backoff()->set_seconds(options_->retry_max.count());
  if (options_->dead_letter_topic) {
    auto* policy = wanted.mutable_dead_letter_policy();
    policy->set_dead_letter_topic(full_name(*options_, "topics", *options_->dead_letter_topic));
    policy->set_max_delivery_attempts(options_->dead_letter_attempts);
  }
  return wanted;
}

}  // namespace ferry::pubsub
