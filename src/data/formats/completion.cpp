#include <algorithm>

#include "data/format.hpp"
#include "data/text_tokens.hpp"

// Plain text: everything is trained; a long row becomes several samples.

namespace axl::data {
namespace {

/// Axolotl cuts a text beyond this many sequences; so do we, for equal rows, and count it.
constexpr std::int64_t kMostPieces = 64;

RowConverter completion(const FormatContext& c) {
  return [&tokenizer = c.tokenizer, length = c.sequence_len,
          field = c.dataset.field.empty() ? std::string("text") : c.dataset.field](
             const Row& row, std::vector<Sample>& out) {
    std::vector<TokenId> ids;
    const std::int64_t lost = append_piece(
        tokenizer, row.required(field), {.max_length = length * kMostPieces, .add_eos = true}, ids);
    for (std::size_t begin = 0; begin < ids.size(); begin += static_cast<std::size_t>(length)) {
      const std::size_t end = std::min(ids.size(), begin + static_cast<std::size_t>(length));
      Sample& piece = out.emplace_back();
      piece.input_ids.assign(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                             ids.begin() + static_cast<std::ptrdiff_t>(end));
      piece.labels = piece.input_ids;
      if (end == ids.size()) piece.lost_tokens = lost;
    }
  };
}

}  // namespace

FormatSpec completion_spec() {
  return {"completion", "text (or the column that `field` names)", false, &completion};
}

}  // namespace axl::data
