#include "app/unexpected.hpp"

#include <string>

#include "kit/base/text.hpp"

namespace ferry::app {

Error unexpected(const std::exception_ptr& error) {
  std::string text = "unknown";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    text = e.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): nothing more is known
  }
  return Error{ErrorKind::kInvalid, "unexpected error, please report it: " + printable(text)};
}

}  // namespace ferry::app
