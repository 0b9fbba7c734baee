#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace axl::tokenizer {

/// Token text <-> id, both ways. One arena of bytes and one open-addressing table of ids: half the
/// memory and a quarter of the time of a node-based map at 150,000 entries.
class Vocab {
 public:
  /// Prepares for about `tokens` entries of `bytes` bytes in all.
  void reserve(std::size_t tokens, std::size_t bytes);
  /// Adds or, for a text that is there already, renumbers. Error{input} when the id is negative or
  /// absurdly large, or when two texts claim one id.
  void insert(std::string_view text, std::int64_t id);
  /// Adds under the next id. A text that is there already keeps its old id's text too, but is found
  /// under the new one.
  void append(std::string_view text);
  /// Gives an id that is there another text.
  void rename(std::int32_t id, std::string_view text);
  std::int32_t find(std::string_view text) const;  ///< -1 when absent
  bool contains_id(std::int64_t id) const;
  std::string_view text(std::int32_t id) const;  ///< "" when absent
  std::size_t size() const { return count_; }
  std::int64_t end_id() const { return static_cast<std::int64_t>(entries_.size()); }

 private:
  struct Entry {
    std::uint32_t offset;
    std::uint32_t length;
  };
  static constexpr std::uint32_t kAbsent = 0xFFFFFFFFU;
  void grow(std::size_t slots);
  std::size_t slot_of(std::string_view text) const;

  std::string arena_;
  std::vector<Entry> entries_;       // by id
  std::vector<std::int32_t> table_;  // ids, -1 = free; power of two
  std::vector<std::uint32_t> tags_;  // hash bits of the same slot: most misses end here
  std::size_t count_ = 0;
};

}  // namespace axl::tokenizer
