#include "tokenizer/unicode.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/models/vocab.hpp"
#include "tokenizer/unicode_sets.hpp"

namespace axl::tokenizer {
namespace {

TEST(Unicode, RoundTripsEveryCharacter) {
  for (char32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 17) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    unicode::append(c, text);
    const unicode::Decoded d = unicode::decode(text.data(), text.data() + text.size());
    ASSERT_EQ(d.code, c);
    ASSERT_EQ(d.bytes, text.size());
  }
}

TEST(Unicode, BrokenBytesBecomeReplacements) {
  EXPECT_EQ(unicode::lossy("a\xFF"
                           "b"),
            "a\uFFFDb");
  EXPECT_EQ(unicode::lossy("\xE2\x82"), "\uFFFD");
  EXPECT_EQ(unicode::lossy("\xE2\x82"
                           "x"),
            "\uFFFDx");
  EXPECT_EQ(unicode::lossy("\xC0\x80"), "\uFFFD\uFFFD");
  EXPECT_EQ(unicode::lossy("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(unicode::lossy("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(unicode::lossy("é🙂"), "é🙂");
}

TEST(Unicode, ClassesFollowTheStandard) {
  EXPECT_TRUE(unicode::classes(U'é') & unicode::kLetter);
  EXPECT_TRUE(unicode::classes(U'½') & unicode::kNumber);
  EXPECT_TRUE(unicode::is_space(0x85));
  EXPECT_TRUE(unicode::is_space(0x3000));
  EXPECT_FALSE(unicode::is_space(0x180E));
  EXPECT_FALSE(unicode::is_space(0x200B));
  EXPECT_EQ(unicode::classes(0x110000), 0);
  // Characters of Unicode 15.1 and 16, which the tokenizers package knows.
  EXPECT_TRUE(unicode::classes(0x2EBF0) & unicode::kLetter);
  EXPECT_TRUE(unicode::classes(0x10D40) & unicode::kNumber);
  EXPECT_TRUE(unicode::classes(0x897) & unicode::kMark);
  EXPECT_TRUE(unicode::is_word(0x301));
  EXPECT_TRUE(unicode::is_word('_'));
  EXPECT_FALSE(unicode::is_word('-'));
}

TEST(Unicode, NormalForms) {
  using unicode::Form;
  EXPECT_EQ(unicode::normalize("e\u0301", Form::nfc), "é");
  EXPECT_EQ(unicode::normalize("é", Form::nfd), "e\u0301");
  EXPECT_EQ(unicode::normalize("ﬁ½", Form::nfkc), "fi1\u20442");
  EXPECT_EQ(unicode::normalize("한", Form::nfkd), "\u1112\u1161\u11ab");
  EXPECT_EQ(unicode::normalize("ascii", Form::nfkc), "ascii");
  // What does not change is copied; the character before what does may take part.
  EXPECT_EQ(unicode::normalize("don’t — e\u0301x 日a\u0323\u0307", Form::nfc),
            "don’t — éx 日ạ\u0307");
  EXPECT_EQ(unicode::normalize("\u0301a’ \u1112\u1161\u11abz", Form::nfc), "\u0301a’ 한z");
  EXPECT_EQ(unicode::normalize("가\u11a8 q\u0307\u0323", Form::nfc), "각 q\u0323\u0307");
  // U+11A7 is no trailing consonant.
  EXPECT_EQ(unicode::normalize("\u1100\u1172\u11a7\u11a8", Form::nfc), "규\u11a7\u11a8");
  EXPECT_EQ(unicode::normalize("가\u11a7", Form::nfkc), "가\u11a7");
  // Came after Unicode 9, which the tokenizers package normalises by.
  EXPECT_EQ(unicode::normalize("\u32FFe\u0301", Form::nfkc), "\u32FFé");
}

TEST(Unicode, Case) {
  EXPECT_EQ(unicode::lower("İÀΣ"), "i\u0307àσ");
  EXPECT_EQ(unicode::upper("ßé"), "SSÉ");
}

TEST(ByteLevel, IsReversible) {
  std::string all;
  for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
  std::string back;
  byte_level::decode_token(byte_level::encode(all), back);
  EXPECT_EQ(back, all);
  EXPECT_EQ(byte_level::encode(" a\n"), "ĠaĊ");
  std::string kept;
  byte_level::decode_token("Ġ<｜x｜>", kept);
  EXPECT_EQ(kept, "Ġ<｜x｜>");
}

TEST(Vocab, FindsRenumbersAndRefuses) {
  Vocab v;
  EXPECT_EQ(v.find("a"), -1);
  for (int i = 0; i < 1000; ++i) v.insert("t" + std::to_string(i), i);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(v.find("t" + std::to_string(i)), i);
  v.insert("t5", 2000);
  EXPECT_EQ(v.find("t5"), 2000);
  EXPECT_FALSE(v.contains_id(5));
  EXPECT_EQ(v.size(), 1000U);
  EXPECT_EQ(v.text(2000), "t5");
  EXPECT_EQ(v.text(-1), "");
  EXPECT_THROW(v.insert("x", 7), Error);
  EXPECT_THROW(v.insert("x", -1), Error);
  EXPECT_THROW(v.insert("x", std::int64_t{1} << 40), Error);
}

}  // namespace
}  // namespace axl::tokenizer
