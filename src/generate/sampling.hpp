#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace axl::generate {

using tokenizer::TokenId;

/// How the next token is chosen from the logits; the steps come in this order, as in transformers.
struct SamplingOptions {
  bool greedy = false;              ///< the highest logit; nothing below but the penalty matters
  double repetition_penalty = 1.0;  ///< Keskar et al. 2019, arXiv:1909.05858, section 4.1; 1: none
  double temperature = 1.0;         ///< > 0
  std::int64_t top_k = 0;           ///< this many most probable tokens; 0: all
  double top_p =
      1.0;  ///< the fewest tokens of this probability; Holtzman et al. 2020, arXiv:1904.09751
  std::uint64_t seed = 42;
};

/// Error{config} naming what is out of range and what is allowed.
void check(const SamplingOptions& options);

/// Chooses tokens. The choice is a pure function of logits, history, options, `stream` (which
/// sequence) and `index` (how manieth new token).
class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options);
  /// `logits` (V) are overwritten; `history` is what the penalty applies to (prompt and answer).
  /// Error{numeric} when no logit is a number. Ties go to the lowest id.
  TokenId choose(std::span<float> logits, std::span<const TokenId> history, std::uint64_t stream,
                 std::uint64_t index);

 private:
  void penalise(std::span<float> logits, std::span<const TokenId> history);
  SamplingOptions options_;
  std::vector<TokenId> order_;   // candidates, most probable first
  std::vector<double> weights_;  // their probabilities, not normalised
  std::vector<bool> seen_;
};

}  // namespace axl::generate
