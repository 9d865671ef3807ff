#pragma once
// The source tree as the house rules see it.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ferry::house {

struct SourceFile {
  std::string path;  ///< from the top of the repository, with "/"
  std::string text;
  std::string code;  ///< `text` with comments and the insides of literals blanked out; lines stay where they are

  [[nodiscard]] bool is_test() const;  ///< a test, or what only tests include: suites, scripted counterparts
};

/// All *.cpp and *.hpp below these folders of the repository, sorted by path. Folders that are not there are left out.
[[nodiscard]] std::vector<SourceFile> sources_in(const std::vector<std::string>& folders);

[[nodiscard]] std::filesystem::path top();
[[nodiscard]] std::string read(const std::filesystem::path& file);
[[nodiscard]] std::string without_comments_and_literals(std::string_view text);
[[nodiscard]] std::size_t line_of(std::string_view text, std::size_t place);  ///< 1-based

}  // namespace ferry::house
