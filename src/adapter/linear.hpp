#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapter/linear_adapter.hpp"

namespace axl::adapter {

/// y = x W^T + bias, with whatever adapters are on it. How the weight is stored and multiplied
/// (quant/frozen_matrix.hpp) is apart from what is trained (nothing, adapters, the weight itself).
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
  std::vector<std::unique_ptr<LinearAdapter>> adapters;  ///< in their order

  /// What backward needs besides x.
  struct Saved {
    std::vector<LinearAdapter::Saved> adapters;

    template <class F>
    void for_each_activation(F&& f) {
      for (LinearAdapter::Saved& saved : adapters) saved.for_each_activation(f);
    }
  };
  Saved allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const;

  /// Shape of the weight as it lies.
  std::vector<std::int64_t> weight_shape() const {
    return conv1d ? std::vector{in, out} : std::vector{out, in};
  }

  /// y (T, out) = or += x (T, in) W^T + bias + adapters. `layer_key` != 0 while training; the masks
  /// of the adapters' dropout are functions of it, of the ordinal and of the adapter's place.
  void forward(Context& ctx, TensorView x, TensorView y, bool accumulate, Saved& saved,
               std::uint64_t layer_key) const;
  /// Adds the gradients of what is trained; dx (T, in) = or += dy W + adapters, unless dx is empty.
  void backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy, TensorView dx,
                bool accumulate_dx) const;
  /// After a change of the adapters' parameters: recomputes what is derived from them.
  void refresh(Context& ctx) const;
  bool trains_anything() const { return trained_weight || trained_bias || !adapters.empty(); }

 private:
  const LinearAdapter* input_scaler() const;
};

}  // namespace axl::adapter
