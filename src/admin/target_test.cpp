#include "admin/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kit/base/text.hpp"

namespace ferry::admin {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string_view> kKnown{"value", "limit", "cursor"};

TEST(Target, DecodesParametersOnceAsFormsWriteThem) {
  const auto parameters = parameters_of("/x?value=a+b%2Bc%20d%2520&limit=7&&cursor=", kKnown).value();
  EXPECT_EQ(parameters.at("value"), "a b+c d%20");
  EXPECT_EQ(parameters.at("limit"), "7");
  EXPECT_EQ(parameters.at("cursor"), "");
  EXPECT_EQ(parameters_of("/x?value=a=b", kKnown).value().at("value"), "a=b");
  EXPECT_TRUE(parameters_of("/x", kKnown).value().empty());
  EXPECT_TRUE(parameters_of("/x?", kKnown).value().empty());
}

TEST(Target, RefusesParametersThatAreUnknownRepeatedOrBroken_F160) {
  for (const auto* target : {"/x?valeu=a", "/x?value=a&value=a", "/x?value=a&v%61lue=b", "/x?value=%", "/x?value=%4",
                             "/x?value=%zz", "/x?a", "/x?=a", "/x?VALUE=a"}) {
    const auto parameters = parameters_of(target, kKnown);
    ASSERT_FALSE(parameters) << target;
    EXPECT_EQ(parameters.error().kind, ErrorKind::kInvalid);
  }
}

TEST(Target, TakesEveryKeyForWhatItIs_F159) {
  for (const auto& key :
       {std::string("*"), std::string("a?[b"), std::string("a b"), std::string("%41"), std::string("a\nb"),
        std::string("//a//"), std::string("ü\xf0\x9f\x9a\xa2"), std::string("nul\0!", 5), std::string("\xff\xfe"),
        std::string("published:x"), std::string("../.."), std::string(1'024, 'k')}) {
    const auto parameters = parameters_of("/x?value=consumed:" + percent_encode(key), kKnown).value();
    const auto name = parse_entry_name(parameters.at("value"));
    ASSERT_TRUE(name) << key;
    EXPECT_EQ(name->mark, Mark::kConsumed);
    EXPECT_EQ(name->key.str(), key);
  }
}

TEST(Target, RefusesNamesThatNoEntryCanHave_F159) {
  for (const auto& text : {std::string(""), std::string("published"), std::string("published:"), std::string("*:a"),
                           std::string("Published:a"), std::string(" published:a"),
                           "published:" + std::string(1'025, 'k'), "published:" + std::string(10'240, 'k')}) {
    const auto name = parse_entry_name(text);
    ASSERT_FALSE(name) << text;
    EXPECT_LT(name.error().what.size(), 300U) << "long values are cut";
  }
}

TEST(Target, TakesLimitsInRangeAndItsOwnCursors) {
  const auto wish = parse_page_wish({{"limit", "10000"}, {"cursor", cursor_text(std::string("\0\xff/?", 4))}}).value();
  EXPECT_EQ(wish.limit, 10'000U);
  EXPECT_EQ(wish.cursor, std::string("\0\xff/?", 4));
  EXPECT_FALSE(parse_page_wish({}).value().limit);
  for (const auto* limit : {"0", "-1", "10001", "", "1e3", "99999999999999999999", " 5"}) {
    EXPECT_FALSE(parse_page_wish({{"limit", limit}})) << limit;
  }
  for (const auto* cursor : {"", "x", "abc", "../.."}) EXPECT_FALSE(parse_page_wish({{"cursor", cursor}})) << cursor;
}

}  // namespace
}  // namespace ferry::admin
