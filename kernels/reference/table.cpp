// The executable definition of every contract: serial, plain, sums in double. What the other back
// ends are tested against; slow on purpose.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "reference/optimizer.hpp"
#include "reference/quantised.hpp"
#include "reference/reference.hpp"

namespace axl::kernels {
namespace {

using reference::d;
using reference::from;

template <class T>
void embedding_fwd(const EmbeddingFwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t c = 0; c < a.C; ++c) a.y[t * a.C + c] = a.table[a.ids[t] * a.C + c];
}

template <class T>
void embedding_noise(const EmbeddingNoise<T>& a, Queue&) {
  for (std::int64_t s = 0; s < a.documents; ++s) {
    const double length = a.cu_seqlens[s + 1] - a.cu_seqlens[s];
    const double scale = a.alpha / std::sqrt(length * static_cast<double>(a.C));
    for (std::int64_t i = a.cu_seqlens[s] * a.C; i < a.cu_seqlens[s + 1] * a.C; ++i)
      a.x[i] = from<T>(d(a.x[i]) + scale * symmetric_uniform(a.key, static_cast<std::uint64_t>(i)));
  }
}

template <class T>
void embedding_bwd(const EmbeddingBwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t c = 0; c < a.C; ++c)
      a.dtable[a.ids[t] * a.C + c] += static_cast<Acc<T>>(d(a.dy[t * a.C + c]));
}

template <class T>
void cross_entropy(const CrossEntropy<T>& a, Queue&) {
  for (std::int64_t r = 0; r < a.R; ++r) {
    const Acc<T>* x = a.logits + r * a.V;
    double top = -INFINITY, sum = 0;
    for (std::int64_t v = 0; v < a.V; ++v) top = std::max(top, d(x[v]));
    for (std::int64_t v = 0; v < a.V; ++v) sum += std::exp(d(x[v]) - top);
    const double lse = top + std::log(sum);
    a.loss[r] = lse - d(x[a.targets[r]]);
    if (a.dlogits == nullptr) continue;
    for (std::int64_t v = 0; v < a.V; ++v) {
      double p = std::exp(d(x[v]) - lse) - (v == a.targets[r] ? 1.0 : 0.0);
      if (a.softcap > 0) p *= 1.0 - d(x[v]) / a.softcap * d(x[v]) / a.softcap;
      a.dlogits[r * a.V + v] = from<T>(a.grad_scale * p);
    }
  }
}

template <class T>
void softcap(const SoftCap<T>& a, Queue&) {
  for (std::int64_t i = 0; i < a.n; ++i)
    a.x[i] = static_cast<Acc<T>>(a.cap * std::tanh(d(a.x[i]) / a.cap));
}

template <class T>
void copy(const Copy<T>& a, Queue&) {
  std::copy(a.x, a.x + a.n, a.y);
}

template <class T>
void copy_columns(const CopyColumns<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t c = 0; c < a.C; ++c) a.y[t * a.y_stride + c] = a.x[t * a.x_stride + c];
}

template <class T>
void add(const Add<T>& a, Queue&) {
  for (std::int64_t i = 0; i < a.n; ++i) a.y[i] = from<T>(d(a.y[i]) + d(a.x[i]));
}

template <class T>
void scale(const Scale<T>& a, Queue&) {
  for (std::int64_t i = 0; i < a.n; ++i) a.x[i] = from<T>(d(a.x[i]) * a.factor);
}

template <class T>
void rows(const Rows<T>& a, Queue&) {
  for (std::int64_t r = 0; r < a.R; ++r)
    for (std::int64_t c = 0; c < a.C; ++c) {
      if (a.scatter)
        a.y[a.rows[r] * a.C + c] = a.x[r * a.C + c];
      else
        a.y[r * a.C + c] = a.x[a.rows[r] * a.C + c];
    }
}

template <class T>
void bias_add(const BiasAdd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t c = 0; c < a.C; ++c)
      a.x[t * a.C + c] = from<T>(d(a.x[t * a.C + c]) + d(a.bias[c]));
}

template <class T>
void bias_grad(const BiasGrad<T>& a, Queue&) {
  for (std::int64_t c = 0; c < a.C; ++c) {
    double sum = 0;
    for (std::int64_t t = 0; t < a.T; ++t) sum += d(a.dy[t * a.C + c]);
    a.dbias[c] += static_cast<Acc<T>>(sum);
  }
}

template <class T>
void dropout(const Dropout<T>& a, Queue&) {
  for (std::int64_t i = 0; i < a.n; ++i) {
    const bool keep = dropout_keep(a.key, static_cast<std::uint64_t>(i), a.p);
    const double y = keep ? d(a.x[i]) / (1.0 - a.p) : 0.0;
    a.y[i] = from<T>(a.accumulate ? d(a.y[i]) + y : y);
  }
}

template <class T>
void from_acc(const FromAcc<T>& a, Queue&) {
  for (std::int64_t i = 0; i < a.n; ++i) a.y[i] = T(a.x[i]);
}

template <class T>
void columns(const Columns<T>& a, Queue&) {
  for (std::int64_t r = 0; r < a.R; ++r)
    for (std::int64_t n = 0; n < a.N; ++n) {
      const std::int64_t narrow = r * a.N + n, wide = r * a.V + a.columns[n];
      if (a.scatter)
        a.y[wide] = a.x == nullptr ? T(0) : a.x[narrow];
      else
        a.y[narrow] = a.x[wide];
    }
}

template <class T>
void columns_add(const ColumnsAdd<T>& a, Queue&) {
  for (std::int64_t r = 0; r < a.R; ++r)
    for (std::int64_t n = 0; n < a.N; ++n)
      a.y[r * a.V + a.columns[n]] += static_cast<Acc<T>>(d(a.x[r * a.N + n]));
}

