#pragma once
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "ops/ops.hpp"
#include "tensor/parameters.hpp"

namespace axl::adapter {

using ops::Context;
using tensor::Parameter;
using tensor::TensorView;
using Ids = std::span<const std::int32_t>;

/// Single trained rows of a frozen embedding (PEFT's trainable_token_indices): where a token is one
/// of `ids`, its row of the table is replaced. With tied embeddings the same rows replace those of
/// the output head.
class TokenRows {
 public:
  /// `values` (n, C) starts as the table's rows `ids`, which are distinct.
  TokenRows(Parameter* values, std::vector<std::int32_t> ids);
  const Parameter& values() const { return *values_; }
  const std::vector<std::int32_t>& ids() const { return ids_; }

  /// y (T, C) holds the frozen table's rows of `tokens`.
  void replace_rows(Context& ctx, Ids tokens, TensorView y) const;
  void rows_backward(Context& ctx, Ids tokens, TensorView dy) const;

  /// logits (R, V), accumulator type, were computed from x (R, C) and the frozen table.
  void replace_logits(Context& ctx, TensorView x, TensorView logits) const;
  /// Adds the gradient of the rows, and what they give to dx (R, C); zeroes their columns of
  /// dlogits (R, V), so that the frozen rows behind them give nothing.
  void logits_backward(Context& ctx, TensorView x, TensorView dlogits, TensorView dx) const;

 private:
  struct Hits {
    std::vector<std::int32_t> rows;   ///< of the batch
    std::vector<std::int32_t> slots;  ///< of values
  };
  Hits find(Ids tokens) const;
  Parameter* values_;
  std::vector<std::int32_t> ids_;
  std::unordered_map<std::int32_t, std::int32_t> slots_;
};

}  // namespace axl::adapter
