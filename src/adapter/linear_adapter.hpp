#pragma once
#include <cstdint>

#include "ops/ops.hpp"
#include "quant/frozen_matrix.hpp"
#include "tensor/parameters.hpp"

namespace axl::adapter {

using ops::Context;
using tensor::Parameter;
using tensor::TensorView;

/// What a method puts on a Linear. Between x and y there are three places:
///   x' = scale_input(x);  z = x' W^T, to which every adapter adds;  y = scale_output(z)
/// A method overrides those where it does something; a Linear calls its adapters in their order,
/// and backwards in the other. What is trained are Parameters, whose gradients are added to.
class LinearAdapter {
 public:
  LinearAdapter() = default;
  LinearAdapter(const LinearAdapter&) = delete;
  LinearAdapter& operator=(const LinearAdapter&) = delete;
  virtual ~LinearAdapter() = default;

  /// What the backward pass needs besides the Linear's input.
  struct Saved {
    TensorView h;  ///< the method's own, see allocate_saved()
    TensorView z;  ///< (T, out) where the output is scaled: what is scaled
    std::uint64_t dropout_key = 0;

    template <class F>
    void for_each_activation(F&& f) {
      f(h);
      f(z);
    }
  };
  /// Room for Saved::h, if the method needs any.
  virtual TensorView allocate_saved(device::Arena&, DType, std::int64_t) const { return {}; }

  virtual bool scales_input() const { return false; }
  /// y (T, in) from x (T, in).
  virtual void scale_input(Context&, TensorView /*x*/, TensorView /*y*/) const {}
  /// From dy, the gradient of scale_input()'s result: dx = or +=, unless dx is empty.
  virtual void scale_input_backward(Context&, TensorView /*x*/, TensorView /*dy*/,
                                    TensorView /*dx*/, bool /*accumulate*/) const {}

  /// z (T, out) += something of x (T, in). `saved.dropout_key` is set: 0 when nothing is dropped.
  virtual void add(Context&, TensorView /*x*/, TensorView /*z*/, Saved&) const {}
  /// dx (T, in) +=, unless dx is empty.
  virtual void add_backward(Context&, TensorView /*x*/, const Saved&, TensorView /*dz*/,
                            TensorView /*dx*/) const {}

  /// Whether the output is scaled, and if so with the bias or before it is added.
  enum class Output : std::uint8_t { unscaled, without_bias, with_bias };
  virtual Output output() const { return Output::unscaled; }
  /// y (T, out) = or += saved.z, scaled.
  virtual void scale_output(Context&, const Saved&, TensorView /*y*/, bool /*accumulate*/) const {}
  /// dz (T, out) from dy.
  virtual void scale_output_backward(Context&, const Saved&, TensorView /*dy*/,
                                     TensorView /*dz*/) const {}

  // What follows from the base weight and the parameters and is kept: elements of the accumulator
  // type, where they lie, and when they are computed.
  virtual std::int64_t derived_elements() const { return 0; }
  virtual void place_derived(TensorView) {}
  /// Once, when the base weight is there; may set parameters that begin as something of it.
  virtual void begin(Context&, const quant::FrozenMatrix&) {}
  /// After every change of the parameters.
  virtual void refresh(Context&, const quant::FrozenMatrix&) const {}
};

}  // namespace axl::adapter
