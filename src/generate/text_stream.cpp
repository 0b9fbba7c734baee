#include "generate/text_stream.hpp"

#include <span>

namespace axl::generate {

std::string TextStream::add(tokenizer::TokenId token) {
  tokens_.push_back(token);
  return since_given(false);
}

std::string TextStream::finish() { return since_given(true); }

std::string TextStream::since_given(bool all) {
  constexpr std::string_view kReplacement =
      "\xEF\xBF\xBD";  // U+FFFD: bytes of a character are missing
  const std::span<const tokenizer::TokenId> ids(tokens_);
  const std::string before =
      tokenizer_.decode(ids.subspan(context_, given_ - context_), /*skip_special_tokens=*/true);
  std::string now = tokenizer_.decode(ids.subspan(context_), /*skip_special_tokens=*/true);
  if (!all && now.ends_with(kReplacement)) return "";
  if (now.size() < before.size()) return "";
  context_ = given_;
  given_ = tokens_.size();
  return now.substr(before.size());
}

}  // namespace axl::generate
