#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/normalizer.hpp"
#include "tokenizer/regex.hpp"

namespace axl::tokenizer {

/// A token that is found in the text as it stands, before the model sees the rest.
struct AddedToken {
  std::string content;
  std::int32_t id = -1;
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the spaces before it along
  bool rstrip = false;       ///< and those behind it
  bool normalized = false;   ///< looked for in the normalised text
  bool special = false;      ///< left out by decode(skip_special_tokens)
  std::string shown;  ///< what decoding gives: the content, normalised if it is looked for so
};

/// Finds the longest of a set of strings at every place, leftmost first.
class TokenMatcher {
 public:
  void add(std::string_view text, std::int32_t value);
  bool empty() const { return nodes_.size() <= 1; }
  struct Hit {
    std::size_t begin;
    std::size_t end;
    std::int32_t value;  ///< -1: nothing found
  };
  Hit find(std::string_view text, std::size_t from) const;

 private:
  struct Node {
    std::int32_t value = -1;
    std::int32_t child = -1;    // first child
    std::int32_t sibling = -1;  // next child of the same parent
    unsigned char byte = 0;
  };
  std::int32_t child(std::int32_t node, unsigned char byte) const;
  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::array<std::int32_t, 256> roots_{};  // node + 1 of a first byte, 0 = none
  int first_bytes_ = 0;
  unsigned char only_byte_ = 0;
};

/// A stretch of text: an added token (id >= 0) or what lies between two.
struct Segment {
  Span span;
  std::int32_t id;
};

/// The added vocabulary: two matchers, one over the raw text and one over the normalised one.
class AddedTokens {
 public:
  /// Adds or replaces by content.
  void add(const AddedToken& token, const Normalizer& normalizer);
  /// Gives the added token of an id another text; false when the id is no added token's.
  bool rename(std::int32_t id, const std::string& content, const Normalizer& normalizer);
  const std::vector<AddedToken>& all() const { return tokens_; }
  const AddedToken* find_by_content(std::string_view content) const;
  const AddedToken* find_id(std::int32_t id) const;

  std::int64_t highest_id() const { return highest_id_; }  ///< -1 when there is none

  bool any_raw() const { return !raw_.empty(); }
  bool any_normalized() const { return !normalized_.empty(); }
  void split_raw(std::string_view text, std::vector<Segment>& out) const { split(raw_, text, out); }
  void split_normalized(std::string_view text, std::vector<Segment>& out) const {
    split(normalized_, text, out);
  }

 private:
  void split(const TokenMatcher& matcher, std::string_view text, std::vector<Segment>& out) const;
  void rebuild(const Normalizer& normalizer);
  void index(std::int32_t at, const Normalizer& normalizer);
  std::vector<AddedToken> tokens_;
  std::vector<std::int32_t> by_id_;  // index into tokens_, -1 = none
  std::unordered_map<std::string, std::int32_t> by_content_;
  std::int64_t highest_id_ = -1;
  TokenMatcher raw_;
  TokenMatcher normalized_;
};

}  // namespace axl::tokenizer
