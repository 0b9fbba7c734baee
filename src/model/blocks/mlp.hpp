#pragma once
#include <vector>

#include "adapter/linear.hpp"
#include "family/shape.hpp"

namespace axl::model {

using adapter::Linear;
using ops::Context;
using tensor::TensorView;

/// y = or += down(act(gate(x)) * up(x)), or down(act(up(x))). Gate and up are two matrices or one.
struct Mlp {
  family::MlpShape shape;
  Linear gate, up;  ///< gated: both; not gated: up alone
  Linear gate_up;   ///< fused
  Linear down;

  std::vector<Linear*> linears();

  struct Saved {
    /// (T, F) each; fused: g is (T, 2F) and u empty; not gated: g is what up gives. The product is
    /// computed again in backward.
    TensorView g, u;
    Linear::Saved gate_linear, up_linear, down_linear;

    template <class F>
    void for_each_activation(F&& f) {
      f(g);
      f(u);
      for (Linear::Saved* l : {&gate_linear, &up_linear, &down_linear}) l->for_each_activation(f);
    }
  };
  Saved allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const;
  void forward(Context& ctx, TensorView x, TensorView y, bool accumulate, Saved& saved,
               std::uint64_t key) const;
  /// dx = gradient of x. Overwrites saved.g and saved.u.
  void backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy, TensorView dx) const;

 private:
  ops::GatedInput gated_input(const Saved& saved) const;
};

}  // namespace axl::model
