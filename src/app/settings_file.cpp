#include "app/settings_file.hpp"

#include <yaml-cpp/yaml.h>

#include <set>

#include "app/bounded_file.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::size_t kNameBytesMax = 64;

tl::unexpected<Error> wrong(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kInvalid, "settings file " + printable(path) + ": " + std::string{why});
}

tl::unexpected<Error> wrong(const std::string& path, int line, std::string_view why) {
  return fail(ErrorKind::kInvalid,
              "settings file " + printable(path) + " line " + std::to_string(line) + ": " + std::string{why});
}

int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

/// Scalars and lists of scalars; nothing deeper has a meaning.
Result<std::vector<std::string>> values_of(const std::string& path, const std::string& name, const YAML::Node& node) {
  if (node.IsScalar()) return std::vector<std::string>{node.Scalar()};
  std::vector<std::string> values;
  if (node.IsSequence()) {
    for (const auto& item : node) {
      if (!item.IsScalar()) return wrong(path, line_of(item), name + " takes a list of plain values");
      values.push_back(item.Scalar());
    }
    return values;
  }
  return wrong(path, line_of(node), node.IsNull() ? name + " has no value" : name + " takes a value, not a map");
}

Result<std::vector<FileEntry>> entries_of(const std::string& path, const YAML::Node& root) {
  std::vector<FileEntry> entries;
  if (root.IsNull()) return entries;
  if (!root.IsMap()) return wrong(path, "is not a map of 'setting: value' lines");
  std::set<std::string> seen;
  for (const auto& pair : root) {
    const int line = line_of(pair.first);
    if (!pair.first.IsScalar() || pair.first.Scalar().size() > kNameBytesMax) {
      return wrong(path, line, "this is not the name of a setting");
    }
    const std::string name = pair.first.Scalar();
    if (!seen.insert(name).second) return wrong(path, line, printable(name) + " stands there twice");
    auto values = values_of(path, printable(name), pair.second);
    if (!values) return fail(std::move(values).error());
    entries.push_back(FileEntry{name, *std::move(values), line});
  }
  return entries;
}

}  // namespace

Result<SettingsFile> read_settings_file(const std::string& path) {
  auto read = read_bounded(path, kFileBytesMax);
  if (!read) return wrong(path, read.error().what);
  if (!is_utf8(read->text) || read->text.find('\0') != std::string::npos) return wrong(path, "is not UTF-8 text");
  SettingsFile file;
  file.readable_by_others = read->readable_by_others;
  try {
    auto entries = entries_of(path, YAML::Load(read->text));
    if (!entries) return fail(std::move(entries).error());
    file.entries = *std::move(entries);
  } catch (const YAML::Exception& error) {  // the library's only way to report what a person wrote
    return wrong(path, error.mark.line + 1, "is not YAML: " + printable(error.msg));
  }
  return file;
}

}  // namespace ferry::app
