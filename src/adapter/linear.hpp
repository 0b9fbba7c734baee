#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/ops.hpp"
#include "quant/frozen_matrix.hpp"
#include "tensor/parameters.hpp"

namespace axl::adapter {

using ops::Context;
using tensor::Parameter;
using tensor::TensorView;

/// The magnitude of DoRA (Liu et al. 2024, arXiv:2402.09353, eq. 5): the columns of what a Linear
/// with LoRA gives are multiplied by factor = magnitude / |W + scale B A|, whose norm is not
/// differentiated through (ibid., section 4.3). Dropout acts on the input of A alone; PEFT also
/// puts the dropped input through W, which has the same mean and costs a second product with W.
struct Dora {
  Parameter* magnitude = nullptr;   ///< (out), |W| at the start
  TensorView base_norms;            ///< (out), accumulator type: |W_o|^2
  TensorView factor, inverse_norm;  ///< (out), accumulator type; of the present A, B and magnitude
};

/// LoRA on a Linear: Hu et al. 2021, arXiv:2106.09685, eq. 3:  y += scale * dropout(x) A^T B^T.
struct Lora {
  Parameter* a = nullptr;  ///< (r, in)
  Parameter* b = nullptr;  ///< (out, r), zero at the start
  float scale = 1.0f;      ///< alpha / r, or alpha / sqrt(r) with rsLoRA
  double dropout = 0.0;
  std::optional<Dora> dora;
};

/// y = x W^T + bias, with whatever adapter is on it. How the weight is stored and multiplied
/// (quant/frozen_matrix.hpp) is apart from what is trained (nothing, an adapter, the weight
/// itself).
class Linear {
 public:
  std::string name;  ///< module name, "model.layers.0.self_attn.q_proj"
  std::int64_t in = 0, out = 0;
  bool biased = false;         ///< the model's config says that there is a bias
  bool conv1d = false;         ///< the weight lies as (in, out), as in its file
  std::uint64_t ordinal = 0;   ///< within its layer, from 1: tells dropout masks apart
  quant::FrozenMatrix weight;  ///< (out, in); of a trained weight a view of its values
  TensorView bias;             ///< (out) or empty
  Parameter* trained_weight = nullptr;
  Parameter* trained_bias = nullptr;
  std::optional<Lora> lora;

  /// What backward needs besides x.
  struct Saved {
    TensorView h;  ///< (T, r): dropout(x) A^T
    TensorView z;  ///< (T, out) with DoRA: what its factor multiplies
    std::uint64_t dropout_key = 0;

    template <class F>
    void for_each_activation(F&& f) {
      f(h);
      f(z);
    }
  };
  Saved allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const;

  /// Shape of the weight as it lies.
  std::vector<std::int64_t> weight_shape() const {
    return conv1d ? std::vector{in, out} : std::vector{out, in};
  }

  /// y (T, out) = or += x (T, in) W^T + bias + adapter. `layer_key` != 0 while training; the mask
  /// of the adapter's dropout is a function of it and of the ordinal.
  void forward(Context& ctx, TensorView x, TensorView y, bool accumulate, Saved& saved,
               std::uint64_t layer_key) const;
  /// Adds the gradients of what is trained; dx (T, in) = or += dy W + adapter, unless dx is empty.
  void backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy, TensorView dx,
                bool accumulate_dx) const;
  /// After a change of the adapter's parameters: recomputes what is derived from them.
  void refresh(Context& ctx) const;
  bool trains_anything() const { return trained_weight || trained_bias || lora; }

 private:
  void lora_backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy,
                     TensorView dx) const;
};

}  // namespace axl::adapter
