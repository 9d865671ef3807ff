#include "tests/house/tree.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

namespace ferry::house {
namespace {

bool part_of_a_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Where the comment or literal that begins at `from` ends; `from` itself if none begins there.
std::size_t end_of_token(std::string_view text, std::size_t from) {
  const auto rest = text.substr(from);
  const auto after = [&](std::string_view end, std::size_t skip) {
    const auto found = rest.find(end, skip);
    return found == std::string_view::npos ? text.size() : from + found + end.size();
  };
  if (rest.starts_with("//")) return std::min(text.find('\n', from), text.size());
  if (rest.starts_with("/*")) return after("*/", 2);
  if (rest.starts_with("R\"") && (from == 0 || !part_of_a_word(text[from - 1]))) {
    const auto open = rest.find('(');
    return after(")" + std::string{rest.substr(2, open - 2)} + "\"", open);
  }
  const char quote = rest.front();
  // 1'000'000 is a number: there the quote follows a digit.
  if (quote != '"' && (quote != '\'' || (from > 0 && part_of_a_word(text[from - 1])))) return from;
  std::size_t i = 1;
  while (i < rest.size() && rest[i] != quote && rest[i] != '\n') i += rest[i] == '\\' ? 2U : 1U;
  return std::min(from + i + 1, text.size());
}

}  // namespace

bool SourceFile::is_test() const {
  const auto name = path.substr(path.rfind('/') + 1);
  return name.ends_with("_test.cpp") || name.ends_with("_test.hpp") || name.find("_contract") != std::string::npos ||
         name.starts_with("scripted_") || path.starts_with("testing/") || path.starts_with("tests/");
}

std::filesystem::path top() { return FERRY_SOURCE_DIR; }

std::string read(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

std::string without_comments_and_literals(std::string_view text) {
  std::string code{text};
  for (std::size_t i = 0; i < text.size();) {
    const auto end = end_of_token(text, i);
    for (auto k = i; k < end; ++k) {
      if (code[k] != '\n') code[k] = ' ';
    }
    i = std::max(end, i + 1);
  }
  return code;
}

std::vector<SourceFile> sources_in(const std::vector<std::string>& folders) {
  std::vector<SourceFile> files;
  for (const auto& folder : folders) {
    if (!std::filesystem::exists(top() / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{top() / folder}) {
      const auto extension = entry.path().extension();
      if (!entry.is_regular_file() || (extension != ".cpp" && extension != ".hpp")) continue;
      auto text = read(entry.path());
      auto code = without_comments_and_literals(text);
      files.push_back(
          {std::filesystem::relative(entry.path(), top()).generic_string(), std::move(text), std::move(code)});
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

std::size_t line_of(std::string_view text, std::size_t place) {
  return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, place), '\n'));
}

}  // namespace ferry::house
