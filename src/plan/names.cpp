#include "plan/names.hpp"

#include "kit/base/text.hpp"

namespace ferry {

std::optional<std::string> name_problem(const ObjectKey& target_key) {
  const std::string& name = target_key.str();
  if (name.empty()) return "an object name can't be empty";
  if (name.size() > 1024) return "the name has " + std::to_string(name.size()) + " bytes, the limit is 1024";
  if (name == "." || name == "..") return "\".\" and \"..\" are not allowed as object names";
  if (name.find_first_of("\r\n") != std::string::npos) return "a carriage return or line feed is not allowed";
  if (name.starts_with(".well-known/acme-challenge/")) return "names under .well-known/acme-challenge/ are reserved";
  if (!is_utf8(name)) return "the name is not valid UTF-8";
  if (name.find("\xEF\xBF\xBE") != std::string::npos || name.find("\xEF\xBF\xBF") != std::string::npos) {
    return "the characters U+FFFE and U+FFFF are not allowed";
  }
  return std::nullopt;
}

}  // namespace ferry
