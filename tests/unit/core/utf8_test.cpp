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

TEST(Utf8, WhatATerminalWouldObeyIsSpelledOut) {
  EXPECT_EQ(printable("caf\xC3\xA9\n\tx"), "caf\xC3\xA9\n\tx");
  EXPECT_EQ(printable("a\x1B[31m\xFFz\x7F"), "a\\x1b[31m\\xffz\\x7f");
  EXPECT_EQ(printable("\xC3"), "\\xc3");
  EXPECT_EQ(std::string(Error(ErrorCode::input, "tensor 'a\xFF\x1B'").what()),
            "tensor 'a\\xff\\x1b'");
}

TEST(Utf8, GuessesTheEncoding) {
  EXPECT_EQ(likely_encoding("na\xEFve \x93quoted\x94", 2), "Windows-1252");
  EXPECT_EQ(likely_encoding("caf\xE9", 3), "Latin-1");
  EXPECT_EQ(likely_encoding("\xFF\xFEh\0i\0"s, 0), "UTF-16 (little-endian)");
  EXPECT_EQ(likely_encoding("\xFE\xFF\0h\0i"s, 0), "UTF-16 (big-endian)");
  EXPECT_EQ(likely_encoding("\xFF\xFE\0\0h\0\0\0"s, 0), "UTF-32 (little-endian)");
  EXPECT_EQ(likely_encoding("\0\0\xFE\xFF\0\0\0h"s, 0), "UTF-32 (big-endian)");
  EXPECT_EQ(likely_encoding("h\0\xE9\0l\0l\0"s, 2), "UTF-16 (little-endian)");
  EXPECT_EQ(refusal([] { require_utf8("one\ntw\xF6\n", "f", ErrorCode::input); }),
            "f:2:3: not UTF-8: byte 0xF6 at column 3; it looks like Latin-1");
}

/// Latin letters in two or four bytes are UTF-8 with zero bytes between them.
TEST(Utf8, KnowsWideTextWithoutAMark) {
  EXPECT_EQ(wide_encoding("p\0l\0a\0i\0n\0\n\0"s), "UTF-16 (little-endian)");
  EXPECT_EQ(wide_encoding("\0p\0l\0a\0i\0n\0\n"s), "UTF-16 (big-endian)");
  EXPECT_EQ(wide_encoding("a\0b\0"s), "UTF-16 (little-endian)");
  EXPECT_EQ(wide_encoding("p\0\0\0l\0\0\0a\0\0\0"s), "UTF-32 (little-endian)");
  EXPECT_EQ(wide_encoding("\0\0\0p\0\0\0l\0\0\0a"s), "UTF-32 (big-endian)");
  // Cyrillic letters and blanks: every other character has no zero byte.
  EXPECT_EQ(wide_encoding("\x3F\x04 \0\x40\x04 \0\x38\x04 \0\x32\x04 \0"s),
            "UTF-16 (little-endian)");
  for (const std::string& other : {""s, "a\0bc"s, "words with one \0 zero byte in them"s,
                                   "a\0b\0 and then ordinary words"s, std::string(64, '\0')})
    EXPECT_EQ(wide_encoding(other), "") << other;
  EXPECT_EQ(refusal([] { require_utf8("p\0l\0a\0i\0n\0\n\0"s, "f", ErrorCode::input); }),
            "f: is not UTF-8: it looks like UTF-16 (little-endian), to judge by its zero bytes");
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
  // What else servers and hubs say.
  for (const char* message :
       {"{ \"error\": \"Invalid username or password.\" }", "Not Found", "404: Not Found\n",
        "Forbidden", "Access to model a/b is restricted. You must be logged in.",
        "{\"message\": \"Not Found\", \"documentation_url\": \"https://docs\", \"status\": "
        "\"404\"}",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>",
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code></Error>",
        "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>Denied</Code></Error>"})
    for (const bool text : {false, true})
      EXPECT_NE(refusal([&] { refuse(message, text); }), "") << message;
  // Pointers with other line ends, in a row, of extensions and of the first version.
  for (const std::string& other :
       {std::string("version https://git-lfs.github.com/spec/v1\r\noid sha256:4d\r\nsize 1\r\n"),
        pointer + pointer + pointer + pointer + pointer + pointer + pointer + pointer + pointer +
            pointer + pointer + pointer + pointer + pointer + pointer,
        "version https://git-lfs.github.com/spec/v1\next-0-x sha256:1\noid sha256:2\nsize 3\n"s,
        "version https://hawser.github.com/spec/v1\noid sha256:2\nsize 3\n"s})
    EXPECT_EQ(refusal([&] { refuse(other, true); }),
              "f: is a Git LFS pointer, not the file itself");
  EXPECT_NE(refusal([] { refuse("<!-- x -->\n<html><title>Error</title>", true); }), "");
  EXPECT_NE(refusal([] { refuse("<head><title>Just a moment...</title>", true); }), "");
  EXPECT_NE(refusal([] { refuse("\n <!DOCTYPE HTML><html>"); }), "");
  EXPECT_NE(refusal([] { refuse("<html><title>404 Not Found</title>", true); }), "");
}

TEST(Placeholder, LeavesOtherFilesAlone) {
  for (const char* text : {"", "{\"text\": \"version https://git-lfs.github.com/spec/v1\"}",
                           "the version https://git-lfs.github.com/spec/v1 is old", "GGUF", "<htm",
                           "Entry points are many", "{\"errors\": 1}",
                           "{\"error\": \"404 not found\", \"fix\": \"mend the address\"}",
                           "{\"message\": \"access denied\", \"label\": 1}",
                           "{\"message\": \"not found\"}\n{\"message\": \"found\"}",
                           "Not found in the book are these words.", "<?xml version='1.0'?><book/>",
                           "Access to model cars\nis what children want"})
    for (const bool plain : {false, true}) EXPECT_NO_THROW(refuse(text, plain)) << text;
  EXPECT_NO_THROW(
      refuse("version https://git-lfs.github.com/spec/v1\nis the first line of a pointer", true));
  EXPECT_NO_THROW(refuse("<html><title>Recipes</title><p>Error of my ways", true));
}

}  // namespace
}  // namespace axl
