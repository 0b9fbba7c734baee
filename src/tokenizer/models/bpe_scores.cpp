#include <algorithm>

#include "tokenizer/models/bpe.hpp"

namespace axl::tokenizer {

std::vector<Merge> merges_from_scores(const std::vector<double>& scores, const Vocab& vocab) {
  struct Scored {
    double score;
    Merge merge;
  };
  std::vector<Scored> all;
  for (std::int32_t id = 0; id < vocab.end_id(); ++id) {
    const std::string_view text = vocab.text(id);
    const std::size_t first = all.size();
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      if ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) continue;
      const std::int32_t left = vocab.find(text.substr(0, cut));
      const std::int32_t right = left < 0 ? -1 : vocab.find(text.substr(cut));
      if (right >= 0) all.push_back({scores[static_cast<std::size_t>(id)], {left, right}});
    }
    std::sort(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(),
              [](const Scored& a, const Scored& b) { return a.merge < b.merge; });
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  std::vector<Merge> merges;
  merges.reserve(all.size());
  for (const Scored& s : all) merges.push_back(s.merge);
  return merges;
}

}  // namespace axl::tokenizer
