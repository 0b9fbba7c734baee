#include <algorithm>
#include <utility>

#include "data/format.hpp"

// Running text for pre-training: overlapping windows, every one of them closed by EOS.

namespace axl::data {
namespace {

constexpr std::int64_t kMostOverlap = 256;

RowConverter pretrain(const FormatContext& c) {
  // `field` is the column of completion; both names are understood, as in Axolotl.
  const bool other = c.dataset.text_column == "text" && !c.dataset.field.empty();
  // Every window stands for a text of its own: what the tokenizer puts around a text, such as BOS,
  // is in each of them.
  std::vector<TokenId> before, after;
  c.tokenizer.encode_to("", true, before);
  if (!before.empty()) {
    after.assign(before.begin() + 1, before.end());
    before.resize(1);
    if (after.empty() && before.front() != c.tokenizer.bos_id()) std::swap(before, after);
  }
  const std::int64_t room =
      c.sequence_len - 1 - static_cast<std::int64_t>(before.size() + after.size());
  return [&tokenizer = c.tokenizer, before, after, window = std::max<std::int64_t>(1, room),
          most_overlap = std::min(kMostOverlap, (c.sequence_len - 1) / 2),
          column = other ? c.dataset.field : c.dataset.text_column](const Row& row,
                                                                    std::vector<Sample>& out) {
    const std::string text = row.required(column);
    std::vector<TokenId> ids;
    tokenizer.encode_to(text, false, ids);
    const std::int64_t n = static_cast<std::int64_t>(ids.size());
    const std::int64_t overlap = std::min(most_overlap, window - 1);
    for (std::int64_t begin = 0; begin < n; begin += window - overlap) {
      const std::int64_t end = std::min(n, begin + window);
      Sample& piece = out.emplace_back();
      piece.input_ids = before;
      piece.input_ids.insert(piece.input_ids.end(), ids.begin() + begin, ids.begin() + end);
      piece.input_ids.insert(piece.input_ids.end(), after.begin(), after.end());
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
