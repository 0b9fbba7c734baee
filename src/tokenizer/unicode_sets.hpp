#pragma once

/// Sets of characters as the `tokenizers` package has them. Its parts use tables of different
/// versions of Unicode, so that each set is listed as it is there.
namespace axl::tokenizer::unicode {

/// What BertNormalizer's clean_text removes: control and format characters, private use, U+FFFD.
bool is_other(char32_t code);
/// What BertNormalizer's strip_accents removes after decomposition.
bool is_nonspacing_mark(char32_t code);
/// What StripAccents removes.
bool is_combining_mark(char32_t code);
/// What Punctuation and BertPreTokenizer split at.
bool is_punctuation(char32_t code);
/// \w of the pre-tokenizer Whitespace and of added tokens' single_word.
bool is_word(char32_t code);
/// A number for the script of a character, with Hiragana and Katakana counted as Han; -1 for what
/// goes with any script.
int script(char32_t code);

}  // namespace axl::tokenizer::unicode