template <class T>
void scale_columns(const ScaleColumns<T>& a, Queue&) {
  for (std::int64_t i = 0; i < a.T * a.C; ++i)
    a.y[i] = from<T>((a.accumulate ? d(a.y[i]) : 0.0) + d(a.scale[i % a.C]) * d(a.x[i]));
}

template <class T>
void scale_columns_grad(const ScaleColumnsGrad<T>& a, Queue&) {
  for (std::int64_t c = 0; c < a.C; ++c) {
    double sum = 0;
    for (std::int64_t t = 0; t < a.T; ++t) sum += d(a.dy[t * a.C + c]) * d(a.x[t * a.C + c]);
    a.dscale[c] += static_cast<Acc<T>>((a.weight == nullptr ? 1.0 : d(a.weight[c])) * sum);
  }
}

template <class T>
void dora_factor(const DoraFactor<T>& a, Queue&) {
  for (std::int64_t o = 0; o < a.O; ++o) {
    double sum = d(a.base[o]);
    for (std::int64_t k = 0; k < a.r; ++k) {
      const double b = a.scale * d(a.b[o * a.r + k]);
      sum += 2.0 * b * d(a.aw[k * a.O + o]);
      for (std::int64_t l = 0; l < a.r; ++l)
        sum += b * a.scale * d(a.b[o * a.r + l]) * d(a.aa[k * a.r + l]);
    }
    a.inverse_norm[o] = static_cast<Acc<T>>(1.0 / std::sqrt(sum));
    a.factor[o] = static_cast<Acc<T>>(d(a.magnitude[o]) / std::sqrt(sum));
  }
}

double load(const void* p, DType t, std::int64_t i) {
  if (t == DType::f64) return static_cast<const double*>(p)[i];
  if (t == DType::f32) return d(static_cast<const float*>(p)[i]);
  return d(static_cast<const bf16*>(p)[i]);
}

void gemm(const Gemm& g, Queue&) {
  for (std::int64_t m = 0; m < g.M; ++m)
    for (std::int64_t n = 0; n < g.N; ++n) {
      double sum = 0;
      for (std::int64_t k = 0; k < g.K; ++k)
        sum += load(g.a, g.ab, g.trans_a ? k * g.lda + m : m * g.lda + k) *
               load(g.b, g.ab, g.trans_b ? n * g.ldb + k : k * g.ldb + n);
      const std::int64_t at = m * g.ldc + n;
      const double value = d(g.alpha) * sum + (g.accumulate ? load(g.c, g.c_type, at) : 0.0);
      if (g.c_type == DType::f64)
        static_cast<double*>(g.c)[at] = value;
      else if (g.c_type == DType::f32)
        static_cast<float*>(g.c)[at] = static_cast<float>(value);
      else
        static_cast<bf16*>(g.c)[at] = from<bf16>(value);
    }
}

std::int64_t pack_bytes(const PackQuery&) { return 0; }

void widen(const Widen& a, Queue&) {
  for (std::int64_t i = 0; i < a.n; ++i) a.y[i] = float(a.x[i]);
}

void widen_transposed(const WidenTransposed& a, Queue&) {
  for (std::int64_t r = 0; r < a.rows; ++r)
    for (std::int64_t c = 0; c < a.columns; ++c)
      a.y[c * a.rows + r] = static_cast<float>(a.x[r * a.columns + c]);
}

void narrow_gemm(const NarrowGemm& g, Queue&) {
  for (std::int64_t m = 0; m < g.M; ++m)
    for (std::int64_t n = 0; n < g.N; ++n) {
      double sum = g.accumulate ? d(g.c[m * g.ldc + n]) : 0.0;
      for (std::int64_t k = 0; k < g.K; ++k) sum += d(g.a[m * g.lda + k]) * d(g.b[n * g.K + k]);
      g.c[m * g.ldc + n] = static_cast<float>(sum);
    }
}

void fill_zero(const FillZero& a, Queue&) {
  std::memset(a.x, 0, static_cast<std::size_t>(a.bytes));
}

void sum(const Sum& a, Queue&) {
  double total = 0;
  for (std::int64_t i = 0; i < a.n; ++i) total += a.x[i];
  *a.result = total;
}

}  // namespace

KernelTable reference_table() {
  KernelTable t;
  reference::add_layers(t);
  AXL_REFERENCE(embedding_fwd);
  AXL_REFERENCE(embedding_bwd);
  AXL_REFERENCE(embedding_noise);
  AXL_REFERENCE(cross_entropy);
  AXL_REFERENCE(softcap);
  AXL_REFERENCE(copy);
  AXL_REFERENCE(copy_columns);
  AXL_REFERENCE(add);
  AXL_REFERENCE(scale);
  AXL_REFERENCE(rows);
  AXL_REFERENCE(bias_add);
  AXL_REFERENCE(bias_grad);
  AXL_REFERENCE(dropout);
  AXL_REFERENCE(from_acc);
  AXL_REFERENCE(columns);
  AXL_REFERENCE(columns_add);
  AXL_REFERENCE(scale_columns);
  AXL_REFERENCE(scale_columns_grad);
  AXL_REFERENCE(dora_factor);
  t.gemm_backend = "reference";
  t.gemm = &gemm;
  t.pack_bytes = &pack_bytes;
  t.widen = &widen;
  t.widen_transposed = &widen_transposed;
  t.narrow_gemm = &narrow_gemm;
  t.fill_zero = &fill_zero;
  t.sum = &sum;
  reference::add_optimizer(t);
  add_quantised_reference(t);
  return t;
}

}  // namespace axl::kernels
