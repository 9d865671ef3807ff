#include "sandbox/pubsub/rules.hpp"

#include <algorithm>
#include <charconv>

namespace ferry::sandbox::pubsub {
namespace {

namespace pb = google::pubsub::v1;

constexpr std::int64_t kDay = 86'400;
constexpr std::size_t kAckIdLength = 176;

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool within(const google::protobuf::Duration& value, std::int64_t least, std::int64_t most) {
  return value.seconds() >= least && (value.seconds() < most || (value.seconds() == most && value.nanos() == 0));
}

grpc::Status check_message(const pb::PubsubMessage& message) {
  if (message.data().empty() && message.attributes().empty()) return invalid("a message needs data or an attribute");
  if (message.attributes().size() > 100) return invalid("more than 100 attributes");
  for (const auto& [name, value] : message.attributes()) {
    if (name.empty() || name.size() > 256 || name.starts_with("goog")) return invalid("attribute name");
    if (value.size() > 1024) return invalid("attribute value above 1024 bytes");
  }
  return grpc::Status::OK;
}

grpc::Status complete_policies(pb::Subscription* subscription) {
  if (!subscription->has_expiration_policy()) {
    subscription->mutable_expiration_policy()->mutable_ttl()->set_seconds(31 * kDay);
  } else if (subscription->expiration_policy().has_ttl() && subscription->expiration_policy().ttl().seconds() < kDay) {
    return invalid("expiration_policy.ttl below one day");
  }
  if (subscription->has_retry_policy()) {
    auto* retry = subscription->mutable_retry_policy();
    if (!retry->has_minimum_backoff()) retry->mutable_minimum_backoff()->set_seconds(10);
    if (!retry->has_maximum_backoff()) retry->mutable_maximum_backoff()->set_seconds(600);
    if (!within(retry->minimum_backoff(), 0, 600) || !within(retry->maximum_backoff(), 0, 600) ||
        retry->minimum_backoff().seconds() > retry->maximum_backoff().seconds()) {
      return invalid("retry_policy: 0 to 600 s, the minimum not above the maximum");
    }
  }
  if (subscription->has_dead_letter_policy()) {
    auto* policy = subscription->mutable_dead_letter_policy();
    if (policy->max_delivery_attempts() == 0) policy->set_max_delivery_attempts(5);
    if (policy->max_delivery_attempts() < 5 || policy->max_delivery_attempts() > 100) {
      return invalid("dead_letter_policy.max_delivery_attempts: 5 to 100");
    }
    return check_name(policy->dead_letter_topic(), "topics");
  }
  return grpc::Status::OK;
}

}  // namespace

grpc::Status invalid(std::string what) { return {grpc::StatusCode::INVALID_ARGUMENT, std::move(what)}; }

grpc::Status check_name(std::string_view name, std::string_view collection) {
  const auto wrong = [&] {
    return invalid("not a name of the form projects/P/" + std::string(collection) + "/ID: " + std::string(name));
  };
  constexpr std::string_view kProjects = "projects/";
  if (!name.starts_with(kProjects)) return wrong();
  name.remove_prefix(kProjects.size());
  const auto slash = name.find('/');
  if (slash == 0 || slash == std::string_view::npos) return wrong();
  name.remove_prefix(slash + 1);
  if (!name.starts_with(collection) || !name.substr(collection.size()).starts_with("/")) return wrong();
  name.remove_prefix(collection.size() + 1);
  const auto legal = [](char c) { return is_alnum(c) || std::string_view("-_.~+%").find(c) != std::string_view::npos; };
  if (name.size() < 3 || name.size() > 255 || !is_alnum(name.front()) || name.front() <= '9' ||
      name.starts_with("goog") || !std::ranges::all_of(name, legal)) {
    return wrong();
  }
  return grpc::Status::OK;
}

grpc::Status check_topic(const pb::Topic& topic) {
  if (topic.has_message_retention_duration() && !within(topic.message_retention_duration(), 600, 31 * kDay)) {
    return invalid("message_retention_duration: 10 minutes to 31 days");
  }
  return check_name(topic.name(), "topics");
}

grpc::Status check_publish(const pb::PublishRequest& request) {
  if (request.messages().empty()) return invalid("no messages");
  if (request.messages_size() > kPublishMessagesMax) return invalid("more than 1000 messages");
  if (request.ByteSizeLong() > kPublishBytesMax) return invalid("request above 10000000 bytes");
  for (const auto& message : request.messages()) {
    if (auto checked = check_message(message); !checked.ok()) return checked;
  }
  return grpc::Status::OK;
}

grpc::Status complete_subscription(pb::Subscription* subscription) {
  if (auto named = check_name(subscription->name(), "subscriptions"); !named.ok()) return named;
  if (auto topic = check_name(subscription->topic(), "topics"); !topic.ok()) return topic;
  if (!subscription->filter().empty() || subscription->enable_message_ordering() ||
      subscription->enable_exactly_once_delivery() || subscription->detached()) {
    return {grpc::StatusCode::UNIMPLEMENTED, "this broker has no filters, ordering, exactly-once or detaching"};
  }
  if (subscription->ack_deadline_seconds() == 0) subscription->set_ack_deadline_seconds(kLeaseMin);
  if (subscription->ack_deadline_seconds() < kLeaseMin || subscription->ack_deadline_seconds() > kLeaseMax) {
    return invalid("ack_deadline_seconds: 10 to 600");
  }
  if (!subscription->has_message_retention_duration()) {
    subscription->mutable_message_retention_duration()->set_seconds(7 * kDay);
  }
  if (!within(subscription->message_retention_duration(), 600, 31 * kDay)) {
    return invalid("message_retention_duration: 10 minutes to 31 days");
  }
  return complete_policies(subscription);
}

std::string ack_id(std::uint64_t lease) {
  std::string id(kAckIdLength, '_');
  const auto end = std::to_chars(id.data(), id.data() + id.size(), lease).ptr;
  *end = '-';
  return id;
}

std::optional<std::uint64_t> parse_ack_id(std::string_view id) {
  std::uint64_t lease = 0;
  const auto [end, bad] = std::from_chars(id.data(), id.data() + id.size(), lease);
  if (bad != std::errc{} || id.size() != kAckIdLength || *end != '-') return std::nullopt;
  return lease;
}

}  // namespace ferry::sandbox::pubsub
