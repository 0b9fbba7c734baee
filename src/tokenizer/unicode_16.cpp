#include "tokenizer/unicode_16.hpp"

#include <algorithm>
#include <array>

#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::unicode {
namespace {

constexpr std::uint8_t kUpperLetter = kLetter | kUpperRun;
constexpr std::uint8_t kLowerLetter = kLetter | kLowerRun;
constexpr std::uint8_t kOtherLetter = kLetter | kUpperRun | kLowerRun;
constexpr std::uint8_t kAnyMark = kMark | kUpperRun | kLowerRun;

struct Range {
  char32_t first;
  char32_t last;
  std::uint8_t bits;
};

/// Found by comparing the classes of all code points with those of the tokenizers package.
constexpr auto kRanges =
    std::to_array<Range>({{0x897, 0x897, kAnyMark},         {0x1B4E, 0x1B4F, kPunctuation},
                          {0x1B7F, 0x1B7F, kPunctuation},   {0x1C89, 0x1C89, kUpperLetter},
                          {0x1C8A, 0x1C8A, kLowerLetter},   {0x2427, 0x2429, kSymbol},
                          {0x2FFC, 0x2FFF, kSymbol},        {0x31E4, 0x31E5, kSymbol},
                          {0x31EF, 0x31EF, kSymbol},        {0xA7CB, 0xA7CC, kUpperLetter},
                          {0xA7CD, 0xA7CD, kLowerLetter},   {0xA7DA, 0xA7DA, kUpperLetter},
                          {0xA7DB, 0xA7DB, kLowerLetter},   {0xA7DC, 0xA7DC, kUpperLetter},
                          {0x105C0, 0x105F3, kOtherLetter}, {0x10D40, 0x10D49, kNumber},
                          {0x10D4A, 0x10D4D, kOtherLetter}, {0x10D4E, 0x10D4E, kOtherLetter},
                          {0x10D4F, 0x10D4F, kOtherLetter}, {0x10D50, 0x10D65, kUpperLetter},
                          {0x10D69, 0x10D6D, kAnyMark},     {0x10D6E, 0x10D6E, kPunctuation},
                          {0x10D6F, 0x10D6F, kOtherLetter}, {0x10D70, 0x10D85, kLowerLetter},
                          {0x10D8E, 0x10D8F, kSymbol},      {0x10EC2, 0x10EC4, kOtherLetter},
                          {0x10EFC, 0x10EFC, kAnyMark},     {0x11380, 0x11389, kOtherLetter},
                          {0x1138B, 0x1138B, kOtherLetter}, {0x1138E, 0x1138E, kOtherLetter},
                          {0x11390, 0x113B5, kOtherLetter}, {0x113B7, 0x113B7, kOtherLetter},
                          {0x113B8, 0x113C0, kAnyMark},     {0x113C2, 0x113C2, kAnyMark},
                          {0x113C5, 0x113C5, kAnyMark},     {0x113C7, 0x113CA, kAnyMark},
                          {0x113CC, 0x113D0, kAnyMark},     {0x113D1, 0x113D1, kOtherLetter},
                          {0x113D2, 0x113D2, kAnyMark},     {0x113D3, 0x113D3, kOtherLetter},
                          {0x113D4, 0x113D5, kPunctuation}, {0x113D7, 0x113D8, kPunctuation},
                          {0x113E1, 0x113E2, kAnyMark},     {0x116D0, 0x116E3, kNumber},
                          {0x11BC0, 0x11BE0, kOtherLetter}, {0x11BE1, 0x11BE1, kPunctuation},
                          {0x11BF0, 0x11BF9, kNumber},      {0x11F5A, 0x11F5A, kAnyMark},
                          {0x13460, 0x143FA, kOtherLetter}, {0x16100, 0x1611D, kOtherLetter},
                          {0x1611E, 0x1612F, kAnyMark},     {0x16130, 0x16139, kNumber},
                          {0x16D40, 0x16D42, kOtherLetter}, {0x16D43, 0x16D6A, kOtherLetter},
                          {0x16D6B, 0x16D6C, kOtherLetter}, {0x16D6D, 0x16D6F, kPunctuation},
                          {0x16D70, 0x16D79, kNumber},      {0x18CFF, 0x18CFF, kOtherLetter},
                          {0x1CC00, 0x1CCEF, kSymbol},      {0x1CCF0, 0x1CCF9, kNumber},
                          {0x1CD00, 0x1CEB3, kSymbol},      {0x1E5D0, 0x1E5ED, kOtherLetter},
                          {0x1E5EE, 0x1E5EF, kAnyMark},     {0x1E5F0, 0x1E5F0, kOtherLetter},
                          {0x1E5F1, 0x1E5FA, kNumber},      {0x1E5FF, 0x1E5FF, kPunctuation},
                          {0x1F8B2, 0x1F8BB, kSymbol},      {0x1F8C0, 0x1F8C1, kSymbol},
                          {0x1FA89, 0x1FA89, kSymbol},      {0x1FA8F, 0x1FA8F, kSymbol},
                          {0x1FABE, 0x1FABE, kSymbol},      {0x1FAC6, 0x1FAC6, kSymbol},
                          {0x1FADC, 0x1FADC, kSymbol},      {0x1FADF, 0x1FADF, kSymbol},
                          {0x1FAE9, 0x1FAE9, kSymbol},      {0x1FBCB, 0x1FBEF, kSymbol},
                          {0x2EBF0, 0x2EE5D, kOtherLetter}});

}  // namespace

std::uint8_t classes_since_unicode_15(char32_t code) {
  const auto* r = std::lower_bound(kRanges.begin(), kRanges.end(), code,
                                   [](const Range& range, char32_t c) { return range.last < c; });
  return r != kRanges.end() && r->first <= code ? r->bits : std::uint8_t{0};
}

}  // namespace axl::tokenizer::unicode
