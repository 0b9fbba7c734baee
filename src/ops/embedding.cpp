#include "ops/checks.hpp"

namespace axl::ops {

void embedding(Context& ctx, const std::int32_t* ids, TensorView table, TensorView y) {
  require("embedding", "y", y, {y.dim(0), table.dim(1)});
  dispatch("embedding", y.dtype(), [&]<class T>(T) {
    ctx.kernels.embedding_fwd(
        kernels::EmbeddingFwd<T>{ids, table.as<T>(), y.as<T>(), y.dim(0), y.dim(1)}, ctx.queue);
  });
}

void embedding_noise(Context& ctx, std::span<const std::int32_t> cu_seqlens, double alpha,
                     std::uint64_t key, TensorView x) {
  AXL_CHECK(!cu_seqlens.empty() && cu_seqlens.back() == x.dim(0),
            "ops::embedding_noise: the documents are not those of x");
  dispatch("embedding_noise", x.dtype(), [&]<class T>(T) {
    ctx.kernels.embedding_noise(
        kernels::EmbeddingNoise<T>{x.as<T>(), cu_seqlens.data(),
                                   static_cast<std::int64_t>(cu_seqlens.size()) - 1, x.dim(0),
                                   x.dim(1), alpha, key},
        ctx.queue);
  });
}

void embedding_backward(Context& ctx, const std::int32_t* ids, TensorView dy, TensorView dtable) {
  require("embedding_backward", "dtable", dtable, {dtable.dim(0), dy.dim(1)});
  dispatch("embedding_backward", dy.dtype(), [&]<class T>(T) {
    ctx.kernels.embedding_bwd(
        kernels::EmbeddingBwd<T>{ids, dy.as<T>(), acc<T>(dtable), dy.dim(0), dy.dim(1)}, ctx.queue);
  });
}

}  // namespace axl::ops
