#include "tokenizer/precompiled_map.hpp"

#include <utf8proc.h>

#include <cstring>

#include "core/error.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer {
namespace {

/// Fields of a unit of Darts-clone's double array (github.com/s-yata/darts-clone).
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1U) != 0; }
std::uint32_t value_of(std::uint32_t unit) { return unit & 0x7FFFFFFFU; }
std::uint32_t label_of(std::uint32_t unit) { return unit & 0x800000FFU; }
std::uint32_t offset_of(std::uint32_t unit) { return unit >> 10 << ((unit & 0x200U) >> 6); }

/// Longer graphemes are replaced character by character.
constexpr std::size_t kLongestGrapheme = 5;

/// Bytes of the first grapheme cluster of [p, end).
std::uint32_t grapheme(const char* p, const char* end) {
  unicode::Decoded last = unicode::decode(p, end);
  std::uint32_t bytes = last.bytes;
  utf8proc_int32_t state = 0;
  while (p + bytes < end) {
    const unicode::Decoded next = unicode::decode(p + bytes, end);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last.code),
                                         static_cast<utf8proc_int32_t>(next.code), &state))
      break;
    bytes += next.bytes;
    last = next;
  }
  return bytes;
}

}  // namespace

PrecompiledMap::PrecompiledMap(std::string_view bytes) {
  if (bytes.empty()) return;
  std::uint32_t size = 0;
  if (bytes.size() >= sizeof size) std::memcpy(&size, bytes.data(), sizeof size);
  if (bytes.size() < sizeof size || size > bytes.size() - sizeof size || size % 4 != 0 || size == 0)
    throw Error(ErrorCode::input, "the precompiled character map is damaged: its " +
                                      std::to_string(bytes.size()) +
                                      " bytes do not hold the table that they announce");
  units_.resize(size / 4);
  std::memcpy(units_.data(), bytes.data() + sizeof size, size);
  texts_ = bytes.substr(sizeof size + size);
  if (!unicode::is_valid(texts_))
    throw Error(ErrorCode::input, "the precompiled character map holds text that is not UTF-8");
  for (std::size_t c = 0; c < ascii_.size(); ++c) {
    const char one = static_cast<char>(c);
    ascii_[c] = replacement({&one, 1}).value_or(std::string_view(&one, 1));
  }
}

/// The text for the shortest prefix in the map: the whole chunk is replaced by it.
std::optional<std::string_view> PrecompiledMap::replacement(std::string_view chunk) const {
  std::uint32_t at = offset_of(units_[0]);
  for (const char c : chunk) {
    const auto byte = static_cast<unsigned char>(c);
    at ^= byte;
    if (byte == 0 || at >= units_.size() || label_of(units_[at]) != byte) return std::nullopt;
    const bool leaf = has_leaf(units_[at]);
    at ^= offset_of(units_[at]);
    if (!leaf) continue;
    if (at >= units_.size()) return std::nullopt;
    const std::size_t begin = value_of(units_[at]);
    if (begin > texts_.size()) return std::nullopt;
    return std::string_view(texts_).substr(begin, std::strlen(texts_.c_str() + begin));
  }
  return std::nullopt;
}

void PrecompiledMap::apply(std::string& text) const {
  if (units_.empty()) return;
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  const char* const end = text.data() + text.size();
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  for (const char* p = text.data(); p < end;) {
    // Only a line feed joins a character of ASCII before it.
    if (is_ascii(*p) && (p + 1 == end || (is_ascii(p[1]) && p[1] != '\n'))) {
      out += ascii_[static_cast<std::size_t>(*p++)];
      continue;
    }
    const std::string_view whole(p, grapheme(p, end));
    p += whole.size();
    if (whole.size() <= kLongestGrapheme) {
      if (const auto by = replacement(whole)) {
        out += *by;
        continue;
      }
    }
    for (std::size_t i = 0; i < whole.size();) {
      const std::string_view one =
          whole.substr(i, unicode::decode(whole.data() + i, whole.data() + whole.size()).bytes);
      out += replacement(one).value_or(one);
      i += one.size();
    }
  }
  text = std::move(out);
}

}  // namespace axl::tokenizer
