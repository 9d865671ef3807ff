#pragma once
// The evidence of a `verify` as one HTML page that needs nothing else: for files, mail and paper. Pure.

#include <string>
#include <string_view>

#include "app/verify_run.hpp"

namespace ferry::app {

/// Keys and texts from outside become text, never markup. Light or dark as the reader has it, plain on paper.
[[nodiscard]] std::string evidence_page(const VerifyEnding& ending);

/// `text` with everything escaped that HTML would read as its own; also within quotes.
[[nodiscard]] std::string html_text(std::string_view text);

}  // namespace ferry::app
