#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "model/decoder.hpp"
#include "model/losses/causal_lm.hpp"
#include "support/session.hpp"

namespace axl::test {

/// Tensors of a safetensors file as vectors.
std::vector<float> floats(const weights::WeightFile& file, const std::string& name);
std::vector<std::int64_t> integers(const weights::WeightFile& file, const std::string& name);
nlohmann::json read_json(const std::string& path);

/// Rows of padded ids as documents without their padding, and where each token came from.
struct UnpaddedRows {
  std::vector<std::int32_t> ids, targets, positions, cu{0};
  std::vector<std::size_t> source;  ///< index in the padded (rows, columns) array
  std::int64_t labels = 0;
  model::Batch batch() const {
    return {.ids = ids, .targets = targets, .positions = positions, .cu_seqlens = cu};
  }
};
/// `labels` may be empty. Targets are the labels shifted by one, as Hugging Face's loss shifts
/// them.
UnpaddedRows unpad(const std::vector<std::int64_t>& ids, const std::vector<std::int64_t>& mask,
                   const std::vector<std::int64_t>& labels, std::int64_t columns);

/// A model of the oracles, ready to run in f32 (or another type).
struct ModelCase {
  /// `prepare` may change the weights before the model is built.
  ModelCase(const std::string& folder, const std::string& config_file,
            const model::DecoderOptions& options,
            const std::function<void(weights::WeightFile&)>& prepare = {});
  Bench bench;
  weights::ModelConfig config;
  weights::WeightFile weights;
  std::vector<device::Buffer> memory;
  std::unique_ptr<model::Decoder> decoder;

  /// (T, V) logits of every token.
  std::vector<float> logits(const model::Batch& batch);
  /// Mean loss; adds gradients of the mean (scaled over `labels` tokens).
  double forward_backward(const model::Batch& batch, std::int64_t labels);
  double evaluate(const model::Batch& batch, std::int64_t labels);
};

/// |a - b| / max(|b|, floor), NaN counts as infinite.
double relative(double a, double b, double floor = 1e-12);
/// Largest |a - b| over tokens, relative to the largest |b|; `recorded` is (rows, columns, V),
/// padded.
double worst_logit(const std::vector<float>& ours, const std::vector<float>& recorded,
                   const UnpaddedRows& rows, std::int64_t V);
double norm(const float* x, std::int64_t n);

}  // namespace axl::test
