#include "generate/sampling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"

namespace axl::generate {

void check(const SamplingOptions& o) {
  const auto require = [](bool ok, const char* name, double value, const char* allowed) {
    if (!ok)
      throw Error(ErrorCode::config, fmt::format("{} must be {}, got {}", name, allowed, value));
  };
  require(o.temperature > 0 && std::isfinite(o.temperature), "temperature", o.temperature,
          "above 0 (for the most probable token at every step use --greedy)");
  require(o.top_p > 0 && o.top_p <= 1, "top_p", o.top_p, "above 0 and at most 1");
  require(o.top_k >= 0, "top_k", static_cast<double>(o.top_k), "0 (all tokens) or more");
  require(o.repetition_penalty > 0 && std::isfinite(o.repetition_penalty), "repetition_penalty",
          o.repetition_penalty, "above 0 (1 is none)");
}

Sampler::Sampler(const SamplingOptions& options) : options_(options) { check(options_); }

void Sampler::penalise(std::span<float> logits, std::span<const TokenId> history) {
  if (options_.repetition_penalty == 1.0) return;
  const auto penalty = static_cast<float>(options_.repetition_penalty);
  seen_.assign(logits.size(), false);
  for (const TokenId id : history) {
    const auto i = static_cast<std::size_t>(id);
    if (id < 0 || i >= logits.size() || seen_[i]) continue;
    seen_[i] = true;
    logits[i] = logits[i] > 0 ? logits[i] / penalty : logits[i] * penalty;
  }
}

TokenId Sampler::choose(std::span<float> logits, std::span<const TokenId> history,
                        std::uint64_t stream, std::uint64_t index) {
  penalise(logits, history);
  order_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (!std::isnan(logits[i])) order_.push_back(static_cast<TokenId>(i));
  const auto logit = [&](TokenId id) { return logits[static_cast<std::size_t>(id)]; };
  const auto better = [&](TokenId a, TokenId b) {
    return logit(a) > logit(b) || (logit(a) == logit(b) && a < b);
  };
  const auto best = std::min_element(order_.begin(), order_.end(), better);
  if (best == order_.end() || !std::isfinite(logit(*best)))
    throw Error(ErrorCode::numeric, "the model's output is not a number: no token can be chosen")
        .hint("the weights are damaged, or overflow in this type: try --dtype f32");
  if (options_.greedy) return *best;

  if (options_.top_k > 0 && static_cast<std::size_t>(options_.top_k) < order_.size()) {
    const auto kth = order_.begin() + options_.top_k;
    std::partial_sort(order_.begin(), kth, order_.end(), better);
    order_.erase(kth, order_.end());
  } else {
    std::sort(order_.begin(), order_.end(), better);
  }
  const double top = static_cast<double>(logit(order_.front()));
  weights_.clear();
  double total = 0;
  for (const TokenId id : order_) {
    weights_.push_back(std::exp((static_cast<double>(logit(id)) - top) / options_.temperature));
    total += weights_.back();
  }
  std::size_t kept = weights_.size();
  if (options_.top_p < 1.0) {
    double sum = 0;
    for (kept = 0; kept < weights_.size() && sum < options_.top_p * total; ++kept)
      sum += weights_[kept];
    total = sum;
  }
  double left = random_uniform(options_.seed, stream, index) * total;
  for (std::size_t i = 0; i + 1 < kept; ++i) {
    if (left < weights_[i]) return order_[i];
    left -= weights_[i];
  }
  return order_[kept - 1];
}

}  // namespace axl::generate
