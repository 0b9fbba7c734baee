#include "kokkos/host.hpp"
#include "kokkos/simd.hpp"

namespace axl::kernels::host {
namespace {

template <class A>
A largest(const A* x, std::int64_t V) {
  // Two chains: one maximum waits for the one before it.
  Vec<A> even = splat(x[0]), odd = even;
  std::int64_t v = 0;
  for (; v + 2 * kLanes<A> <= V; v += 2 * kLanes<A>) {
    even = larger<A>(even, load(x + v));
    odd = larger<A>(odd, load(x + v + kLanes<A>));
  }
  A top = max_lane<A>(larger<A>(even, odd));
  for (; v < V; ++v) top = std::max(top, x[v]);
  return top;
}

/// sum of e^(x-m), in A's lanes per block of 4096 and in double over the blocks: V may be 256k.
template <class A>
double sum_exp(const A* x, std::int64_t V, A m) {
  double total = 0;
  for (std::int64_t first = 0; first < V; first += 4096) {
    Vec<A> sum = {};
    A rest = 0;
    for_vectors<A>(first, std::min(V, first + 4096), [&]<class Part>(std::int64_t v, Part part) {
      const Vec<A> e = exp_of(load(x + v, part) - m);
      if constexpr (std::is_same_v<Part, All>)
        sum += e;
      else
        for (std::int64_t i = 0; i < part.n; ++i) rest += e[i];
    });
    total += static_cast<double>(sum_lanes<A>(sum) + rest);
  }
  return total;
}

template <class T>
void cross_entropy(const CrossEntropy<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::cross_entropy", Range(exec_of(q), 0, a.R), [=](std::int64_t r) {
    using A = Acc<T>;
    const A* x = a.logits + r * a.V;
    const A m = largest(x, a.V);
    const double total = sum_exp(x, a.V, m);
    const std::int32_t target = a.targets[r];
    const double loss = static_cast<double>(m) + std::log(total) - static_cast<double>(x[target]);
    a.loss[r] = loss;
    if (a.dlogits == nullptr) return;
    T* d = a.dlogits + r * a.V;
    const A scale = static_cast<A>(a.grad_scale / total);
    // p - 1 from the loss, not from p: exact where the target's probability is near one.
    double at_target = a.grad_scale * std::expm1(-loss);
    if (a.softcap > 0) {
      const double share = static_cast<double>(x[target]) / a.softcap;
      at_target *= 1.0 - share * share;
      const A inverse = static_cast<A>(1.0 / a.softcap);
      for_vectors<A>(0, a.V, [&](std::int64_t v, auto part) {
        const Vec<A> z = load(x + v, part);
        store(d + v, exp_of(z - m) * scale * (A(1) - z * inverse * (z * inverse)), part);
      });
    } else {
      for_vectors<A>(0, a.V, [&](std::int64_t v, auto part) {
        store(d + v, exp_of(load(x + v, part) - m) * scale, part);
      });
    }
    d[target] = T(static_cast<A>(at_target));
  });
}

template <class T>
void softcap(const SoftCap<T>& a, Queue& q) {
  using A = Acc<T>;
  const A cap = static_cast<A>(a.cap), twice = static_cast<A>(2.0 / a.cap);
  for_blocks("axl::softcap", q, a.n, [=](std::int64_t first, std::int64_t last) {
    for_vectors<A>(first, last, [&](std::int64_t i, auto part) {
      store(a.x + i, cap - A(2) * cap / (exp_of(twice * load(a.x + i, part)) + A(1)), part);
    });
  });
}

}  // namespace

void add_cross_entropy(KernelTable& t) {
  t.softcap = {"kokkos", &softcap<float>, &softcap<bf16>, &softcap<double>};
  t.cross_entropy = {"kokkos", &cross_entropy<float>, &cross_entropy<bf16>, &cross_entropy<double>};
}

}  // namespace axl::kernels::host
