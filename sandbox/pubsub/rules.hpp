#pragma once
// What Pub/Sub refuses before it does anything, and what it fills in.

#include <grpcpp/support/status.h>
#include <pubsub.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ferry::sandbox::pubsub {

inline constexpr const char* kDeletedTopic = "_deleted-topic_";
inline constexpr std::size_t kPublishBytesMax = 10'000'000;
inline constexpr int kPublishMessagesMax = 1'000;
inline constexpr std::size_t kAckRequestBytesMax = 524'288;
inline constexpr int kLeaseMin = 10, kLeaseMax = 600;

[[nodiscard]] grpc::Status invalid(std::string what);
[[nodiscard]] grpc::Status check_name(std::string_view name, std::string_view collection);  ///< "topics", …
[[nodiscard]] grpc::Status check_topic(const google::pubsub::v1::Topic& topic);
[[nodiscard]] grpc::Status check_publish(const google::pubsub::v1::PublishRequest& request);
/// Checks, and puts in the defaults that a reply shows.
[[nodiscard]] grpc::Status complete_subscription(google::pubsub::v1::Subscription* subscription);

/// As long as real ones are, so that limits on requests mean something.
[[nodiscard]] std::string ack_id(std::uint64_t lease);
[[nodiscard]] std::optional<std::uint64_t> parse_ack_id(std::string_view id);

}  // namespace ferry::sandbox::pubsub
