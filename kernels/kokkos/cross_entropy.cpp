#include "kokkos/host.hpp"

namespace axl::kernels::host {
namespace {

/// sum of e^(x-m), in A's lanes per block of 4096 and in double over the blocks: V may be 256k.
template <class A>
double sum_exp(const A* x, std::int64_t V, A m) {
  double total = 0;
  for (std::int64_t first = 0; first < V; first += 4096) {
    const std::int64_t last = std::min(V, first + 4096);
    A sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t v = first; v < last; ++v) sum += exp_of(x[v] - m);
    total += static_cast<double>(sum);
  }
  return total;
}

template <class T>
void cross_entropy(const CrossEntropy<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::cross_entropy", Range(exec_of(q), 0, a.R), [=](std::int64_t r) {
    using A = Acc<T>;
    const A* x = a.logits + r * a.V;
    A m = x[0];
#pragma omp simd reduction(max : m)
    for (std::int64_t v = 0; v < a.V; ++v) m = std::max(m, x[v]);
    const double total = sum_exp(x, a.V, m);
    const std::int32_t target = a.targets[r];
    const double loss = static_cast<double>(m) + std::log(total) - static_cast<double>(x[target]);
    a.loss[r] = loss;
    if (a.dlogits == nullptr) return;
    T* d = a.dlogits + r * a.V;
    const A scale = static_cast<A>(a.grad_scale / total);
#pragma omp simd
    for (std::int64_t v = 0; v < a.V; ++v) d[v] = T(exp_of(x[v] - m) * scale);
    // p - 1 from the loss, not from p: exact where the target's probability is near one.
    d[target] = T(static_cast<A>(a.grad_scale * std::expm1(-loss)));
  });
}

}  // namespace

void add_cross_entropy(KernelTable& t) {
  t.cross_entropy = {"kokkos", &cross_entropy<float>, &cross_entropy<bf16>, &cross_entropy<double>};
}

}  // namespace axl::kernels::host
