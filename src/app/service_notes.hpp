#pragma once
// What publishers and migrators write on the shared board for each other and for the dashboard, as JSON text. Notes of
// another version of the program may lack something or hold more: what can't be read is left out.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "admin/operator.hpp"

namespace ferry::app {

// Topics and names on the board.
inline constexpr const char* kControlTopic = "control";    ///< kPausedNote, kScanNote, kScanSeenNote
inline constexpr const char* kPausedNote = "paused";       ///< "1" or "0"
inline constexpr const char* kScanNote = "scan";           ///< the newest request: its id, and " audit" for an audit
inline constexpr const char* kScanSeenNote = "scan-seen";  ///< the newest request that the scanning publisher knows of
inline constexpr const char* kScansTopic = "scans";        ///< kScansNote
inline constexpr const char* kScansNote = "list";
inline constexpr const char* kWorkersTopic = "workers";  ///< one note per migrator, by its name
inline constexpr const char* kWorkTotals =
    "work";  ///< counters: kCopied, kCopiedBytes, …; rungs as "rung.md5", losses as "loss.tags"
inline constexpr const char* kScanLease = "scan";

/// Whether work is paused. A note that is missing, as when Redis was emptied, changes nothing.
[[nodiscard]] bool is_paused(const std::map<std::string, std::string>& control, bool before);

/// The scans, and what was settled when the newest complete one began: from both follows the backlog.
struct ScanNotes {
  std::vector<admin::ScanState> scans;  ///< the newest first
  std::int64_t settled_before = 0, settled_bytes_before = 0;
  std::optional<Seconds> next;
};

[[nodiscard]] std::string to_note(const ScanNotes& notes);
[[nodiscard]] ScanNotes parse_scan_notes(const std::string& text);

struct WorkerNote {
  admin::WorkerState worker;
  std::string trouble;  ///< empty: none
};
[[nodiscard]] std::string to_note(const WorkerNote& note);
[[nodiscard]] std::optional<WorkerNote> parse_worker_note(const std::string& text);

/// A request for a scan, as it stands in kScanNote.
struct ScanWish {
  std::string id;
  bool audit = false;
};
[[nodiscard]] std::string to_note(const ScanWish& wish);
[[nodiscard]] ScanWish parse_scan_wish(const std::string& text);

}  // namespace ferry::app
