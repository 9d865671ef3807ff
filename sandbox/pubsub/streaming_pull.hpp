#pragma once
// The two calls that wait for messages: StreamingPull, and Pull.

#include <grpcpp/support/server_callback.h>

#include "sandbox/pubsub/broker.hpp"

namespace ferry::sandbox::pubsub {

/// Reactors of their own making: they delete themselves when the call is over.
[[nodiscard]] grpc::ServerBidiReactor<pb::StreamingPullRequest, pb::StreamingPullResponse>* make_stream(
    Broker* broker, Watcher* watcher, bool admitted);
[[nodiscard]] grpc::ServerUnaryReactor* make_pull(Broker* broker, Watcher* watcher, Clock* clock,
                                                  const pb::PullRequest* request, pb::PullResponse* response,
                                                  bool admitted);

}  // namespace ferry::sandbox::pubsub
