#include "data/text_tokens.hpp"

#include <algorithm>

namespace axl::data {
namespace {

/// Cuts an encoded text to `limit` tokens so that the special tokens around it survive, as a
/// truncating tokenizer does.
void truncate(const tokenizer::Tokenizer& tokenizer, std::string_view text, std::size_t limit,
              std::vector<TokenId>& ids) {
  if (ids.size() <= limit) return;
  const std::vector<TokenId> plain = tokenizer.encode(text, false);
  const std::size_t special = ids.size() - std::min(ids.size(), plain.size());
  const auto at = std::search(ids.begin(), ids.end(), plain.begin(), plain.end());
  if (special == 0 || special > limit || at == ids.end()) {
    ids.resize(limit);
    return;
  }
  const auto suffix = at + static_cast<std::ptrdiff_t>(plain.size());
  ids.erase(suffix - static_cast<std::ptrdiff_t>(ids.size() - limit), suffix);
}

}  // namespace

std::int64_t append_piece(const tokenizer::Tokenizer& tokenizer, std::string_view text,
                          const PieceOptions& options, std::vector<TokenId>& out) {
  if (text.empty()) return 0;
  std::vector<TokenId> ids;
  tokenizer.encode_to(text, true, ids);
  if (ids.empty()) return 0;
  const std::size_t limit = static_cast<std::size_t>(options.max_length), whole = ids.size();
  truncate(tokenizer, text, limit, ids);
  const std::size_t lost = whole - ids.size();
  const auto eos = tokenizer.eos_id();
  if (options.add_eos && eos) {
    const int missing = options.eos_count - (ids.back() == *eos ? 1 : 0);
    for (int i = 0; i < missing && ids.size() < limit; ++i) ids.push_back(*eos);
  }
  const bool skip = options.strip_bos && tokenizer.bos_id() && ids.front() == *tokenizer.bos_id();
  out.insert(out.end(), ids.begin() + (skip ? 1 : 0), ids.end());
  return static_cast<std::int64_t>(lost);
}

void append_prompt_and_response(const tokenizer::Tokenizer& tokenizer, std::string_view prompt,
                                std::string_view response, bool train_on_prompt,
                                std::int64_t sequence_len, int eos_count, Sample& out) {
  out.lost_tokens += append_piece(tokenizer, prompt, {.max_length = sequence_len}, out.input_ids);
  if (train_on_prompt)
    out.labels = out.input_ids;
  else
    out.labels.assign(out.input_ids.size(), kIgnore);
  const std::size_t seam = out.input_ids.size();
  out.lost_tokens += append_piece(
      tokenizer, response,
      {.max_length = sequence_len, .add_eos = true, .strip_bos = true, .eos_count = eos_count},
      out.input_ids);
  out.labels.insert(out.labels.end(), out.input_ids.begin() + static_cast<std::ptrdiff_t>(seam),
                    out.input_ids.end());
}

}  // namespace axl::data
