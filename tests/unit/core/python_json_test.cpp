// What Python's json module makes of each text was tried with Python 3.11.
#include "core/python_json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace axl {
namespace {

std::string read(std::string_view text) {
  const PythonJson out = parse_python_json(text);
  return out.error.empty() ? json_text(out.value) : "error: " + out.error;
}

TEST(PythonJson, ReadsWhatJsonHas) {
  for (const char* text :
       {"null", "true", "false", "0", "-1", "1.5", "\"a\"", "[]", "{}", "[1,[2,{}],\"x\"]",
        "{\"b\":1,\"a\":{\"c\":[null]}}", "9223372036854775807", "-9223372036854775808",
        "18446744073709551615", "\"\xC3\xA9\xF0\x9F\x98\x80\""})
    EXPECT_EQ(read(text), text);
  EXPECT_EQ(read(" [ 1 ,\n2\t,\r3 ] "), "[1,2,3]");
  EXPECT_EQ(read("\"\\u00e9\\ud83d\\ude00\\n\\/\""), "\"\xC3\xA9\xF0\x9F\x98\x80\\n/\"");
  EXPECT_EQ(read("-0"), "0");
  EXPECT_EQ(read("1e2"), "100.0");
}

TEST(PythonJson, KeepsTheDigitsOfIntegers) {
  for (const char* text : {"18446744073709551616", "-9223372036854775809",
                           "{\"wei\":1000000000000000000001,\"l\":[-123456789012345678901234]}"})
    EXPECT_EQ(read(text), text);
  EXPECT_EQ(json_text(parse_python_json("{\"a\":[18446744073709551616,1]}").value, 1),
            "{\n \"a\": [\n  18446744073709551616,\n  1\n ]\n}");
  EXPECT_TRUE(parse_python_json(std::string(4300, '9')).error.empty());
  EXPECT_NE(read(std::string(4301, '9')).find("more than 4300 digits"), std::string::npos);
}

TEST(PythonJson, ReadsNanAndInfinity) {
  const auto value = parse_python_json("[NaN, Infinity, -Infinity]").value;
  EXPECT_TRUE(std::isnan(value[0].get<double>()));
  EXPECT_EQ(value[1].get<double>(), INFINITY);
  EXPECT_EQ(value[2].get<double>(), -INFINITY);
}

TEST(PythonJson, TheLastOfEqualKeysCounts) {
  PythonJson out = parse_python_json(R"({"a": 1, "b": 2, "a": {"c": 3, "c": null}})");
  EXPECT_EQ(json_text(out.value), R"({"a":{"c":null},"b":2})");
  EXPECT_TRUE(out.duplicate_keys);
  EXPECT_FALSE(parse_python_json(R"({"a": {"a": 1}, "b": {"a": 2}})").duplicate_keys);
}

TEST(PythonJson, RefusesWithAPlace) {
  EXPECT_EQ(read("{\"a\": }"), "error: a value is missing at byte 7");
  for (const char* text : {"",          "{",           "[1",           "[1,]",   "{\"a\":1,}",
                           "{a:1}",     "{'a':1}",     "{\"a\" 1}",    "01",     "-",
                           "1.",        ".5",          "+1",           "1e",     "nan",
                           "inf",       "-NaN",        "tru",          "\"a",    "\"\\x\"",
                           "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"",  "\"\t\"", "[1] 2",
                           "1e999",     "-1e999",      "\"\\ud83dx\"", "[1 2]",  "]",
                           "\\"})
    EXPECT_EQ(read(text).substr(0, 7), "error: ") << text;
  EXPECT_NE(read(std::string(2000, '[')).find("nested deeper"), std::string::npos);
}

}  // namespace
}  // namespace axl
