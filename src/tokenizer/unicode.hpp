#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

/// UTF-8 and the character classes that split patterns speak of (Unicode 15, by utf8proc).
namespace axl::tokenizer::unicode {

struct Decoded {
  char32_t code;
  std::uint32_t bytes;  ///< 1..4
};

/// The character at `p` of valid UTF-8; `p < end`. Broken bytes decode as U+FFFD, one byte long.
inline Decoded decode(const char* p, const char* end) {
  const auto* u = reinterpret_cast<const unsigned char*>(p);
  const auto left = end - p;
  const auto tail = [&](int i) { return static_cast<char32_t>(u[i] & 0x3F); };
  const auto continues = [&](int i) { return (u[i] & 0xC0) == 0x80; };
  const char32_t c = u[0];
  if (c < 0x80) return {c, 1};
  if (c >= 0xC2 && c < 0xE0 && left >= 2 && continues(1)) return {(c & 0x1F) << 6 | tail(1), 2};
  if (c >= 0xE0 && c < 0xF0 && left >= 3 && continues(1) && continues(2))
    return {(c & 0x0F) << 12 | tail(1) << 6 | tail(2), 3};
  if (c >= 0xF0 && c < 0xF5 && left >= 4 && continues(1) && continues(2) && continues(3))
    return {(c & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4};
  return {0xFFFD, 1};
}
void append(char32_t code, std::string& out);
std::size_t count(std::string_view text);  ///< characters of valid UTF-8
std::u32string to_utf32(std::string_view text);

bool is_valid(std::string_view text);
bool is_ascii(std::string_view text);
/// Every maximal broken sequence becomes one U+FFFD, as Rust's from_utf8_lossy and Python's
/// errors="replace" do.
std::string lossy(std::string_view text);

/// Class bits of a character. kUpperRun and kLowerRun are the two halves of the patterns that split
/// camelCase: {Lu, Lt, Lm, Lo, M} and {Ll, Lm, Lo, M}.
enum Class : std::uint8_t {
  kLetter = 1,
  kNumber = 2,
  kSpace = 4,  ///< White_Space
  kMark = 8,
  kPunctuation = 16,
  kSymbol = 32,
  kUpperRun = 64,
  kLowerRun = 128
};
namespace detail {
/// A byte a character, filled in blocks on first use; 0 is not filled in yet, or no class at all.
extern std::array<std::uint8_t, 0x110000> class_table;  // by std::atomic_ref
std::uint8_t fill_in_classes(char32_t code);
}  // namespace detail

inline std::uint8_t classes(char32_t code) {
  if (code >= detail::class_table.size()) return 0;
  const std::uint8_t bits =
      std::atomic_ref(detail::class_table[code]).load(std::memory_order_relaxed);
  return bits != 0 ? bits : detail::fill_in_classes(code);
}
inline bool is_space(char32_t code) { return (classes(code) & kSpace) != 0; }

/// Python's str.isprintable(): no control, format, unassigned, surrogate, private-use or separator
/// character but the space.
bool is_printable(char32_t code);
/// Python's str.isupper()/islower() of one character.
bool is_upper(char32_t code);
bool is_lower(char32_t code);
bool is_digit(char32_t code);  ///< decimal digits (Nd)

char32_t to_lower(char32_t code);
char32_t to_upper(char32_t code);
std::string lower(std::string_view text);  ///< Python's str.lower() but for the final sigma
std::string upper(std::string_view text);

enum class Form { nfc, nfd, nfkc, nfkd };
/// Unicode normalisation; text that cannot change is returned as it is.
std::string normalize(std::string_view text, Form form);

}  // namespace axl::tokenizer::unicode
