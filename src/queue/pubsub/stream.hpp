#pragma once
// One StreamingPull call, on gRPC's threads.

#include <google/protobuf/arena.h>

#include <memory>
#include <mutex>
#include <optional>

#include "kit/async/bell.hpp"
#include "queue/pubsub/client.hpp"

namespace ferry::pubsub {

/// Where messages go. Called on gRPC's threads, by one stream never twice at a time.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  /// @return false: read no more until Stream::resume()
  virtual bool received(pb::StreamingPullResponse* response) = 0;
};

/// Lives until gRPC is done with it, whoever has let go of it. Methods: any thread.
class Stream final : public grpc::ClientBidiReactor<pb::StreamingPullRequest, pb::StreamingPullResponse>,
                     public std::enable_shared_from_this<Stream> {
 public:
  Stream(Client* client, std::shared_ptr<grpc::ClientContext> context, std::shared_ptr<StreamSink> sink)
      : client_(client), calls_(client->calls()), context_(std::move(context)), sink_(std::move(sink)) {}

  void start(pb::StreamingPullRequest first);
  void resume();
  void ping();    ///< an empty request: brokers end streams whose client says nothing for a minute
  void finish();  ///< says goodbye; the broker ends the stream, and gives it nothing more before
  void cancel();  ///< ended() follows

  [[nodiscard]] Bell& bell() { return bell_; }              ///< rung at the end
  [[nodiscard]] std::optional<grpc::Status> ended() const;  ///< nothing: it goes on
  [[nodiscard]] bool brought_anything() const;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  void read();
  void say_goodbye();
  void release();

  Client* const client_;
  const std::shared_ptr<OpenCalls> calls_;
  const std::shared_ptr<grpc::ClientContext> context_;
  std::shared_ptr<StreamSink> sink_;  ///< until OnDone
  std::shared_ptr<Stream> self_;      ///< until OnDone
  pb::StreamingPullRequest request_;
  /// Messages are read into an arena of their own: most of their cost is that of allocating and freeing.
  std::optional<google::protobuf::Arena> arena_;
  pb::StreamingPullResponse* response_ = nullptr;
  Bell bell_;
  mutable std::mutex mutex_;
  bool writing_ = false, paused_ = false, brought_ = false;
  bool resumed_ = false;  ///< before it had paused: the sink's answer and the pause are two steps
  bool finishing_ = false, said_goodbye_ = false;
  bool released_ = false;  ///< nothing is started any more from outside of a reaction
  std::optional<grpc::Status> ended_;
};

}  // namespace ferry::pubsub
