#include "source/catalog/csv.hpp"

namespace ferry::catalog {

tl::unexpected<Error> CsvRows::bad(std::string_view what) const {
  return fail(ErrorKind::kCorrupt, "line " + std::to_string(row_line_) + ": " + std::string{what});
}

void CsvRows::begin_field() {
  if (count_ == fields_.size()) fields_.emplace_back();
  fields_[count_++].clear();
  at_ = At::kFieldBegin;
}

Status CsvRows::feed(std::string_view bytes, const Take& take) {
  for (const char c : bytes) {
    if (auto done = step(c, take); !done) return done;
  }
  return Unit{};
}

Status CsvRows::step(char c, const Take& take) {
  if (count_ == 0) begin_field();
  if (c == '\n') ++line_;
  if (++row_bytes_ > kRowBytesMax) return bad("a row of more than " + std::to_string(kRowBytesMax) + " bytes");
  if (at_ == At::kQuoted) {
    if (c == '"') {
      at_ = At::kQuoteInQuoted;
    } else {
      fields_[count_ - 1].push_back(c);
    }
    return Unit{};
  }
  switch (c) {
    case '\n': return end_row(take);
    case ',': begin_field(); return Unit{};
    case '"':
      if (at_ == At::kBare) return bad("a quote inside of a field that doesn't begin with one");
      if (at_ == At::kQuoteInQuoted) fields_[count_ - 1].push_back('"');
      at_ = At::kQuoted;
      return Unit{};
    default: break;
  }
  if (at_ == At::kQuoteInQuoted) {
    if (c == '\r') return Unit{};
    return bad("text after the end of a quoted field");
  }
  at_ = At::kBare;
  fields_[count_ - 1].push_back(c);
  return Unit{};
}

Status CsvRows::end_row(const Take& take) {
  auto& last = fields_[count_ - 1];
  if (at_ == At::kBare && last.ends_with('\r')) last.pop_back();
  const bool empty = count_ == 1 && last.empty() && at_ != At::kQuoteInQuoted;
  Status taken = Unit{};
  if (!empty) taken = take(std::span{fields_}.first(count_));
  if (!taken) return bad(taken.error().what);
  count_ = 0;
  row_bytes_ = 0;
  row_line_ = line_;
  at_ = At::kFieldBegin;
  return Unit{};
}

Status CsvRows::finish(const Take& take) {
  if (at_ == At::kQuoted) return bad("a quoted field that never ends");
  if (count_ == 0) return Unit{};
  return end_row(take);
}

}  // namespace ferry::catalog
