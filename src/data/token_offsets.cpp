#include "data/token_offsets.hpp"

#include "tokenizer/byte_level.hpp"

namespace axl::data {
namespace {

bool inside_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

TokenLengths::TokenLengths(const tokenizer::Tokenizer& tokenizer) {
  lengths_.resize(static_cast<std::size_t>(tokenizer.vocab_size()));
  std::string bytes;
  for (std::size_t id = 0; id < lengths_.size(); ++id) {
    bytes.clear();
    tokenizer::byte_level::decode_token(tokenizer.id_to_token(static_cast<TokenId>(id)), bytes);
    lengths_[id] = static_cast<std::uint32_t>(bytes.size());
  }
}

std::optional<TokenOffsets> TokenLengths::locate(std::string_view text,
                                                 std::span<const TokenId> ids) const {
  TokenOffsets out;
  out.begin.reserve(ids.size());
  out.end.reserve(ids.size());
  std::size_t at = 0;
  for (const TokenId id : ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= lengths_.size()) return std::nullopt;
    std::size_t begin = at;
    at += lengths_[static_cast<std::size_t>(id)];
    if (at > text.size()) return std::nullopt;
    std::size_t end = at;
    while (begin > 0 && begin < text.size() && inside_character(text[begin])) --begin;
    while (end < text.size() && inside_character(text[end])) ++end;
    out.begin.push_back(begin);
    out.end.push_back(end);
  }
  if (at != text.size()) return std::nullopt;
  return out;
}

}  // namespace axl::data
