#include "tokenizer/models/prefix_tree.hpp"

#include <algorithm>

namespace axl::tokenizer {

PrefixTree::PrefixTree(std::vector<Entry> entries) {
  std::erase_if(entries, [](const Entry& e) { return e.text.empty(); });
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.text < b.text;  // std::string_view compares as unsigned bytes
  });
  // A node is a range of entries that share their first `depth` bytes; a level follows another.
  struct Range {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Range> level{{0, entries.size()}}, next;
  first_child_.clear();
  for (std::size_t depth = 0; !level.empty(); ++depth) {
    next.clear();
    const std::size_t level_first = labels_.size() - level.size();
    for (std::size_t n = 0; n < level.size(); ++n) {
      auto [i, end] = level[n];
      for (; i < end && entries[i].text.size() == depth; ++i)
        if (depth > 0) values_[level_first + n] = entries[i].value;
      first_child_.push_back(static_cast<std::uint32_t>(labels_.size()));
      while (i < end) {
        const char byte = entries[i].text[depth];
        const std::size_t begin = i;
        while (i < end && entries[i].text[depth] == byte) ++i;
        labels_.push_back(static_cast<unsigned char>(byte));
        values_.push_back(-1);
        next.push_back({begin, i});
      }
    }
    level.swap(next);
  }
  first_child_.push_back(static_cast<std::uint32_t>(labels_.size()));
}

}  // namespace axl::tokenizer
