#pragma once
// What must happen at one go, as programs that run inside of Redis. Where they answer with a text instead of a number,
// it is another layout than ours: adopt it and ask again.

#include "state/redis/protocol.hpp"

namespace ferry::redis::scripts {

/// KEYS layout, bucket…  ARGV layout, (field, published)…  → 1
[[nodiscard]] const Script* mark_published();
/// KEYS layout, failure names, failure texts, checkpoint index, (bucket, checkpoint)…
/// ARGV layout, (field, tail, version)…  → 1, also if some were fenced
[[nodiscard]] const Script* record_consumed();
/// KEYS layout, bucket…  ARGV layout, "p" or "c", field…  → how many had this half
[[nodiscard]] const Script* forget();
/// KEYS bucket…  ARGV entries wanted, entries of a bucket at most
/// → how many buckets it went through, then for each that is not empty its index and its fields and values; instead of
/// these nothing, as the last one, for a bucket that is too big to be read at once
[[nodiscard]] const Script* read_buckets();

/// KEYS names, texts  ARGV (name, text)…
[[nodiscard]] const Script* record_failures();
/// KEYS names, texts  ARGV name…
[[nodiscard]] const Script* clear_failures();
/// KEYS names, texts  ARGV start (as ZRANGEBYLEX), limit  → (name, text or nothing)…
[[nodiscard]] const Script* read_failures();
/// KEYS names  → how many
[[nodiscard]] const Script* count_failures();

/// KEYS checkpoint, index  ARGV name, sealed, seconds to live
[[nodiscard]] const Script* save_checkpoint();
/// KEYS checkpoint, index  ARGV name
[[nodiscard]] const Script* drop_checkpoint();

/// KEYS lease, fence  ARGV holder, milliseconds  → the fence's number, or nothing: somebody else's
[[nodiscard]] const Script* hold_lease();
/// KEYS lease  ARGV holder
[[nodiscard]] const Script* drop_lease();
/// KEYS notes  ARGV name, text, milliseconds (0: for good)
[[nodiscard]] const Script* post_note();
/// KEYS notes  → (name, text)…
[[nodiscard]] const Script* read_notes();
/// KEYS totals, a mark of this one call  ARGV milliseconds to remember the mark, (name, amount)…
[[nodiscard]] const Script* add_totals();

}  // namespace ferry::redis::scripts
