#pragma once
// The broker's connection to fault instructions, tokens and the event log.

#include "sandbox/event_log.hpp"
#include "sandbox/fault.hpp"
#include "sandbox/pubsub/server.hpp"
#include "sandbox/token.hpp"

namespace ferry::sandbox {

class PubsubWatch final : public pubsub::Watcher {
 public:
  /// @param tokens  whose tokens are let in; null: everybody is
  PubsubWatch(FaultTable* faults, EventLog* log, const TokenBook* tokens)
      : faults_(faults), log_(log), tokens_(tokens) {}
  std::optional<pubsub::Fault> fault(std::string_view operation, std::string_view resource) override;
  bool admits(std::string_view authorization) override;
  void happened(const pubsub::Happening& what) override;

 private:
  FaultTable* const faults_;
  EventLog* const log_;
  const TokenBook* const tokens_;
};

/// [{"subscription":…,"waiting":1,"delayed":0,"on_loan":2,"streams":1},…]
[[nodiscard]] std::string to_json(const std::vector<pubsub::Holdings>& all);

}  // namespace ferry::sandbox
