#include "plan/names.hpp"

#include <gtest/gtest.h>

namespace ferry {
namespace {

TEST(NameRules, RefusesWhatTheTargetCannotHold_F036) {
  for (const std::string name : {"a\nb", "a\rb", ".", "..", ".well-known/acme-challenge/x", "a\xEF\xBF\xBE",
                                 "a\xEF\xBF\xBF"
                                 "b"}) {
    EXPECT_TRUE(name_problem(ObjectKey{name})) << name;
  }
  EXPECT_TRUE(name_problem(ObjectKey{std::string(1025, 'x')}));
  EXPECT_TRUE(name_problem(ObjectKey{""}));
}

TEST(NameRules, RefusesInvalidUtf8_F041) {
  for (const std::string name : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf"}) {
    EXPECT_TRUE(name_problem(ObjectKey{name}));
  }
}

TEST(NameRules, AcceptsEveryAwkwardButLegalName_F037_F038_F039_F040) {
  for (const std::string name :
       {"a//b", "/leading", "trailing/", "a/../b", "a/./b", "...", "+", "%", "%2F", " ", "a b", "&<>\"'?#[]*\\", "\x01",
        "\x7f", "caf\xC3\xA9", "cafe\xCC\x81", "\xF0\x9F\x98\x80", "\xE2\x80\x8F", "x/.well-known/acme-challenge/y"}) {
    EXPECT_FALSE(name_problem(ObjectKey{name})) << name;
  }
  EXPECT_FALSE(name_problem(ObjectKey{std::string(1024, 'x')}));
}

}  // namespace
}  // namespace ferry
