#pragma once
#include "adapter/linear.hpp"
#include "model/batch.hpp"
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

/// Grouped-query self-attention with rotary positions: y += o_proj(attention(rope(q), rope(k), v)).
struct SelfAttention {
  Linear q, k, v, o;
  std::int64_t q_heads = 0, kv_heads = 0, head_dim = 0;

  struct Saved {
    TensorView q, k, v;  ///< after rope: (T, Hq*D), (T, Hkv*D), (T, Hkv*D)
    TensorView out;      ///< (T, Hq*D), before o_proj
    TensorView lse;      ///< (Hq, T)
    Linear::Saved q_linear, k_linear, v_linear, o_linear;

    template <class F>
    void for_each_activation(F&& f) {
      for (TensorView* t : {&q, &k, &v, &out}) f(*t);
      for (Linear::Saved* l : {&q_linear, &k_linear, &v_linear, &o_linear})
        l->for_each_activation(f);
    }
  };
  Saved allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const;

  /// y (T, C) += attention(x). With a cache the new keys and values are appended to it and the
  /// batch is one sequence whose earlier tokens the cache holds.
  void forward(Context& ctx, const Batch& batch, const RopeTable& rope, TensorView x, TensorView y,
               Saved& saved, std::uint64_t key, KvCache* cache) const;
  /// dx (T, C) = gradient of x, unless dx is empty; dy is that of y.
  void backward(Context& ctx, const Batch& batch, const RopeTable& rope, TensorView x,
                const Saved& saved, TensorView dy, TensorView dx) const;

 private:
  ops::AttentionShape shape_of(const Batch& batch) const;
};

}  // namespace axl::model
