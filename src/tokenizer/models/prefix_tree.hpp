#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace axl::tokenizer {

/// Which of a set of strings does a text begin with? Nodes lie level by level, a node's children
/// side by side and sorted, so that a step is one memchr over their bytes: 9 bytes a node.
class PrefixTree {
 public:
  struct Entry {
    std::string_view text;
    std::int32_t value;  ///< >= 0
  };
  PrefixTree() = default;
  /// Empty texts are left out; of equal ones the last counts.
  explicit PrefixTree(std::vector<Entry> entries);

  /// Calls found(value, length) for every string that [p, end) begins with, the shortest first.
  template <class Found>
  void prefixes(const char* p, const char* end, const Found& found) const {
    const char* const begin = p;
    for (std::uint32_t node = 0; p < end;) {
      const std::uint32_t first = first_child_[node], last = first_child_[node + 1];
      if (first == last) return;
      const void* hit =
          std::memchr(labels_.data() + first, static_cast<unsigned char>(*p), last - first);
      if (hit == nullptr) return;
      node = static_cast<std::uint32_t>(static_cast<const unsigned char*>(hit) - labels_.data());
      ++p;
      if (values_[node] >= 0) found(values_[node], static_cast<std::uint32_t>(p - begin));
    }
  }

 private:
  std::vector<std::uint32_t> first_child_ = {1, 1};  // of node i: [i], [i + 1])
  std::vector<unsigned char> labels_ = {0};          // the byte that leads to a node
  std::vector<std::int32_t> values_ = {-1};          // -1: no string ends here
};

}  // namespace axl::tokenizer
