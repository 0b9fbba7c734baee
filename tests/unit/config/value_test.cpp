#include "config/value.hpp"

#include <gtest/gtest.h>

#include "config/node.hpp"
#include "core/error.hpp"

namespace axl::config {
namespace {

Node value(const std::string& yaml) {
  return parse_yaml("k: " + yaml + "\n", "v.yaml").entries[0].value;
}

TEST(Value, IntegersAsPydanticReadsThem) {
  for (const char* text : {"4096", "\"4096\"", "'4096'", "4_096", "0x1000", "4096.0", "+4096"})
    EXPECT_EQ(as_integer(value(text)), 4096) << text;
  EXPECT_EQ(as_integer(value("-7")), -7);
  EXPECT_EQ(as_integer(value("2.0e+3")), 2000);
  for (const char* text : {"4096.5", "eight", "0x", "1:30", "1e400", "9223372036854775808", "--1",
                           "0x-5", "[1]", "{a: 1}", "yes", "042", "1_", "2e3", "'2e3'"})
    EXPECT_EQ(as_integer(value(text)), std::nullopt) << text;
}

TEST(Value, NumbersIncludeExponentsWithoutADot) {
  EXPECT_DOUBLE_EQ(as_number(value("2e-5")).value(), 2e-5);
  EXPECT_DOUBLE_EQ(as_number(value("\"1e-4\"")).value(), 1e-4);
  EXPECT_DOUBLE_EQ(as_number(value(".5")).value(), 0.5);
  EXPECT_DOUBLE_EQ(as_number(value("1.0E+2")).value(), 100.0);
  EXPECT_DOUBLE_EQ(as_number(value("0x10")).value(), 16.0);
  for (const char* text : {".inf", "nan", ".nan", "inf", "1e999", "1,5", "true", "0.1x", "017"})
    EXPECT_EQ(as_number(value(text)), std::nullopt) << text;
}

TEST(Value, BooleansOfYaml11) {
  for (const char* text :
       {"yes", "Yes", "YES", "on", "On", "true", "TRUE", "\"true\"", "1", "'yes'"})
    EXPECT_EQ(as_bool(value(text)), true) << text;
  for (const char* text : {"no", "No", "off", "OFF", "false", "False", "\"0\"", "0"})
    EXPECT_EQ(as_bool(value(text)), false) << text;
  for (const char* text : {"maybe", "2", "flase", "[true]"})
    EXPECT_EQ(as_bool(value(text)), std::nullopt) << text;
}

TEST(Value, TextIsWhatPyYamlGivesAStringFor) {
  for (const char* text : {"no", "2024", "017", "0x1F", "1_000", "1:30", "1.5", ".5", "1.0e+5",
                           ".inf", ".nan", "-3", "2024-01-31", "2024-01-31 10:00:00"}) {
    EXPECT_EQ(as_text(value(text)), std::nullopt) << text;
    EXPECT_EQ(as_text(value("'" + std::string(text) + "'")), text);
    EXPECT_NE(quoting_hint(value(text)), "") << text;
  }
  for (const char* text :
       {"2e-5", "1e3", "0o17", "1.2.3", "2024-1", "+", ".", "y", "08", "1__a", "v1"})
    EXPECT_EQ(as_text(value(text)), text);
}

TEST(Value, ABareBooleanIsNoNumber) { EXPECT_EQ(as_integer(value("on")), std::nullopt); }

TEST(Value, NullInItsFiveSpellings) {
  for (const char* text : {"", "~", "null", "Null", "NULL"})
    EXPECT_TRUE(value(text).is_null()) << text;
  EXPECT_FALSE(value("\"\"").is_null());
  EXPECT_FALSE(value("\"null\"").is_null());
}

TEST(Value, FoundNamesWhatStandsThere) {
  EXPECT_EQ(found(value("eight")), "'eight'");
  EXPECT_EQ(found(value("yes")), "the boolean yes");
  EXPECT_EQ(found(value("[1, 2]")), "a list of 2");
  EXPECT_EQ(found(value("{a: 1}")), "a map");
  EXPECT_EQ(found(value("~")), "nothing");
  const std::string shown = found(value("\"" + std::string(59, 'a') + "\xC3\xA9" + "b\""));
  EXPECT_EQ(shown, "'" + std::string(59, 'a') + "...' (62 bytes)") << "a letter is not cut in two";
}

TEST(Value, ToJsonKeepsTypes) {
  EXPECT_EQ(to_json(value("{a: yes, b: [1, 2.5, x], c: ~, d: \"3\"}")),
            R"({"a":true,"b":[1,2.5,"x"],"c":null,"d":"3"})");
  EXPECT_EQ(to_json(value("[017, 0x1F, 0b101, 1_000, 1:30, -1:30, 1:30.5, 2e-5, 1.0e-5, .5, 08]")),
            R"([15,31,5,1000,90,-90,90.5,"2e-5",1e-05,0.5,"08"])");
}

TEST(Yaml, PlacesAreThoseOfTheValue) {
  const Node root = parse_yaml("a: 1\nb:\n  - path: x\n    n:   7\n", "p.yaml");
  const Node& entry = root.find("b")->value.items[0];
  EXPECT_EQ(entry.find("n")->line, 4);
  EXPECT_EQ(entry.find("n")->column, 5);
  EXPECT_EQ(entry.find("n")->value.line, 4);
  EXPECT_EQ(entry.find("n")->value.column, 10);
}

TEST(Yaml, BlockTextAndComments) {
  const Node root = parse_yaml("t: |\n  one\n  two\n# c\nu: 'a # b'  # c\n", "p.yaml");
  EXPECT_EQ(root.find("t")->value.text, "one\ntwo\n");
  EXPECT_EQ(root.find("u")->value.text, "a # b");
}

TEST(Yaml, MergeKeysAreWeakerThanOwnKeys) {
  const Node root = parse_yaml("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", "p.yaml");
  const Node& use = root.find("use")->value;
  EXPECT_EQ(use.find("x")->value.text, "1");
  EXPECT_EQ(use.find("y")->value.text, "3");
}

TEST(Yaml, DuplicateKeyIsAnErrorAtTheSecond) {
  try {
    parse_yaml("seed: 1\nlora_r: 8\nseed: 2\n", "d.yaml");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.where().line, 3);
    EXPECT_EQ(e.where().column, 1);
    EXPECT_EQ(e.where().key, "seed");
    EXPECT_EQ(e.message(), "given twice, first in line 1");
  }
}

}  // namespace
}  // namespace axl::config
