#pragma once
// The embedded state: one SQLite file (0600), one writer thread, writes that arrive together share a transaction.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "domain/job.hpp"
#include "kit/async/clock.hpp"
#include "state/state_store.hpp"

namespace ferry::sqlite {

/// Opens or creates `file` for `job`. Several jobs may share a file, one process at a time.
/// @param warnings  gets a line for each thing about the file's safety that was put right or that a person should look
/// at
/// @error kInvalid: another process holds it, it is of a newer schema, it is damaged, it can't be created; says what to
/// do
[[nodiscard]] Result<std::unique_ptr<StateStore>> open_state(std::filesystem::path file, const Job& job, Clock* clock,
                                                             std::vector<std::string>* warnings = nullptr);

}  // namespace ferry::sqlite
