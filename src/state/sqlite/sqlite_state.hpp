#pragma once
// The embedded state: one SQLite file (0600), one writer thread, writes that arrive together share a transaction.

#include <filesystem>
#include <memory>

#include "domain/job.hpp"
#include "kit/async/clock.hpp"
#include "state/state_store.hpp"

namespace ferry::sqlite {

/// Opens or creates `file` for `job`. Several jobs may share a file, one process at a time.
/// @error kInvalid: another process holds it, it is of a newer schema, it is damaged, it can't be created; says what to do
[[nodiscard]] Result<std::unique_ptr<StateStore>> open_state(std::filesystem::path file, const Job& job, Clock* clock);

}  // namespace ferry::sqlite
