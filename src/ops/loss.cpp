#include "ops/checks.hpp"

namespace axl::ops {

void cross_entropy(Context& ctx, TensorView logits, const std::int32_t* targets, double* loss,
                   TensorView dlogits, DType compute, double grad_scale, double softcap) {
  const std::int64_t R = logits.dim(0), V = logits.dim(1);
  if (dlogits) require("cross_entropy", "dlogits", dlogits, {R, V});
  dispatch("cross_entropy", compute, [&]<class T>(T) {
    ctx.kernels.cross_entropy(
        kernels::CrossEntropy<T>{acc<T>(logits), targets, loss, dlogits ? dlogits.as<T>() : nullptr,
                                 R, V, grad_scale, softcap},
        ctx.queue);
  });
}

void softcap(Context& ctx, TensorView logits, DType compute, double cap) {
  dispatch("softcap", compute, [&]<class T>(T) {
    ctx.kernels.softcap(kernels::SoftCap<T>{acc<T>(logits), logits.elements(), cap}, ctx.queue);
  });
}

}  // namespace axl::ops
