#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/models/vocab.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {

/// Ids of the tokens "<0x00>" ... "<0xFF>" that spell what no other token spells; -1 = absent.
inline std::array<std::int32_t, 256> byte_token_ids(const Vocab& vocab) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::array<std::int32_t, 256> ids{};
  for (std::size_t b = 0; b < 256; ++b)
    ids[b] = vocab.find(std::string("<0x") + kHex[b / 16] + kHex[b % 16] + ">");
  return ids;
}

/// Appends one id a byte, all or none.
inline bool put_byte_tokens(std::string_view text, const std::array<std::int32_t, 256>& byte_ids,
                            std::vector<TokenId>& out) {
  const auto id = [&](char c) { return byte_ids[static_cast<unsigned char>(c)]; };
  if (!std::all_of(text.begin(), text.end(), [&](char c) { return id(c) >= 0; })) return false;
  for (const char c : text) out.push_back(id(c));
  return true;
}

}  // namespace axl::tokenizer
