#include "ops/checks.hpp"

namespace axl::ops {

void gather_columns(Context& ctx, TensorView wide, const std::int32_t* ids, TensorView narrow) {
  require("gather_columns", "narrow", narrow, {wide.dim(0), narrow.dim(1)});
  require_type("gather_columns", "narrow", narrow, wide.dtype());
  dispatch("gather_columns", wide.dtype(), [&]<class T>(T) {
    ctx.kernels.columns(kernels::Columns<T>{wide.as<T>(), narrow.as<T>(), ids, wide.dim(0),
                                            narrow.dim(1), wide.dim(1), false},
                        ctx.queue);
  });
}

void scatter_columns(Context& ctx, TensorView narrow, const std::int32_t* ids, std::int64_t count,
                     TensorView wide) {
  if (narrow) {
    require("scatter_columns", "narrow", narrow, {wide.dim(0), count});
    require_type("scatter_columns", "narrow", narrow, wide.dtype());
  }
  dispatch("scatter_columns", wide.dtype(), [&]<class T>(T) {
    ctx.kernels.columns(kernels::Columns<T>{narrow ? narrow.as<T>() : nullptr, wide.as<T>(), ids,
                                            wide.dim(0), count, wide.dim(1), true},
                        ctx.queue);
  });
}

void add_columns(Context& ctx, TensorView narrow, const std::int32_t* ids, TensorView wide) {
  require("add_columns", "narrow", narrow, {wide.dim(0), narrow.dim(1)});
  dispatch("add_columns", narrow.dtype(), [&]<class T>(T) {
    ctx.kernels.columns_add(kernels::ColumnsAdd<T>{narrow.as<T>(), acc<T>(wide), ids, wide.dim(0),
                                                   narrow.dim(1), wide.dim(1)},
                            ctx.queue);
  });
}

}  // namespace axl::ops
