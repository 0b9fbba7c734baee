#include "core/utf8.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/placeholder.hpp"
#include "support/refusal.hpp"

namespace axl {
namespace {

using namespace std::string_literals;

/// The first line of what is refused.
std::string refusal(const std::function<void()>& body) {
  const std::string text = test::refusal(body);
  return text.substr(0, text.find('\n'));
}

TEST(Utf8, FindsTheFirstByteThatDoesNotBelong) {
  const auto npos = std::string_view::npos;
  for (const char* good :
       {"", "plain", "eight characters and more of them", "caf\xC3\xA9", "\xE2\x82\xAC",
        "\xF0\x9F\x98\x80", "\xED\x9F\xBF\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBB\xBFmarked"})
    EXPECT_EQ(first_not_utf8(good), npos) << good;
  const struct {
    std::string text;
    std::size_t at;
  } bad[] = {{"caf\xE9", 3},          {"12345678\x80", 8}, {"\xC0\xAF", 0},  // overlong
             {"a\xED\xA0\x80", 1},                                           // a surrogate
             {"\xF4\x90\x80\x80", 0},  // beyond the last character
             {"\xE2\x82", 0},         {"ab\xFF", 2},       {"\xC3(", 0}};
  for (const auto& [text, at] : bad) EXPECT_EQ(first_not_utf8(text), at) << at;
}

TEST(Utf8, GuessesTheEncoding) {
  EXPECT_EQ(likely_encoding("na\xEFve \x93quoted\x94", 2), "Windows-1252");
  EXPECT_EQ(likely_encoding("caf\xE9", 3), "Latin-1");
  EXPECT_EQ(likely_encoding("\xFF\xFEh\0i\0"s, 0), "UTF-16 (little-endian)");
  EXPECT_EQ(likely_encoding("\xFE\xFF\0h\0i"s, 0), "UTF-16 (big-endian)");
  EXPECT_EQ(likely_encoding("\xFF\xFE\0\0h\0\0\0"s, 0), "UTF-32 (little-endian)");
  EXPECT_EQ(likely_encoding("\0\0\xFE\xFF\0\0\0h"s, 0), "UTF-32 (big-endian)");
  EXPECT_EQ(likely_encoding("h\0\xE9\0l\0l\0"s, 2), "UTF-16");
  EXPECT_EQ(refusal([] { require_utf8("one\ntw\xF6\n", "f", ErrorCode::input); }),
            "f:2:3: not UTF-8: byte 0xF6 at column 3; it looks like Latin-1");
}

void refuse(const std::string& head, bool text = false) {
  refuse_placeholder(head, head.size(), "f", text, ErrorCode::input);
}

TEST(Placeholder, SaysWhatStandsInAFilesPlace) {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
  for (const bool text : {false, true}) {
    EXPECT_EQ(refusal([&] { refuse(pointer, text); }),
              "f: is a Git LFS pointer, not the file itself");
    EXPECT_EQ(refusal([&] { refuse("Entry not found", text); }),
              "f: holds a server's message, not the file itself: 'Entry not found'");
    EXPECT_NE(refusal([&] { refuse("{\"error\":\"Repository not found\"}", text); }), "");
    EXPECT_NE(refusal([&] { refuse("Invalid username or password.", text); }), "");
  }
  EXPECT_NE(refusal([] { refuse("\n <!DOCTYPE HTML><html>"); }), "");
  EXPECT_NE(refusal([] { refuse("<html><title>404 Not Found</title>", true); }), "");
}

TEST(Placeholder, LeavesOtherFilesAlone) {
  for (const char* text : {"", "{\"text\": \"version https://git-lfs.github.com/spec/v1\"}",
                           "the version https://git-lfs.github.com/spec/v1 is old", "GGUF", "<htm",
                           "Entry points are many", "{\"errors\": 1}"})
    EXPECT_NO_THROW(refuse(text)) << text;
  EXPECT_NO_THROW(refuse("<html><title>Recipes</title><p>Error of my ways", true));
}

}  // namespace
}  // namespace axl
