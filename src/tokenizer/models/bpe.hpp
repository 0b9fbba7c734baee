#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/models/model.hpp"
#include "tokenizer/models/pair_table.hpp"

namespace axl::tokenizer {

/// What tokenizer.json says of a BPE model beside its vocabulary and merges.
struct BpeOptions {
  std::string unk_token;  ///< "" = none: characters without a token vanish
  std::string continuing_subword_prefix;
  std::string end_of_word_suffix;
  bool fuse_unk = false;
  bool byte_fallback = false;
  /// Share of merges that the `tokenizers` package leaves out at random; kept for the file, not
  /// applied.
  double dropout = 0;
  bool ignore_merges = false;  ///< a piece that is a token as a whole is taken as that token
};

/// SentencePiece files have scores in place of merges: every pair of tokens that makes a token is
/// merged in order of that token's score, the highest first. `scores`: one an id.
std::vector<Merge> merges_from_scores(const std::vector<double>& scores, const Vocab& vocab);

/// Byte-pair encoding: Sennrich et al. 2016, arXiv:1508.07909. The pair of lowest rank is merged
/// first, the leftmost of equals; the result is the one of the `tokenizers` package.
class Bpe final : public Model {
 public:
  /// Merges in order of rank, as ids. Error{input} when a merge's result is no token.
  Bpe(Vocab vocab, std::vector<Merge> merges, BpeOptions options);

  bool use_bytes() override;
  void encode(std::string_view piece, Workspace& w, std::vector<TokenId>& out) const override;
  bool separable_at_word_marks() const override { return separable_; }
  const Vocab& vocab() const override { return vocab_; }
  void rename(TokenId id, std::string_view text) override {
    vocab_.rename(id, text);
    find_characters();
  }
  std::uint64_t fingerprint() const override;
  std::string json() const override;

 private:
  void find_characters();
  void find_results();
  void find_byte_pairs();
  void split_characters(std::string_view piece, std::vector<std::int32_t>& ids,
                        std::string& text) const;
  template <class FirstRank>
  void merge_short(std::size_t n, const FirstRank& first_rank, std::int32_t* ids,
                   std::vector<TokenId>& out) const;
  void merge_long(Workspace& w, std::vector<TokenId>& out) const;

  Vocab vocab_;
  std::vector<Merge> merges_;
  BpeOptions options_;
  std::int32_t unk_id_ = -1;
  bool bytes_ = false;
  bool plain_bytes_ = false;  // every byte is one token, whatever is around it
  bool separable_ = false;
  std::array<std::int32_t, 256> byte_ids_{};      // id of the byte-level character of a byte
  std::array<std::int32_t, 256> fallback_ids_{};  // id of "<0xNN>"
  std::array<std::int32_t, 128> ascii_ids_{};  // id of a character, where it is a token by itself
  std::int32_t mark_id_ = -1;                  // and of U+2581
  PairTable ranks_;
  std::vector<std::int32_t> results_;      // of a merge, by rank
  std::vector<std::uint32_t> byte_pairs_;  // rank of a pair of bytes: 65536, or none
};

}  // namespace axl::tokenizer
