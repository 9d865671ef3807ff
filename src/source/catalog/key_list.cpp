#include "source/catalog/key_list.hpp"

#include <utility>

#include "kit/base/text.hpp"

namespace ferry::catalog {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kListedKeyBytesMax = 1024;

tl::unexpected<Error> wrong(std::string what) { return fail(ErrorKind::kInvalid, std::move(what)); }

}  // namespace

Status KeyList::feed(std::string_view bytes, std::vector<SourceEntry>* entries) {
  if (form_ == Form::kCsv) {
    const auto take = [&](std::span<const std::string> fields) { return take_row(fields, entries); };
    return rows_.feed(bytes, take);
  }
  if (form_ == Form::kLines) return take_lines(bytes, entries);
  begun_ += bytes;
  if (begun_.find('\n') == std::string::npos && begun_.size() <= kRowBytesMax) return Unit{};
  return decide(false, entries);
}

/// Looks at the first line, and reads on as it says.
Status KeyList::decide(bool complete, std::vector<SourceEntry>* entries) {
  std::string bytes = std::exchange(begun_, {});
  if (bytes.starts_with(kByteOrderMark)) bytes.erase(0, kByteOrderMark.size());
  const auto first = std::string_view{bytes}.substr(0, bytes.find('\n'));
  form_ = first.find(',') == std::string_view::npos ? Form::kLines : Form::kCsv;
  auto read = feed(bytes, entries);
  return read && complete ? finish(entries) : read;
}

Status KeyList::finish(std::vector<SourceEntry>* entries) {
  if (form_ == Form::kUnknown) return decide(true, entries);
  if (form_ == Form::kCsv) {
    const auto take = [&](std::span<const std::string> fields) { return take_row(fields, entries); };
    return rows_.finish(take);
  }
  const std::string last = std::exchange(begun_, {});
  return take_line(last, entries);
}

Status KeyList::take_row(std::span<const std::string> fields, std::vector<SourceEntry>* entries) const {
  if (fields.size() < 2 || fields.size() > 3) {
    return wrong(std::to_string(fields.size()) + " columns; a row is bucket,key or bucket,key,version, URL-encoded");
  }
  if (fields[0] != bucket_.str()) {
    return wrong("bucket '" + printable(fields[0].substr(0, 100)) + "', but the source is '" +
                 printable(bucket_.str()) + "'; lists of plain keys have no comma in their first line");
  }
  auto key = percent_decode(fields[1], true);
  if (!key || key->empty() || key->size() > kListedKeyBytesMax) {
    return wrong("'" + printable(fields[1].substr(0, 100)) + "' is no URL-encoded key of 1 to 1024 bytes");
  }
  keep(*std::move(key), fields.size() == 3 ? fields[2] : std::string{}, entries);
  return Unit{};
}

Status KeyList::take_lines(std::string_view bytes, std::vector<SourceEntry>* entries) {
  for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    begun_ += bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(begun_, {});
    if (auto taken = take_line(line, entries); !taken) return taken;
  }
  begun_ += bytes;
  if (begun_.size() > kListedKeyBytesMax + 1) return take_line(begun_, entries);  // says what is wrong
  return Unit{};
}

Status KeyList::take_line(std::string_view line, std::vector<SourceEntry>* entries) {
  ++line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > kListedKeyBytesMax)
    return wrong("line " + std::to_string(line_) + ": a key has at most 1024 bytes");
  if (!line.empty()) keep(std::string{line}, {}, entries);
  return Unit{};
}

void KeyList::keep(std::string key, const std::string& version, std::vector<SourceEntry>* entries) const {
  if (!key.starts_with(prefix_)) return;
  SourceEntry entry;
  entry.key = ObjectKey{std::move(key)};
  if (!version.empty()) entry.version.version_id = VersionId{version};
  entries->push_back(std::move(entry));
}

}  // namespace ferry::catalog
