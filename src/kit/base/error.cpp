#include "kit/base/error.hpp"

namespace ferry {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kGone: return "gone";
    case ErrorKind::kChanged: return "changed";
    case ErrorKind::kConflict: return "conflict";
    case ErrorKind::kDenied: return "denied";
    case ErrorKind::kArchived: return "archived";
    case ErrorKind::kLimit: return "limit";
    case ErrorKind::kInvalid: return "invalid";
    case ErrorKind::kCorrupt: return "corrupt";
    case ErrorKind::kUnavailable: return "unavailable";
    case ErrorKind::kCancelled: return "cancelled";
  }
  return "?";
}

}  // namespace ferry
