#include "kokkos/host.hpp"
#include "kokkos/simd.hpp"

namespace axl::kernels::host {
namespace {

/// share(x) of the contract, and the derivative of x * share(x), for a vector of lanes.
template <class A>
struct Silu {
  static Vec<A> share(Vec<A> x) { return A(1) / (A(1) + exp_of(-x)); }
  static Vec<A> slope(Vec<A> x, Vec<A> share) { return silu_prime(x, share); }
};
template <class A>
struct Gelu {
  static Vec<A> share(Vec<A> x) {
    for (std::int64_t i = 0; i < kLanes<A>; ++i)
      x[i] = A(0.5) * std::erfc(-x[i] * static_cast<A>(kGeluRoot));
    return x;
  }
  static Vec<A> slope(Vec<A> x, Vec<A> share) {
    return share + x * static_cast<A>(kGeluDensity) * exp_of(A(-0.5) * x * x);
  }
};
/// (1 + tanh z) / 2 = 1 / (1 + e^-2z).
template <class A>
struct GeluTanh {
  static constexpr A k = static_cast<A>(2 * kGeluSlope), cubic = static_cast<A>(kGeluCubic);
  static Vec<A> share(Vec<A> x) { return A(1) / (A(1) + exp_of(-k * (x + cubic * x * x * x))); }
  static Vec<A> slope(Vec<A> x, Vec<A> share) {
    return share + x * (share - share * share) * (k * (A(1) + A(3) * cubic * x * x));
  }
};
template <class A>
struct Relu {
  static Vec<A> share(Vec<A> x) { return x > A(0) ? splat(A(1)) : Vec<A>{}; }
  static Vec<A> slope(Vec<A>, Vec<A> share) { return share; }
};

/// Calls f(from, to, first element of y) for stretches of (T, F) that are contiguous in rows of
/// `stride`: blocks of the whole where the rows follow each other, else row by row.
template <class F>
void for_stretches(const char* label, Queue& q, std::int64_t T, std::int64_t columns,
                   std::int64_t stride, F f) {
  if (stride == columns) {
    for_blocks(label, q, T * columns,
               [=](std::int64_t first, std::int64_t last) { f(first, last, first); });
    return;
  }
  Kokkos::parallel_for(label, Range(exec_of(q), 0, T),
                       [=](std::int64_t t) { f(t * stride, t * stride + columns, t * columns); });
}

template <class T, template <class> class Act>
void activation_fwd(const ActivationFwd<T>& a, Queue& q) {
  for_stretches("axl::activation_fwd", q, a.T, a.F, a.stride,
                [=](std::int64_t first, std::int64_t last, std::int64_t out) {
                  using A = Acc<T>;
                  for_vectors<A>(first, last, [&](std::int64_t i, auto part) {
                    const Vec<A> g = load(a.g + i, part);
                    Vec<A> y;
                    if constexpr (std::is_same_v<Act<A>, Silu<A>>)
                      y = g / (A(1) + exp_of(-g));
                    else
                      y = g * Act<A>::share(g);
                    if (a.u != nullptr) y = y * load(a.u + i, part);
                    store(a.y + (out + i - first), y, part);
                  });
                });
}

template <class T, template <class> class Act>
void activation_bwd(const ActivationBwd<T>& a, Queue& q) {
  for_stretches("axl::activation_bwd", q, a.T, a.F, a.stride,
                [=](std::int64_t first, std::int64_t last, std::int64_t out) {
                  using A = Acc<T>;
                  for_vectors<A>(first, last, [&](std::int64_t i, auto part) {
                    const Vec<A> g = load(a.g + i, part), dy = load(a.dy + (out + i - first), part);
                    const Vec<A> share = Act<A>::share(g);
                    if (a.u == nullptr) {
                      store(a.dg + i, dy * Act<A>::slope(g, share), part);
                      return;
                    }
                    const Vec<A> u = load(a.u + i, part);
                    store(a.dg + i, dy * u * Act<A>::slope(g, share), part);
                    store(a.du + i, dy * g * share, part);
                  });
                });
}

/// The same for whichever activation is asked for.
template <class T>
void activation_fwd(const ActivationFwd<T>& a, Queue& q) {
  switch (a.act) {
    case Activation::silu:
      return activation_fwd<T, Silu>(a, q);
    case Activation::gelu:
      return activation_fwd<T, Gelu>(a, q);
    case Activation::gelu_tanh:
      return activation_fwd<T, GeluTanh>(a, q);
    case Activation::relu:
      return activation_fwd<T, Relu>(a, q);
  }
}
template <class T>
void activation_bwd(const ActivationBwd<T>& a, Queue& q) {
  switch (a.act) {
    case Activation::silu:
      return activation_bwd<T, Silu>(a, q);
    case Activation::gelu:
      return activation_bwd<T, Gelu>(a, q);
    case Activation::gelu_tanh:
      return activation_bwd<T, GeluTanh>(a, q);
    case Activation::relu:
      return activation_bwd<T, Relu>(a, q);
  }
}

template <class T>
void rope(const Rope<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::rope", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    using A = Acc<T>;
    const std::int64_t half = a.R / 2;
    const A* cos = a.cos + a.positions[t] * half;
    const A* sin = a.sin + a.positions[t] * half;
    const A sign = a.inverse ? A(-1) : A(1);
    for (std::int64_t h = 0; h < a.H; ++h) {
      T* x = a.x + t * a.stride + h * a.head;
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
  t.activation_fwd = {"kokkos", &activation_fwd<float>, &activation_fwd<bf16>,
                      &activation_fwd<double>};
  t.activation_bwd = {"kokkos", &activation_bwd<float>, &activation_bwd<bf16>,
                      &activation_bwd<double>};
  t.rope = {"kokkos", &rope<float>, &rope<bf16>, &rope<double>};
}

}  // namespace axl::kernels::host
