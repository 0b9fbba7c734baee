#pragma once
#include <optional>
#include <vector>

#include "adapter/linear.hpp"
#include "model/batch.hpp"
#include "model/blocks/norm.hpp"
#include "model/rope_table.hpp"

namespace axl::model {

using adapter::Linear;
using ops::Context;
using tensor::TensorView;

/// Keys and values of earlier tokens of one sequence, per layer: (capacity, Hkv * D).
struct KvCache {
  TensorView k, v;
  std::int64_t length = 0;
};

/// Grouped-query self-attention: y = or += o_proj(attention(rope(norm(q)), rope(norm(k)), v)), with
/// norms and rotary positions where the shape has them. Queries, keys and values come from three
/// matrices or from one; where they lie in its output is `shape.layout`.
struct SelfAttention {
  family::AttentionShape shape;
  Linear q, k, v;  ///< layout apart
  Linear qkv;      ///< the other layouts
  Linear o;
  std::optional<Norm> q_norm, k_norm;

  bool fused() const { return shape.layout != family::QkvLayout::apart; }
  std::int64_t kv_width() const { return shape.kv_heads * shape.head_dim; }
  std::vector<Linear*> linears();

  struct Saved {
    TensorView q, k, v;       ///< normed and rotated: (T, Hq*D), (T, Hkv*D) twice; fused: q is all
    TensorView q_raw, k_raw;  ///< before the norms, where there are some
    Norm::Saved q_norm, k_norm;
    TensorView out;  ///< (T, Hq*D), before o_proj
    TensorView lse;  ///< (Hq, T)
    Linear::Saved q_linear, k_linear, v_linear, o_linear;

    template <class F>
    void for_each_activation(F&& f) {
      for (TensorView* t : {&q, &k, &v, &q_raw, &k_raw, &out}) f(*t);
      for (Linear::Saved* l : {&q_linear, &k_linear, &v_linear, &o_linear})
        l->for_each_activation(f);
    }
  };
  Saved allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const;

  /// x, y: (T, C). With a cache the new keys and values are appended to it and the batch is one
  /// sequence whose earlier tokens the cache holds.
  void forward(Context& ctx, const Batch& batch, const RopeTables& ropes, TensorView x,
               TensorView y, bool accumulate, Saved& saved, std::uint64_t key,
               KvCache* cache) const;
  /// dx (T, C) = gradient of x, unless dx is empty; dy is that of y.
  void backward(Context& ctx, const Batch& batch, const RopeTables& ropes, TensorView x,
                const Saved& saved, TensorView dy, TensorView dx) const;

 private:
  /// Queries, keys and values where they lie, and the columns of the three tensors.
  struct Projected {
    ops::Heads q, k, v;
  };
  Projected heads_of(TensorView q, TensorView k, TensorView v) const;
  void project(Context& ctx, TensorView x, Saved& saved, std::uint64_t key) const;
  void rotate(Context& ctx, const Batch& batch, const RopeTables& ropes, const Projected& p,
              bool inverse) const;
  ops::AttentionShape kernel_shape(const Batch& batch) const;
};

}  // namespace axl::model
