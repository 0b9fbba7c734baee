#include "kokkos/host.hpp"
#include "kokkos/simd.hpp"

namespace axl::kernels::host {
namespace {

template <class T>
void swiglu_fwd(const SwigluFwd<T>& a, Queue& q) {
  for_blocks("axl::swiglu_fwd", q, a.n, [=](std::int64_t first, std::int64_t last) {
    using A = Acc<T>;
    for_vectors<A>(first, last, [&](std::int64_t i, auto part) {
      const Vec<A> g = load(a.g + i, part), u = load(a.u + i, part);
      store(a.y + i, g / (A(1) + exp_of(-g)) * u, part);
    });
  });
}

template <class T>
void swiglu_bwd(const SwigluBwd<T>& a, Queue& q) {
  for_blocks("axl::swiglu_bwd", q, a.n, [=](std::int64_t first, std::int64_t last) {
    using A = Acc<T>;
    for_vectors<A>(first, last, [&](std::int64_t i, auto part) {
      const Vec<A> g = load(a.g + i, part), u = load(a.u + i, part), dy = load(a.dy + i, part);
      const Vec<A> sigma = A(1) / (A(1) + exp_of(-g));
      store(a.dg + i, dy * u * silu_prime(g, sigma), part);
      store(a.du + i, dy * g * sigma, part);
    });
  });
}

template <class T>
void rope(const Rope<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::rope", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    using A = Acc<T>;
    const std::int64_t half = a.D / 2;
    const A* cos = a.cos + a.positions[t] * half;
    const A* sin = a.sin + a.positions[t] * half;
    const A sign = a.inverse ? A(-1) : A(1);
    for (std::int64_t h = 0; h < a.H; ++h) {
      T* x = a.x + t * a.stride + h * a.D;
      for_vectors<A>(0, half, [&](std::int64_t i, auto part) {
        const Vec<A> first = load(x + i, part), second = load(x + i + half, part);
        const Vec<A> c = load(cos + i, part), s = sign * load(sin + i, part);
        store(x + i, first * c - second * s, part);
        store(x + i + half, second * c + first * s, part);
      });
    }
  });
}

}  // namespace

void add_activations(KernelTable& t) {
  t.swiglu_fwd = {"kokkos", &swiglu_fwd<float>, &swiglu_fwd<bf16>, &swiglu_fwd<double>};
  t.swiglu_bwd = {"kokkos", &swiglu_bwd<float>, &swiglu_bwd<bf16>, &swiglu_bwd<double>};
  t.rope = {"kokkos", &rope<float>, &rope<bf16>, &rope<double>};
}

}  // namespace axl::kernels::host
