#pragma once
// What came of deleting what left the source.

#include <cstdint>
#include <string>

namespace ferry {

struct Pruned {
  std::uint64_t ours = 0;     ///< objects of this job at the target, in scope
  std::uint64_t gone = 0;     ///< of them, those that the source's listing lacks
  std::uint64_t deleted = 0;  ///< as are the next two: of the gone ones
  std::uint64_t kept = 0;     ///< the source has it again, or somebody replaced it at the target
  std::uint64_t failed = 0;
  std::string refused;  ///< why nothing was deleted, as a sentence; empty: nothing was in the way
  std::string trouble;  ///< the first failure; empty: none
};

}  // namespace ferry
