#include <limits>
#include <vector>

#include "kokkos/host.hpp"
#include "kokkos/tile_gemm.hpp"

// Tiles of kQueries x kKeys scores live in L1/L2; operands are widened to Acc<T> once per tile. A
// task is one query block (forward) or one document (backward) of one query head, so no two tasks
// write the same element and every sum has one order whatever the number of threads.

namespace axl::kernels::host {
namespace {

constexpr std::int64_t kQueries = 64;
constexpr std::int64_t kKeys = 64;

/// out (rows, D) = factor * in, widened.
template <class T>
void load_tile(const T* in, std::int64_t stride, std::int64_t rows, std::int64_t D, Acc<T>* out,
               Acc<T> factor = Acc<T>(1)) {
  for (std::int64_t i = 0; i < rows; ++i) {
#pragma omp simd
    for (std::int64_t d = 0; d < D; ++d) out[i * D + d] = factor * up(in[i * stride + d]);
  }
}

/// out (columns, rows) = transpose of in (rows, columns).
template <class A>
void transpose(const A* in, std::int64_t rows, std::int64_t columns, std::int64_t out_stride,
               A* out) {
  for (std::int64_t j = 0; j < columns; ++j)
    for (std::int64_t i = 0; i < rows; ++i) out[j * out_stride + i] = in[i * columns + j];
}

template <class A>
std::size_t z(A n) {
  return static_cast<std::size_t>(n);
}

template <class T>
struct ForwardTile {
  using A = Acc<T>;
  std::vector<A> q, k, kt, v, s, o, m, l;
  explicit ForwardTile(std::int64_t D)
      : q(z(kQueries * D)),
        k(z(kKeys * D)),
        kt(z(kKeys * D)),
        v(z(kKeys * D)),
        s(z(kQueries * kKeys)),
        o(z(kQueries * D)),
        m(z(kQueries)),
        l(z(kQueries)) {}
};

/// One row of online softmax: rescales what was summed so far to the new maximum.
template <class A>
void softmax_row(A* s, std::int64_t keys, std::int64_t visible, A* o, std::int64_t D, A& m, A& l) {
  A top = m;
#pragma omp simd reduction(max : top)
  for (std::int64_t j = 0; j < visible; ++j) top = std::max(top, s[j]);
  A sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t j = 0; j < visible; ++j) {
    s[j] = exp_of(s[j] - top);
    sum += s[j];
  }
  for (std::int64_t j = visible; j < keys; ++j) s[j] = A(0);
  const A rescale = l > A(0) ? exp_of(m - top) : A(0);
  l = l * rescale + sum;
  m = top;
  if (rescale == A(1)) return;
#pragma omp simd
  for (std::int64_t d = 0; d < D; ++d) o[d] *= rescale;
}

template <class T>
void forward_block(const AttentionFwd<T>& a, std::int64_t doc, std::int64_t block, std::int64_t h) {
  using A = Acc<T>;
  const std::int64_t q0 = a.cu_q[doc] + block * kQueries, q1 = a.cu_q[doc + 1];
  const std::int64_t queries = std::min(kQueries, q1 - q0), D = a.D;
  const std::int64_t k0 = a.cu_k[doc], klen = a.cu_k[doc + 1] - k0;
  // Key j is visible to query i of the document when j <= i + offset.
  const std::int64_t offset = klen - (q1 - a.cu_q[doc]) + block * kQueries;
  const std::int64_t hk = h / (a.Hq / a.Hkv);
  ForwardTile<T> t(D);
  load_tile(a.q + q0 * a.q_stride + h * D, a.q_stride, queries, D, t.q.data(),
            static_cast<A>(a.scale));
  std::fill(t.m.begin(), t.m.end(), -std::numeric_limits<A>::infinity());
  for (std::int64_t j0 = 0; j0 < std::min(klen, queries + offset); j0 += kKeys) {
    const std::int64_t keys = std::min(kKeys, klen - j0);
    load_tile(a.k + (k0 + j0) * a.k_stride + hk * D, a.k_stride, keys, D, t.k.data());
    load_tile(a.v + (k0 + j0) * a.v_stride + hk * D, a.v_stride, keys, D, t.v.data());
    transpose(t.k.data(), keys, D, kKeys, t.kt.data());
    std::fill(t.s.begin(), t.s.end(), A(0));
    TileGemm<A>::run(queries, keys, D, t.q.data(), D, t.kt.data(), kKeys, t.s.data(), kKeys);
    for (std::int64_t i = 0; i < queries; ++i) {
      const std::int64_t visible = std::clamp(i + offset + 1 - j0, std::int64_t{0}, keys);
      if (visible > 0)
        softmax_row(&t.s[z(i * kKeys)], keys, visible, &t.o[z(i * D)], D, t.m[z(i)], t.l[z(i)]);
      else
        std::fill_n(&t.s[z(i * kKeys)], keys, A(0));
    }
    TileGemm<A>::run(queries, D, keys, t.s.data(), kKeys, t.v.data(), D, t.o.data(), D);
  }
  for (std::int64_t i = 0; i < queries; ++i) {
    T* o = a.o + (q0 + i) * a.o_stride + h * D;
    const A inverse = A(1) / t.l[z(i)];
#pragma omp simd
    for (std::int64_t d = 0; d < D; ++d) o[d] = T(t.o[z(i * D) + z(d)] * inverse);
    if (a.lse != nullptr) a.lse[h * a.Tq + q0 + i] = t.m[z(i)] + std::log(t.l[z(i)]);
  }
}

template <class T>
void attention_fwd(const AttentionFwd<T>& a, Queue& q) {
  std::vector<std::int64_t> first_block(z(a.docs + 1), 0);  // of every document
  for (std::int64_t d = 0; d < a.docs; ++d)
    first_block[z(d + 1)] =
        first_block[z(d)] + (a.cu_q[d + 1] - a.cu_q[d] + kQueries - 1) / kQueries;
  const std::int64_t blocks = first_block.back();
  const std::int64_t* starts = first_block.data();
  Kokkos::parallel_for(
      "axl::attention_fwd", DynamicRange(exec_of(q), 0, blocks * a.Hq), [=](std::int64_t task) {
        const std::int64_t block = task / a.Hq;
        const std::int64_t doc = std::upper_bound(starts, starts + a.docs + 1, block) - starts - 1;
        forward_block(a, doc, block - starts[doc], task % a.Hq);
      });
}

template <class T>
struct BackwardTile {
  using A = Acc<T>;
  std::vector<A> q, k, kt, v, vt, d_o, p, ds, transposed, dq;
  explicit BackwardTile(std::int64_t D, std::int64_t length)
      : q(z(kQueries * D)),
        k(z(kKeys * D)),
        kt(z(kKeys * D)),
        v(z(kKeys * D)),
        vt(z(kKeys * D)),
        d_o(z(kQueries * D)),
        p(z(kQueries * kKeys)),
        ds(z(kQueries * kKeys)),
        transposed(z(kQueries * kKeys)),
        dq(z(length * D)) {}
};

/// One document of one query head: dq complete, dk and dv of this head into the workspace.
template <class T>
void backward_document(const AttentionBwd<T>& a, std::int64_t doc, std::int64_t h) {
  using A = Acc<T>;
  const std::int64_t begin = a.cu[doc], length = a.cu[doc + 1] - begin, D = a.D;
  const std::int64_t hk = h / (a.Hq / a.Hkv);
  A* dk_all = a.workspace + (h * a.T + begin) * D;
  A* dv_all = a.workspace + a.T * a.Hq * D + (h * a.T + begin) * D;
  A* delta = a.workspace + 2 * a.T * a.Hq * D + h * a.T + begin;
  std::fill(dk_all, dk_all + length * D, A(0));
  std::fill(dv_all, dv_all + length * D, A(0));
  for (std::int64_t i = 0; i < length; ++i) {
    const T* o = a.o + (begin + i) * a.o_stride + h * D;
    const T* d_o = a.d_o + (begin + i) * a.do_stride + h * D;
    A sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t d = 0; d < D; ++d) sum += up(o[d]) * up(d_o[d]);
    delta[i] = sum;
  }
  BackwardTile<T> t(D, length);
  for (std::int64_t j0 = 0; j0 < length; j0 += kKeys) {
    const std::int64_t keys = std::min(kKeys, length - j0);
    load_tile(a.k + (begin + j0) * a.k_stride + hk * D, a.k_stride, keys, D, t.k.data());
    load_tile(a.v + (begin + j0) * a.v_stride + hk * D, a.v_stride, keys, D, t.v.data());
    transpose(t.k.data(), keys, D, kKeys, t.kt.data());
    transpose(t.v.data(), keys, D, kKeys, t.vt.data());
    for (std::int64_t i0 = j0 / kQueries * kQueries; i0 < length; i0 += kQueries) {
      const std::int64_t queries = std::min(kQueries, length - i0);
      load_tile(a.q + (begin + i0) * a.q_stride + h * D, a.q_stride, queries, D, t.q.data(),
                static_cast<A>(a.scale));
      load_tile(a.d_o + (begin + i0) * a.do_stride + h * D, a.do_stride, queries, D, t.d_o.data());
      std::fill(t.p.begin(), t.p.end(), A(0));
      std::fill(t.ds.begin(), t.ds.end(), A(0));
      TileGemm<A>::run(queries, keys, D, t.q.data(), D, t.kt.data(), kKeys, t.p.data(), kKeys);
      TileGemm<A>::run(queries, keys, D, t.d_o.data(), D, t.vt.data(), kKeys, t.ds.data(), kKeys);
      const A* lse = a.lse + h * a.T + begin + i0;
      for (std::int64_t i = 0; i < queries; ++i) {
        const std::int64_t visible = std::clamp(i0 + i + 1 - j0, std::int64_t{0}, keys);
        A* p = &t.p[z(i * kKeys)];
        A* ds = &t.ds[z(i * kKeys)];
        const A row_lse = lse[i], row_delta = delta[i0 + i];
#pragma omp simd
        for (std::int64_t j = 0; j < visible; ++j) {
          p[j] = exp_of(p[j] - row_lse);
          ds[j] = p[j] * (ds[j] - row_delta);
        }
        for (std::int64_t j = visible; j < keys; ++j) p[j] = ds[j] = A(0);
      }
      transpose(t.p.data(), queries, kKeys, kQueries, t.transposed.data());
      TileGemm<A>::run(keys, D, queries, t.transposed.data(), kQueries, t.d_o.data(), D,
                       dv_all + j0 * D, D);
      transpose(t.ds.data(), queries, kKeys, kQueries, t.transposed.data());
      TileGemm<A>::run(keys, D, queries, t.transposed.data(), kQueries, t.q.data(), D,
                       dk_all + j0 * D, D);
      TileGemm<A>::run(queries, D, keys, t.ds.data(), kKeys, t.k.data(), D, &t.dq[z(i0 * D)], D);
    }
  }
  const A scale = static_cast<A>(a.scale);
  for (std::int64_t i = 0; i < length; ++i) {
    T* dq = a.dq + (begin + i) * a.dq_stride + h * D;
#pragma omp simd
    for (std::int64_t d = 0; d < D; ++d) dq[d] = T(scale * t.dq[z(i * D) + z(d)]);
  }
}

