#pragma once
#include "adapter/linear_adapter.hpp"

namespace axl::adapter {

/// Hu et al. 2021, arXiv:2106.09685, eq. 3:  z += scale * dropout(x) A^T B^T.
class Lora : public LinearAdapter {
 public:
  Parameter* a = nullptr;  ///< (r, in)
  Parameter* b = nullptr;  ///< (out, r), zero at the start
  float scale = 1.0f;      ///< alpha / r, or alpha / sqrt(r) with rsLoRA
  double dropout = 0.0;

  TensorView allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const override;
  void add(Context& ctx, TensorView x, TensorView z, Saved& saved) const override;
  void add_backward(Context& ctx, TensorView x, const Saved& saved, TensorView dz,
                    TensorView dx) const override;
};

/// The magnitude of DoRA (Liu et al. 2024, arXiv:2402.09353, eq. 5), behind its Lora: the columns
/// of z are multiplied by factor = magnitude / |W + scale B A|, whose norm is not differentiated
/// through (ibid., section 4.3). Dropout acts on the input of A alone; PEFT also puts the dropped
/// input through W, which has the same mean and costs a second product with W.
class Dora : public LinearAdapter {
 public:
  Dora(const Lora& lora, Parameter* magnitude) : lora_(lora), magnitude_(magnitude) {}
  Output output() const override { return Output::without_bias; }
  void scale_output(Context& ctx, const Saved& saved, TensorView y, bool accumulate) const override;
  void scale_output_backward(Context& ctx, const Saved& saved, TensorView dy,
                             TensorView dz) const override;
  std::int64_t derived_elements() const override { return 3 * magnitude_->shape[0]; }
  void place_derived(TensorView room) override;
  void begin(Context& ctx, const quant::FrozenMatrix& weight) override;
  void refresh(Context& ctx, const quant::FrozenMatrix& weight) const override;

 private:
  const Lora& lora_;
  Parameter* magnitude_;              ///< (out), |W| at the start
  TensorView base_norms_;             ///< (out): |W_o|^2
  TensorView factor_, inverse_norm_;  ///< (out), of the present A, B and magnitude
};

}  // namespace axl::adapter
