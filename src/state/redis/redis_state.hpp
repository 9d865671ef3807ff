#pragma once
// State and board of one job on Redis 6 or later. All keys begin with `ferry:{JOB}:` (Job::id); no other key is ever
// read or changed. Values of ours that are damaged or of another type count as absent and are written anew. Layout and
// memory: docs/adr/0006-redis-layout.md.

#include <cstdint>
#include <memory>
#include <string>

#include "domain/job.hpp"
#include "state/redis/redis_client.hpp"
#include "state/shared_board.hpp"
#include "state/state_store.hpp"

namespace ferry::redis {

struct StateOptions {
  /// Decides the layout when the job's first entry is written; later values are ignored. Records take the least memory
  /// up to about eight times as many objects, and roughly twice that beyond.
  std::uint64_t expected_objects = 1'000'000;
  /// Upload sessions are stored only encrypted with a key derived from this. Empty: they are not stored at all; saving
  /// a checkpoint is a success that remembers nothing, and large uploads start over after a crash. All processes of a
  /// deployment need the same one.
  std::string secret;
};

/// Does not connect yet. Refusals of user, password or permission are kUnavailable here, with a text that says so:
/// somebody can put them right while work waits.
[[nodiscard]] std::unique_ptr<StateStore> open_state(std::shared_ptr<Client> client, const Job& job,
                                                     const StateOptions& options, Rng* rng);
[[nodiscard]] std::unique_ptr<SharedBoard> open_board(std::shared_ptr<Client> client, const Job& job, Rng* rng);

}  // namespace ferry::redis