template <class T>
void attention_bwd(const AttentionBwd<T>& a, Queue& q) {
  using A = Acc<T>;
  Kokkos::parallel_for("axl::attention_bwd", DynamicRange(exec_of(q), 0, a.docs * a.Hq),
                       [=](std::int64_t task) { backward_document(a, task / a.Hq, task % a.Hq); });
  const std::int64_t group = a.Hq / a.Hkv;
  Kokkos::parallel_for("axl::attention_bwd_kv", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    for (std::int64_t hk = 0; hk < a.Hkv; ++hk) {
      const A* dk = a.workspace + (hk * group * a.T + t) * a.D;
      const A* dv = dk + a.T * a.Hq * a.D;
      T* dk_out = a.dk + t * a.dk_stride + hk * a.D;
      T* dv_out = a.dv + t * a.dv_stride + hk * a.D;
      for (std::int64_t d = 0; d < a.D; ++d) {
        A k = 0, v = 0;
        for (std::int64_t g = 0; g < group; ++g) {
          k += dk[g * a.T * a.D + d];
          v += dv[g * a.T * a.D + d];
        }
        dk_out[d] = T(k);
        dv_out[d] = T(v);
      }
    }
  });
}

}  // namespace

void add_attention(KernelTable& t) {
  t.attention_fwd = {"kokkos", &attention_fwd<float>, &attention_fwd<bf16>, &attention_fwd<double>};
  t.attention_bwd = {"kokkos", &attention_bwd<float>, &attention_bwd<bf16>, &attention_bwd<double>};
}

}  // namespace axl::kernels::host
