#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapter/token_rows.hpp"
#include "ops/ops.hpp"
#include "quant/frozen_matrix.hpp"
#include "tensor/parameters.hpp"

namespace axl::adapter {

using ops::Context;
using tensor::Parameter;
using tensor::TensorView;

/// LoRA on an Embedding, as PEFT has it: y[t] += scale * B A[:, ids[t]], without dropout.
struct EmbeddingLora {
  Parameter* a = nullptr;  ///< (r, V), zero at the start
  Parameter* b = nullptr;  ///< (C, r)
  float scale = 1.0f;      ///< alpha / r, or alpha / sqrt(r) with rsLoRA
};

/// y[t] = table[ids[t]], with whatever is trained on it: nothing, the whole table, a low-rank
/// update, or single rows.
class Embedding {
 public:
  std::string name;                  ///< module name, "model.embed_tokens"
  std::int64_t rows = 0, width = 0;  ///< V, C
  /// Row that gets no gradient as an input (ModelConfig::padding_row); what a tied head gives to it
  /// stays. Negative: none.
  std::int64_t padding = -1;
  quant::FrozenMatrix table;  ///< (V, C); of a trained table a view of its values
  Parameter* trained_table = nullptr;
  std::optional<EmbeddingLora> lora;
  std::optional<TokenRows> token_rows;

  /// y: (T, C). ids must be in [0, V): checked by the data pipeline.
  void forward(Context& ctx, Ids ids, TensorView y) const;
  /// Adds the gradients of what is trained. `dy` is consumed.
  void backward(Context& ctx, Ids ids, TensorView dy) const;
  bool trains_anything() const { return trained_table != nullptr || lora || token_rows; }
};

}  // namespace axl::adapter
