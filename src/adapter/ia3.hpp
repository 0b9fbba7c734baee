#pragma once
#include "adapter/linear_adapter.hpp"

namespace axl::adapter {

/// IA3: Liu et al. 2022, arXiv:2205.05638, section 3.3. What comes out of a layer is scaled,
/// y = l * (x W^T + b); of a feed-forward layer, what goes in: y = (l * x) W^T + b.
class Ia3 : public LinearAdapter {
 public:
  /// `scales`: (out, 1), or (1, in) of a feed-forward layer, one at the start.
  Ia3(Parameter* scales, bool feedforward) : l_(scales), feedforward_(feedforward) {}
  bool scales_input() const override { return feedforward_; }
  void scale_input(Context& ctx, TensorView x, TensorView y) const override;
  void scale_input_backward(Context& ctx, TensorView x, TensorView dy, TensorView dx,
                            bool accumulate) const override;
  Output output() const override { return feedforward_ ? Output::unscaled : Output::with_bias; }
  void scale_output(Context& ctx, const Saved& saved, TensorView y, bool accumulate) const override;
  void scale_output_backward(Context& ctx, const Saved& saved, TensorView dy,
                             TensorView dz) const override;

 private:
  Parameter* l_;
  bool feedforward_;
};

}  // namespace axl::adapter
