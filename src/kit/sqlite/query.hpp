#pragma once
// One use of a prepared statement. Values are bound, never pasted into SQL: data is not syntax.

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ferry::sqlite {

/// Binds in the order of the placeholders, runs, and resets the statement when it goes. Throws SQLite::Exception.
class Query {
 public:
  explicit Query(SQLite::Statement* statement) : statement_(statement) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() { statement_->tryReset(); }

  Query& bind(std::int64_t value) {
    statement_->bind(++bound_, value);
    return *this;
  }
  /// As a blob, not copied: the bytes must live as long as the Query.
  Query& bind(std::string_view bytes) {
    statement_->bindNoCopy(++bound_, bytes.data() ? bytes.data() : "", static_cast<int>(bytes.size()));
    return *this;
  }
  /// As text: for words of our own.
  Query& bind_text(std::string_view word) {
    statement_->bind(++bound_, std::string{word});
    return *this;
  }
  Query& bind_null() {
    statement_->bind(++bound_);
    return *this;
  }

  bool next() { return statement_->executeStep(); }  ///< false: no more rows
  int run() { return statement_->exec(); }           ///< returns how many rows were changed

  /// Columns of the row, from 0. Nothing: it is NULL or of another type.
  [[nodiscard]] std::optional<std::int64_t> integer(int column) const {
    const auto value = statement_->getColumn(column);
    if (!value.isInteger()) return std::nullopt;
    return value.getInt64();
  }
  [[nodiscard]] std::optional<std::string> blob(int column) const {
    const auto value = statement_->getColumn(column);
    if (!value.isBlob()) return std::nullopt;
    const auto* bytes = static_cast<const char*>(value.getBlob());  // before the length: SQLite's rule
    return std::string{bytes ? bytes : "", static_cast<std::size_t>(value.getBytes())};
  }
  [[nodiscard]] std::optional<std::string> text(int column) const {
    const auto value = statement_->getColumn(column);
    if (!value.isText()) return std::nullopt;
    return value.getString();
  }
  [[nodiscard]] bool is_null(int column) const { return statement_->getColumn(column).isNull(); }

 private:
  SQLite::Statement* statement_;
  int bound_ = 0;
};

}  // namespace ferry::sqlite
