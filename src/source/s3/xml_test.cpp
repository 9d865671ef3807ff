#include "source/s3/xml.hpp"

#include <gtest/gtest.h>

namespace ferry::s3 {
namespace {

using std::string_literals::operator""s;

ErrorKind kind_of(std::string text) {
  const auto xml = Xml::parse(std::move(text));
  return xml ? ErrorKind::kCancelled : xml.error().kind;
}

TEST(S3Xml, ReadsElementsByLocalName) {
  const auto xml = Xml::parse("<?xml version='1.0'?><a:r xmlns:a='u'><a:k>x &amp; &#x41;</a:k><e/></a:r>");
  ASSERT_TRUE(xml) << xml.error().what;
  EXPECT_EQ(local_name(xml->root()), "r");
  EXPECT_EQ(child_text(xml->root(), "k"), "x & A");
  EXPECT_EQ(child_text(xml->root(), "e"), "");
  EXPECT_EQ(child_text(xml->root(), "none"), std::nullopt);
}

TEST(S3Xml, KeepsTextBytesExact) {
  const auto xml = Xml::parse("<r><k> a\r\n\tb </k><s> </s></r>");
  ASSERT_TRUE(xml) << xml.error().what;
  EXPECT_EQ(child_text(xml->root(), "k"), " a\r\n\tb ");
  EXPECT_EQ(child_text(xml->root(), "s"), " ");
}

TEST(S3Xml, RefusesEveryDoctype_F145) {
  for (const char* text : {
           "<!DOCTYPE r><r/>",
           "<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><r>&b;</r>",
           "<!DOCTYPE r SYSTEM 'http://127.0.0.1/x.dtd'><r/>",
           "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>&x;</r>",
           "<!DOCTYPE r [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]><r/>",
       }) {
    EXPECT_EQ(kind_of(text), ErrorKind::kCorrupt) << text;
  }
  EXPECT_NE(kind_of("<!doctype r><r/>"), ErrorKind::kCancelled);
}

TEST(S3Xml, RefusesDeepNestingWithoutDeepRecursion_F146) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_NE(kind_of(deep), ErrorKind::kCancelled);
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  EXPECT_EQ(kind_of(deep), ErrorKind::kCorrupt);
}

TEST(S3Xml, SurvivesAMillionAttributes_F146) {
  std::string text = "<r";
  for (int i = 0; i < 1'000'000; ++i) text += " a=''";
  EXPECT_EQ(kind_of(text + "/>"), ErrorKind::kCancelled);
}

TEST(S3Xml, RefusesWhatIsNotUtf8_F147) {
  EXPECT_EQ(kind_of("\xff\xfe<\0r\0/\0>\0"s), ErrorKind::kCorrupt);
  EXPECT_EQ(kind_of("<\0r\0/\0>\0"s), ErrorKind::kCorrupt);
  EXPECT_EQ(kind_of("<r>\0</r>"s), ErrorKind::kCorrupt);
  EXPECT_EQ(kind_of("<r>\xc0\xaf</r>"), ErrorKind::kCorrupt);
  EXPECT_EQ(kind_of("<r>\xed\xa0\x80</r>"), ErrorKind::kCorrupt);
  EXPECT_EQ(kind_of("<?xml version='1.0' encoding='ISO-8859-1'?><r>a</r>"), ErrorKind::kCorrupt);
}

TEST(S3Xml, RefusesIllegalReferences_F147) {
  for (const char* reference : {"&#0;", "&#x0;", "&#xD800;", "&#xFFFE;", "&#x110000;", "&#99999999;", "&#;", "&#x;",
                                "&#-1;", "&nbsp;", "&x;", "&;", "& "}) {
    EXPECT_EQ(kind_of("<r>" + std::string{reference} + "and much more text</r>"), ErrorKind::kCorrupt) << reference;
  }
}

TEST(S3Xml, RefusesTextThatWouldBeReadInPart) {
  EXPECT_EQ(kind_of("<r><k>a<!-- -->b</k></r>"), ErrorKind::kCorrupt);
  EXPECT_EQ(kind_of("<r><k>a<![CDATA[b]]></k></r>"), ErrorKind::kCorrupt);
  EXPECT_EQ(kind_of("<r><k>a<x/></k></r>"), ErrorKind::kCorrupt);
}

TEST(S3Xml, SaysThatABrokenOffDocumentMayBeTriedAgain_F028) {
  for (const char* text : {"", "<", "<r", "<r>", "<r><k", "<r><k>a&am", "<r><k>a&#3", "<r></k", "<r>\xc3"}) {
    EXPECT_EQ(kind_of(text), ErrorKind::kUnavailable) << text;
  }
}

}  // namespace
}  // namespace ferry::s3
