#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/regex.hpp"

namespace axl::tokenizer {

/// Hand-written equivalents of the split patterns that nearly every published tokenizer uses: they
/// give exactly the pieces that the pattern gives with the behaviour "Isolated", about ten times
/// faster than a compiled expression.
using Scanner = void (*)(std::string_view text, Span piece, std::vector<Span>& out);

/// GPT-2's own pattern, which ByteLevel with use_regex applies.
void scan_gpt2(std::string_view text, Span piece, std::vector<Span>& out);
/// Every digit a piece of its own: Digits with individual_digits.
void scan_digits(std::string_view text, Span piece, std::vector<Span>& out);

/// The scanner that equals `pattern`, or nullptr.
Scanner scanner_for(std::string_view pattern);
/// Whether that scanner's pattern matches every character, so that all its pieces are matches.
bool matches_everything(std::string_view pattern);

}  // namespace axl::tokenizer
