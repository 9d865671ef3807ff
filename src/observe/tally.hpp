#pragma once
// What has happened so far in one run: counters that any thread adds to and the display reads.
// listed = copied + unchanged + superseded + failed + skipped + waiting: the books must balance (design §1.1).

#include <array>
#include <atomic>
#include <cstdint>

#include "domain/loss.hpp"
#include "domain/provenance.hpp"

namespace ferry {

struct Tally {
  std::atomic<std::uint64_t> listed{0};  ///< source objects in scope that the scan has seen
  std::atomic<std::uint64_t> listed_bytes{0};
  std::atomic<std::uint64_t> filtered{0};   ///< left out by filters
  std::atomic<std::uint64_t> unchanged{0};  ///< already at the target in this version
  std::atomic<std::uint64_t> unchanged_bytes{0};
  std::atomic<std::uint64_t> adopted{0};  ///< of the unchanged: brought by somebody else, recognised by a checksum
  std::atomic<std::uint64_t> planned{0};  ///< to be copied, or examined first
  std::atomic<std::uint64_t> planned_bytes{0};
  std::atomic<std::uint64_t> examine{0};    ///< of the planned: somebody else's object is there, perhaps the same
  std::atomic<std::uint64_t> published{0};  ///< handed to the queue
  std::atomic<std::uint64_t> published_bytes{0};
  std::atomic<std::uint64_t> pending{0};  ///< to be copied, but with the queue since an earlier scan
  std::atomic<std::uint64_t> pending_bytes{0};
  std::atomic<std::uint64_t> copied{0};
  std::atomic<std::uint64_t> copied_bytes{0};  ///< of finished objects
  std::atomic<std::uint64_t> superseded{0};    ///< changed or gone since listed
  std::atomic<std::uint64_t> superseded_bytes{0};
  std::atomic<std::uint64_t> failed{0};  ///< in the ledger
  std::atomic<std::uint64_t> failed_bytes{0};
  std::atomic<std::uint64_t> skipped{0};  ///< left out for want of a name that the target can hold
  std::atomic<std::uint64_t> skipped_bytes{0};
  std::atomic<std::uint64_t> deleted{0};
  std::atomic<std::uint64_t> restores{0};     ///< archived objects that were asked for
  std::atomic<std::uint64_t> retried{0};      ///< deliveries given back for another try
  std::atomic<std::uint64_t> moved_bytes{0};  ///< body bytes read from the source, repeats included: the rate
  std::atomic<std::uint64_t> active{0};       ///< transfers under way
  std::atomic<bool> listing_done{false};
  std::array<std::atomic<std::uint64_t>, kRungs> rungs{};    ///< by Rung
  std::atomic<std::uint64_t> lossy{0};                       ///< copied, but not with everything that belongs to them
  std::array<std::atomic<std::uint64_t>, kLosses> losses{};  ///< by Loss; an object may have several
};

}  // namespace ferry
