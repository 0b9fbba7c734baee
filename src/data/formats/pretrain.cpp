#include <algorithm>

#include "data/format.hpp"

// Running text for pre-training: overlapping windows, every one of them closed by EOS.

namespace axl::data {
namespace {

constexpr std::int64_t kMostOverlap = 256;

RowConverter pretrain(const FormatContext& c) {
  // `field` is the column of completion; both names are understood, as in Axolotl.
  const bool other = c.dataset.text_column == "text" && !c.dataset.field.empty();
  return [&tokenizer = c.tokenizer, window = std::max<std::int64_t>(1, c.sequence_len - 1),
          column = other ? c.dataset.field : c.dataset.text_column](const Row& row,
                                                                    std::vector<Sample>& out) {
    const std::string text = row.required(column);
    std::vector<TokenId> ids;
    tokenizer.encode_to(text, true, ids);
    const std::int64_t n = static_cast<std::int64_t>(ids.size());
    const std::int64_t overlap = std::min(kMostOverlap, window / 2);
    for (std::int64_t begin = 0; begin < n; begin += window - overlap) {
      const std::int64_t end = std::min(n, begin + window);
      Sample& piece = out.emplace_back();
      piece.input_ids.assign(ids.begin() + begin, ids.begin() + end);
      if (tokenizer.eos_id()) piece.input_ids.push_back(*tokenizer.eos_id());
      piece.labels = piece.input_ids;
      if (end == n) break;
    }
  };
}

}  // namespace

FormatSpec pretrain_spec() {
  return {"pretrain", "text (or the column that text_column names)", false, &pretrain};
}

}  // namespace axl::data
