#pragma once
// Log lines: one event, one past-tense verb, stable keys, units in the key, never a credential. To stderr.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace ferry::log {

enum class Level { kDebug, kInfo, kWarning, kError };
enum class Format { kText, kJson };

struct Field {
  std::string_view key;
  std::variant<std::string, std::int64_t, std::uint64_t, double, bool> value;
  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
  Field(std::string_view k, std::int64_t v) : key(k), value(v) {}
  Field(std::string_view k, std::uint64_t v) : key(k), value(v) {}
  Field(std::string_view k, int v) : key(k), value(std::int64_t{v}) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
};

/// Call once before threads start. Default: text, info.
void configure(Level level, Format format);
/// `event` is "transfer.failed"; values are made printable, so one event is one line whatever a key holds.
/// Never blocks on a closed or full stderr for ever; never throws. Any thread.
void write(Level level, std::string_view event, std::initializer_list<Field> fields);

/// A line for the person who runs the command, as it is (made printable by the caller) and at every level; with
/// Format::kJson it becomes the `text` of an event "note". Any thread.
void print(std::string_view line);
/// A line that stays below everything else on a terminal (a progress bar): taken away before each event and drawn again
/// after it. Empty: none. Any thread.
void pin(std::string line);

inline void info(std::string_view event, std::initializer_list<Field> fields) { write(Level::kInfo, event, fields); }
inline void warn(std::string_view event, std::initializer_list<Field> fields) { write(Level::kWarning, event, fields); }
inline void error(std::string_view event, std::initializer_list<Field> fields) { write(Level::kError, event, fields); }
inline void debug(std::string_view event, std::initializer_list<Field> fields) { write(Level::kDebug, event, fields); }

}  // namespace ferry::log
