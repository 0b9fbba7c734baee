// The hand-written scanners against the compiled patterns they stand for, on random text.
#include <gtest/gtest.h>

#include <random>

#include "core/error.hpp"
#include "tokenizer/split_behavior.hpp"
#include "tokenizer/split_patterns.hpp"
#include "tokenizer/split_scanner.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer {
namespace {

std::string random_text(std::mt19937& random) {
  static const std::vector<std::string> kParts{
      "a",          "Z",      "é",      "ß",      "日",     "가",     "ſ",
      "0",          "9",      "½",      "٣",      "'",      "'s",     "'LL",
      "'ſ",         "'Ve",    " ",      "  ",     "\t",     "\n",     "\r\n",
      "\r",         "\u00a0", "\u2003", "\u2028", "\u0085", "\u180e", "\u200b",
      ".",          "!?",     "_",      "/",      "bc",     "ABC",    "abcdefghijklmnopqrst",
      "12345678",   "ʰ",      "ǅ",      "🙂",   "\u0301", "€",      "\x01",
      "\U0001D7D9", "\uFFFF"};
  std::uniform_int_distribution<std::size_t> length(0, 40), part(0, kParts.size() - 1);
  // Old scripts: PCRE2 knows Unicode 14 only.
  std::uniform_int_distribution<char32_t> any(1, 0x860);
  std::string out;
  for (std::size_t n = length(random); n > 0; --n) {
    if (n % 7 == 0) {
      unicode::append(any(random), out);
    } else {
      out += kParts[part(random)];
    }
  }
  return out;
}

void compare(const std::string& pattern) {
  const Scanner scan = scanner_for(pattern);
  ASSERT_NE(scan, nullptr);
  const Regex regex(pattern);
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random_text(random);
    const auto size = static_cast<std::uint32_t>(text.size());
    const Span all{0, size};
    std::vector<Span> ours, matches, theirs;
    scan(text, all, ours);
    regex.find_all(text, all, matches);
    split_at(all, matches, SplitBehavior::isolated, false, theirs);
    ASSERT_EQ(ours, theirs) << "text '" << text << "'";
    std::uint32_t at = 0;
    for (const Span& s : ours) {
      ASSERT_EQ(s.begin, at);
      ASSERT_LT(s.begin, s.end);
      at = s.end;
    }
    ASSERT_EQ(at, size);
  }
}

TEST(Scanner, Gpt2EqualsItsPattern) { compare(split_patterns::gpt2()); }
TEST(Scanner, Llama3EqualsItsPattern) { compare(split_patterns::cl100k(3)); }
TEST(Scanner, QwenEqualsItsPattern) { compare(split_patterns::cl100k(1)); }
TEST(Scanner, Gpt4oEqualsItsPattern) { compare(split_patterns::o200k()); }
TEST(Scanner, TekkenEqualsItsPattern) { compare(split_patterns::tekken()); }

TEST(Scanner, DeepseekEqualsItsPatterns) {
  compare(split_patterns::deepseek_numbers());
  compare(split_patterns::deepseek_han_and_kana());
  compare(split_patterns::deepseek_words());
}

TEST(Scanner, DigitsEqualTheirPattern) {
  const Regex number("\\p{N}");
  std::mt19937 random(7);
  for (int i = 0; i < 5000; ++i) {
    const std::string text = random_text(random);
    const Span all{0, static_cast<std::uint32_t>(text.size())};
    std::vector<Span> ours, digits, theirs;
    scan_digits(text, all, ours);
    number.find_all(text, all, digits);
    split_at(all, digits, SplitBehavior::isolated, false, theirs);
    ASSERT_EQ(ours, theirs) << "text '" << text << "'";
  }
}

TEST(Scanner, OtherPatternsHaveNone) { EXPECT_EQ(scanner_for(R"(\w+)"), nullptr); }

TEST(Scanner, PieceHidesItsSurroundings) {
  std::vector<Span> out;
  scan_gpt2("a  b", {1, 3}, out);  // the two spaces end their piece, so both belong together
  EXPECT_EQ(out, (std::vector<Span>{{1, 3}}));
}

TEST(Regex, FollowsOniguruma) {
  const auto matches = [](const char* pattern, std::string_view text) {
    std::vector<Span> out;
    Regex(pattern).find_all(text, {0, static_cast<std::uint32_t>(text.size())}, out);
    return out.size();
  };
  EXPECT_EQ(matches(R"(\s)", "a\u180eb"), 0U);
  EXPECT_EQ(matches(R"([\s])", "a\u0085b"), 1U);
  EXPECT_EQ(matches(R"(\w+)", "e\u0301_a\u203fb"), 1U);
  // Subscripts are no word, circled letters are; below U+0100 superscripts are one.
  EXPECT_EQ(matches(R"(\w+)", "CO\u2082 m\u00b2 \u24b6"), 3U);
  EXPECT_EQ(matches(R"(\W+)", "a\u2082b"), 1U);
  EXPECT_EQ(matches(R"([^]a])", "]ab"), 1U);
  // Characters that are younger than PCRE2's tables: a letter and a digit of Unicode 15 and 16.
  EXPECT_EQ(matches(R"(\p{L}+)", "a\U000322c1b"), 1U);
  EXPECT_EQ(matches(R"([^\s\p{L}]+)", "a\U000322c1b"), 0U);
  EXPECT_EQ(matches(R"(\P{L}+|\p{^N})", "a\U000322c1"), 2U);
  EXPECT_EQ(matches(R"(\d)", "\U00010d40"), 1U);
  EXPECT_EQ(matches("^a", "a\na"), 2U);
  EXPECT_EQ(matches("x*", "axa"), 3U);  // not the empty one behind the x
  EXPECT_EQ(Regex("a+").replace_all("baab", "$1"), "b$1b");
  EXPECT_THROW(Regex("("), Error);
  EXPECT_THROW(Regex(std::string(100000, 'a')), Error);
}

TEST(Regex, RunawayMatchIsStopped) {
  const std::string text(60, 'a');
  std::vector<Span> out;
  EXPECT_THROW(Regex("(a|aa)+[bc]").find_all(text, {0, 60}, out), Error);
}

TEST(Split, UnknownBehaviorIsRefused) { EXPECT_THROW(parse_split_behavior("Odd"), Error); }

}  // namespace
}  // namespace axl::tokenizer
