#include "data/token_offsets.hpp"

#include "tokenizer/byte_level.hpp"

namespace axl::data {
namespace {

bool inside_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

TokenTexts::TokenTexts(const tokenizer::Tokenizer& tokenizer) {
  texts_.resize(static_cast<std::size_t>(tokenizer.vocab_size()));
  for (std::size_t id = 0; id < texts_.size(); ++id)
    tokenizer::byte_level::decode_token(tokenizer.id_to_token(static_cast<TokenId>(id)),
                                        texts_[id]);
}

std::string TokenTexts::spell(std::span<const TokenId> ids) const {
  std::string out;
  for (const TokenId id : ids)
    if (id >= 0 && static_cast<std::size_t>(id) < texts_.size())
      out += texts_[static_cast<std::size_t>(id)];
  return out;
}

std::optional<TokenOffsets> TokenTexts::locate(std::string_view text,
                                               std::span<const TokenId> ids) const {
  TokenOffsets out;
  out.begin.reserve(ids.size());
  out.end.reserve(ids.size());
  std::size_t at = 0;
  for (const TokenId id : ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= texts_.size()) return std::nullopt;
    std::size_t begin = at;
    at += texts_[static_cast<std::size_t>(id)].size();
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
