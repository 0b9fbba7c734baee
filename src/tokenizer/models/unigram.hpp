#pragma once
#include <array>
#include <optional>
#include <utility>

#include "tokenizer/models/model.hpp"
#include "tokenizer/models/prefix_tree.hpp"

namespace axl::tokenizer {

/// The most probable way to cut a piece into tokens of independent probabilities: Kudo 2018,
/// arXiv:1804.10959, by Viterbi's algorithm over bytes. A character that no token spells costs
/// min(scores) - 10, and neighbours of that kind become one unknown token.
class Unigram final : public Model {
 public:
  struct Options {
    std::optional<std::int32_t> unk_id;
    bool byte_fallback = false;
    /// The scores come from JSON: see as_read_from_json().
    bool scores_from_json = true;
  };
  /// `scores` are logarithms of probabilities, one an id. Error{input} on an id outside.
  Unigram(Vocab vocab, std::vector<double> scores, Options options);

  void encode(std::string_view piece, Workspace& w, std::vector<TokenId>& out) const override;
  const Vocab& vocab() const override { return vocab_; }
  void rename(TokenId id, std::string_view text) override { vocab_.rename(id, text); }
  std::uint64_t fingerprint() const override;
  std::string json() const override;

 private:
  void search(std::string_view piece, Workspace& w) const;
  void put(std::string_view part, std::vector<TokenId>& out) const;
  std::int32_t unknown() const;

  Vocab vocab_;
  std::vector<double> scores_;         // as the file writes them
  std::vector<double> search_scores_;  // as they are added up
  Options options_;
  PrefixTree tree_;
  double unknown_score_ = 0;
  std::array<std::int32_t, 256> fallback_ids_{};  // id of "<0xNN>"
};

/// The number that the `tokenizers` package gets when it reads `value` from JSON: the digits as an
/// integer, divided by a power of ten. Both steps round, so that the last bit may differ from
/// `value`; where two ways to cut a text are equally probable, that bit decides.
double as_read_from_json(double value);

}  // namespace axl::tokenizer
