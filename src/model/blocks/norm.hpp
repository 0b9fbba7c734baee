#pragma once
#include <string>

#include "ops/ops.hpp"
#include "tensor/parameters.hpp"

namespace axl::model {

/// An RMSNorm with its weight, frozen or trained.
struct Norm {
  std::string name;
  tensor::TensorView weight;  ///< (C)
  tensor::Parameter* trained = nullptr;
  double eps = 1e-6;

  void forward(ops::Context& ctx, tensor::TensorView x, tensor::TensorView y,
               tensor::TensorView rstd) const {
    ops::rmsnorm(ctx, x, weight, y, rstd, eps);
  }
  void backward(ops::Context& ctx, tensor::TensorView x, tensor::TensorView rstd,
                tensor::TensorView dy, tensor::TensorView dx, bool accumulate_dx) const {
    ops::rmsnorm_backward(ctx, x, weight, rstd, dy, dx,
                          trained != nullptr ? trained->grad : tensor::TensorView(), accumulate_dx);
  }
};

}  // namespace axl::model
