// Rules about words and sizes.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "tests/house/tree.hpp"

namespace ferry::house {
namespace {

constexpr std::size_t kFunctionLines = 70;  ///< a screen

struct Function {
  std::string head;
  std::size_t line;
  std::size_t lines;
};

enum class Scope {
  kOpen,
  kFunction,
  kInside
};  ///< namespace or class · function body · within a function or initializer

/// What the brace opens whose text since the last `;`, `{` or `}` is `head`.
Scope scope_of(Scope outer, const std::string& head) {
  static const std::regex kNamespaceOrType{R"(\b(namespace|extern|class|struct|union|enum)\b)"};
  static const std::regex kTemplateHead{R"(^\s*(template\s*<[^{}]*>\s*(requires[^{}]*)?)+(?=class|struct|union))"};
  if (outer != Scope::kOpen) return Scope::kInside;
  const auto bare = std::regex_replace(head, kTemplateHead, "");
  if (bare.find('(') != std::string::npos) return Scope::kFunction;
  return std::regex_search(bare, kNamespaceOrType) ? Scope::kOpen : Scope::kInside;
}

/// All functions at namespace and class scope. Needs no grammar: at those places an opening brace after a parenthesis
/// is a body.
std::vector<Function> functions_in(const std::string& code) {
  std::vector<Function> functions;
  std::vector<std::pair<Scope, std::size_t>> open;
  std::string head;
  std::size_t line = 1;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (c == '\n') ++line;
    if (c == '#' && head.find_first_not_of(" \n\t") == std::string::npos) {  // a preprocessor line is nobody's head
      while (i + 1 < code.size() && code[i + 1] != '\n') ++i;
    } else if (c == '{') {
      const auto scope = scope_of(open.empty() ? Scope::kOpen : open.back().first, head);
      open.emplace_back(scope, line);
      if (scope == Scope::kFunction) functions.push_back({head, line, 0});
      head.clear();
    } else if (c == '}' && !open.empty()) {
      if (open.back().first == Scope::kFunction) functions.back().lines = line - open.back().second + 1;
      open.pop_back();
      head.clear();
    } else if (c == ';') {
      head.clear();
    } else {
      head += c;
    }
  }
  EXPECT_TRUE(open.empty()) << "unbalanced braces: the scanner lost its way";
  return functions;
}

std::string one_line(std::string text) {
  return std::regex_replace(std::regex_replace(text, std::regex{R"(\s+)"}, " "), std::regex{"^ "}, "");
}

const std::vector<std::string> kCodeFolders{"src", "sandbox", "testing", "tests", "bench"};

TEST(House, FunctionsFitOnAScreen) {
  std::size_t seen = 0;
  for (const auto& file : sources_in(kCodeFolders)) {
    SCOPED_TRACE(file.path);
    for (const auto& function : functions_in(file.code)) {
      EXPECT_LE(function.lines, kFunctionLines) << file.path << ":" << function.line << ": " << one_line(function.head);
      ++seen;
    }
  }
  EXPECT_GT(seen, 300U) << "the functions were not found";
}

TEST(House, FunctionScannerSeesBodiesAndNothingElse) {
  const std::string code =
      "namespace a {\n"
      "struct S final : B<int> {\n"
      "  S() : x_{1}, y_(2) {\n"
      "    f();\n"
      "  }\n"
      "  int x_{0};\n"
      "};\n"
      "enum class E { kA };\n"
      "template <class T, class U>\n"
      "struct G {\n"
      "  void g() const { if (x) { y(); } }\n"
      "};\n"
      "constexpr int k[] = {1, 2};\n"
      "auto l = [](int x) {\n"
      "  return x;\n"
      "};\n"
      "}\n";
  std::vector<std::size_t> lines;
  for (const auto& function : functions_in(code)) lines.push_back(function.lines);
  EXPECT_EQ(lines, (std::vector<std::size_t>{1, 3, 1, 3})) << "x_{1}, the body of S(), g, the lambda";
}

TEST(House, EveryTestHasANameOfItsOwn) {
  static const std::regex kTest{R"(\bTEST(_F)?\(\s*(\w+)\s*,\s*(\w+)\s*\))"};
  std::map<std::string, std::string> seen;
  for (const auto& file : sources_in(kCodeFolders)) {
    for (std::sregex_iterator found{file.code.begin(), file.code.end(), kTest}, end; found != end; ++found) {
      const auto name = found->str(2) + "." + found->str(3);
      const auto [place, fresh] = seen.emplace(name, file.path);
      EXPECT_TRUE(fresh) << name << " in " << file.path << " and in " << place->second;
    }
  }
  EXPECT_GT(seen.size(), 50U) << "the tests were not found";
}

TEST(House, KitKnowsNothingOfStorage) {
  static const std::regex kStorage{R"(\b(s3|gcs|gs://|s3://|migrat\w+))", std::regex::icase};
  static const std::regex kBucket{R"((token )?\bbuckets?\b)", std::regex::icase};  // a token bucket limits a rate
  for (const auto& file : sources_in({"src/kit"})) {
    if (file.is_test()) continue;
    for (std::sregex_iterator found{file.code.begin(), file.code.end(), kStorage}, end; found != end; ++found) {
      ADD_FAILURE() << file.path << ":" << line_of(file.code, static_cast<std::size_t>(found->position())) << ": "
                    << found->str();
    }
    for (std::sregex_iterator found{file.text.begin(), file.text.end(), kBucket}, end; found != end; ++found) {
      EXPECT_TRUE((*found)[1].matched) << file.path << ":"
                                       << line_of(file.text, static_cast<std::size_t>(found->position()));
    }
  }
}

/// Everything that people read here, but for what builds leave behind.
std::vector<std::string> text_files() {
  static const std::set<std::string> kText{"",     ".cpp", ".hpp", ".md",   ".txt", ".cmake", ".json", ".yaml",
                                           ".yml", ".js",  ".mjs", ".html", ".css", ".py",    ".sh",   ".proto"};
  static const std::set<std::string> kOther{"build", ".git", "node_modules", ".cache"};
  std::vector<std::string> files;
  for (auto entry = std::filesystem::recursive_directory_iterator{top()}; entry != std::filesystem::end(entry);
       ++entry) {
    if (kOther.contains(entry->path().filename())) {
      if (entry->is_directory()) entry.disable_recursion_pending();
      continue;
    }
    if (entry->is_regular_file() && kText.contains(entry->path().extension())) {
      files.push_back(std::filesystem::relative(entry->path(), top()).generic_string());
    }
  }
  return files;
}

TEST(House, NamesNoPlaceThatOnlyItsAuthorsHave) {
  static const std::regex kPrivate{R"((^|[\s"'=(`:])/(home|Users|root|work|workspace)/[\w.-]+)"};
  static const std::regex kUnfinished{R"(\b(TODO|FIXME|XXX)\b)"};
  const auto files = text_files();
  for (const auto& path : files) {
    if (path.starts_with("tests/house/")) continue;  // holds the words themselves
    const auto text = read(top() / path);
    for (const auto& rule : {kPrivate, kUnfinished}) {
      for (std::sregex_iterator found{text.begin(), text.end(), rule}, end; found != end; ++found) {
        ADD_FAILURE() << path << ":" << line_of(text, static_cast<std::size_t>(found->position())) << ": "
                      << found->str();
      }
    }
  }
  EXPECT_GT(files.size(), 50U);
}

}  // namespace
}  // namespace ferry::house
