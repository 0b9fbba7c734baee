#pragma once
#include <string>

#include "family/shape.hpp"
#include "ops/ops.hpp"
#include "tensor/parameters.hpp"

namespace axl::model {

/// RMSNorm or LayerNorm over rows of `width` elements, its weights frozen or trained.
struct Norm {
  std::string name;
  family::NormShape shape;
  std::int64_t width = 0;
  tensor::TensorView weight, bias;  ///< (width); bias with LayerNorm only
  tensor::Parameter* trained = nullptr;
  tensor::Parameter* trained_bias = nullptr;

  bool has_bias() const { return shape.kind == family::NormKind::layer; }
  bool trains_anything() const { return trained != nullptr || trained_bias != nullptr; }

  /// Statistics that backward needs, (rows) each.
  struct Saved {
    tensor::TensorView rstd, mean;  ///< mean with LayerNorm only
  };
  Saved allocate_saved(device::Arena& arena, DType compute, std::int64_t rows) const;

  /// y = norm(x), both (rows, width). Statistics are written where `saved` has room.
  void forward(ops::Context& ctx, tensor::TensorView x, tensor::TensorView y,
               const Saved& saved) const;
  /// dx = or += gradient of x; dx may be dy. Adds the gradients of what is trained.
  void backward(ops::Context& ctx, tensor::TensorView x, const Saved& saved, tensor::TensorView dy,
                tensor::TensorView dx, bool accumulate_dx) const;
};

}  // namespace axl::model
