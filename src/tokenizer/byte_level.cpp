#include "tokenizer/byte_level.hpp"

#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::byte_level {
namespace {

bool printable(int b) {
  return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
}

std::array<char32_t, 256> make_table() {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (int b = 0; b < 256; ++b)
    table[static_cast<std::size_t>(b)] = printable(b) ? static_cast<char32_t>(b) : next++;
  return table;
}

std::array<std::int16_t, 0x144> make_inverse() {
  std::array<std::int16_t, 0x144> inverse{};
  inverse.fill(-1);
  for (std::size_t b = 0; b < 256; ++b) inverse[byte_to_char()[b]] = static_cast<std::int16_t>(b);
  return inverse;
}

}  // namespace

const std::array<char32_t, 256>& byte_to_char() {
  static const auto table = make_table();
  return table;
}

int char_to_byte(char32_t code) {
  static const auto inverse = make_inverse();
  return code < inverse.size() ? inverse[code] : -1;
}

std::string encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) unicode::append(byte_to_char()[static_cast<unsigned char>(c)], out);
  return out;
}

void decode_token(std::string_view token, std::string& out) {
  const std::size_t before = out.size();
  for (const char *p = token.data(), *end = p + token.size(); p < end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    const int byte = char_to_byte(d.code);
    if (byte < 0) {
      out.resize(before);
      out += token;
      return;
    }
    out += static_cast<char>(byte);
    p += d.bytes;
  }
}

}  // namespace axl::tokenizer::byte_level
