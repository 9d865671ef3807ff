#pragma once
// Encoded words: how S3 sends metadata values that don't fit into a header. RFC 2047.

#include <string>
#include <string_view>

namespace ferry::s3 {

/// Replaces `=?charset?B|Q?…?=` by its text as UTF-8; words that only white space separates are joined. Known charsets:
/// UTF-8, US-ASCII, ISO-8859-1. A value that holds an unknown charset or a malformed word stays as it is, whole.
[[nodiscard]] std::string decode_encoded_words(std::string_view value);

/// Bytes ≥ 0x80 as Latin-1, in UTF-8.
[[nodiscard]] std::string latin1_to_utf8(std::string_view bytes);

}  // namespace ferry::s3
