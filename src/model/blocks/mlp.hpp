#pragma once
#include "adapter/linear.hpp"

namespace axl::model {

using adapter::Linear;
using ops::Context;
using tensor::TensorView;

/// y += down(silu(gate(x)) * up(x)).
struct SwigluMlp {
  Linear gate, up, down;

  struct Saved {
    TensorView g, u;  ///< (T, F); the product is computed again in backward
    Linear::Saved gate_linear, up_linear, down_linear;

    template <class F>
    void for_each_activation(F&& f) {
      f(g);
      f(u);
      for (Linear::Saved* l : {&gate_linear, &up_linear, &down_linear}) l->for_each_activation(f);
    }
  };
  Saved allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const;
  void forward(Context& ctx, TensorView x, TensorView y, Saved& saved, std::uint64_t key) const;
  /// dx = gradient of x. Overwrites saved.g and saved.u.
  void backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy, TensorView dx) const;
};

}  // namespace axl::model
