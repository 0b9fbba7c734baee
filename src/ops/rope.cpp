#include "ops/checks.hpp"

namespace axl::ops {

Heads all_heads(TensorView t, std::int64_t heads) {
  const std::int64_t D = t.dim(1) / heads;
  require("all_heads", "rows", t, {t.dim(0), heads * D});
  return {.rows = t, .heads = heads, .head_dim = D, .head_stride = D};
}

void rope(Context& ctx, const Heads& x, const std::int32_t* positions, TensorView cos,
          TensorView sin, bool inverse) {
  require_heads("rope", "x", x);
  const std::int64_t R = 2 * cos.dim(1);
  if (R > x.head_dim)
    throw Error(ErrorCode::shape, "ops::rope: cos is " + cos.shape_text() + ", heads have " +
                                      std::to_string(x.head_dim) + " elements");
  require("rope", "sin", sin, {cos.dim(0), R / 2});
  dispatch("rope", x.rows.dtype(), [&]<class T>(T) {
    ctx.kernels.rope(
        kernels::Rope<T>{first_of<T>(x), positions, acc<T>(cos), acc<T>(sin), x.rows.dim(0),
                         x.heads, R, x.rows.dim(1), x.head_stride, inverse},
        ctx.queue);
  });
}

}  // namespace axl::ops
