#include "kokkos/host.hpp"
#include "kokkos/simd.hpp"

namespace axl::kernels::host {
namespace {

template <class T>
void layernorm_fwd(const LayerNormFwd<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::layernorm_fwd", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    using A = Acc<T>;
    const T* x = a.x + t * a.C;
    T* y = a.y + t * a.C;
    Vec<A> sum = {}, squares = {};
    for_vectors<A>(0, a.C, [&](std::int64_t c, auto part) { sum += load(x + c, part); });
    const A mean = sum_lanes<A>(sum) / static_cast<A>(a.C);
    for_vectors<A>(0, a.C, [&](std::int64_t c, auto part) {
      Vec<A> v = load(x + c, part) - mean;
      if constexpr (std::is_same_v<decltype(part), First>)  // lanes beyond the row hold -mean
        for (std::int64_t i = part.n; i < kLanes<A>; ++i) v[i] = 0;
      squares += v * v;
    });
    const A variance = sum_lanes<A>(squares) / static_cast<A>(a.C);
    const A r = A(1) / std::sqrt(variance + static_cast<A>(a.eps));
    if (a.mean != nullptr) a.mean[t] = mean;
    if (a.rstd != nullptr) a.rstd[t] = r;
    for_vectors<A>(0, a.C, [&](std::int64_t c, auto part) {
      const Vec<A> n = (load(x + c, part) - mean) * r * load(a.w + c, part);
      store(y + c, a.b != nullptr ? n + load(a.b + c, part) : n, part);
    });
  });
}

/// dw and db: rows in kLayerNormPartials blocks, whose sums are added in order.
template <class T>
void weight_gradients(const LayerNormBwd<T>& a, Queue& q) {
  using A = Acc<T>;
  const std::int64_t rows = (a.T + kLayerNormPartials - 1) / kLayerNormPartials;
  Kokkos::parallel_for(
      "axl::layernorm_dw", Range(exec_of(q), 0, kLayerNormPartials), [=](std::int64_t b) {
        A* dw = a.partial + 2 * b * a.C;
        A* db = dw + a.C;
        std::fill(dw, dw + 2 * a.C, A(0));
        for (std::int64_t t = b * rows; t < std::min(a.T, (b + 1) * rows); ++t) {
          const T* x = a.x + t * a.C;
          const T* dy = a.dy + t * a.C;
          const A r = a.rstd[t], mean = a.mean[t];
          for_vectors<A>(0, a.C, [&](std::int64_t c, auto some) {
            const Vec<A> d = load(dy + c, some);
            store(dw + c, load(dw + c, some) + d * ((load(x + c, some) - mean) * r), some);
            store(db + c, load(db + c, some) + d, some);
          });
        }
      });
  for (std::int64_t b = 0; b < kLayerNormPartials; ++b)
    for (std::int64_t c = 0; c < a.C; ++c) {
      if (a.dw != nullptr) a.dw[c] += a.partial[2 * b * a.C + c];
      if (a.db != nullptr) a.db[c] += a.partial[(2 * b + 1) * a.C + c];
    }
}

template <class T>
void layernorm_bwd(const LayerNormBwd<T>& a, Queue& q) {
  using A = Acc<T>;
  if (a.dw != nullptr || a.db != nullptr) weight_gradients(a, q);  // before dx overwrites dy
  Kokkos::parallel_for("axl::layernorm_dx", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    const T* x = a.x + t * a.C;
    const T* dy = a.dy + t * a.C;
    T* dx = a.dx + t * a.C;
    const A r = a.rstd[t], mean = a.mean[t];
    Vec<A> sums = {}, dots = {};
    for_vectors<A>(0, a.C, [&](std::int64_t c, auto part) {
      const Vec<A> d = load(a.w + c, part) * load(dy + c, part);
      sums += d;
      dots += d * ((load(x + c, part) - mean) * r);
    });
    const A level = sum_lanes<A>(sums) / static_cast<A>(a.C);
    const A slope = sum_lanes<A>(dots) / static_cast<A>(a.C);
    for_vectors<A>(0, a.C, [&](std::int64_t c, auto part) {
      const Vec<A> before = a.accumulate_dx ? load(dx + c, part) : Vec<A>{};
      const Vec<A> d = load(a.w + c, part) * load(dy + c, part);
      const Vec<A> n = (load(x + c, part) - mean) * r;
      store(dx + c, before + r * (d - level - n * slope), part);
    });
  });
}

}  // namespace

void add_layernorm(KernelTable& t) {
  t.layernorm_fwd = {"kokkos", &layernorm_fwd<float>, &layernorm_fwd<bf16>, &layernorm_fwd<double>};
  t.layernorm_bwd = {"kokkos", &layernorm_bwd<float>, &layernorm_bwd<bf16>, &layernorm_bwd<double>};
}

}  // namespace axl::kernels::host
