// The executable definition of every contract: serial, plain, sums in double. What the other back
// ends are tested against; slow on purpose.
#include "axl/kernels/table.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "reference/optimizer.hpp"

namespace axl::kernels {
namespace {

template <class T>
double d(T x) {
  if constexpr (std::is_same_v<T, bf16>)
    return static_cast<double>(static_cast<float>(x));
  else
    return static_cast<double>(x);
}
template <class T>
T from(double x) {
  if constexpr (std::is_same_v<T, bf16>)
    return bf16(static_cast<float>(x));
  else
    return static_cast<T>(x);
}

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
void rmsnorm_fwd(const RmsNormFwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t) {
    double sum = 0;
    for (std::int64_t c = 0; c < a.C; ++c) sum += d(a.x[t * a.C + c]) * d(a.x[t * a.C + c]);
    const double r = 1.0 / std::sqrt(sum / static_cast<double>(a.C) + a.eps);
    if (a.rstd != nullptr) a.rstd[t] = static_cast<Acc<T>>(r);
    for (std::int64_t c = 0; c < a.C; ++c)
      a.y[t * a.C + c] = from<T>(d(a.x[t * a.C + c]) * r * d(a.w[c]));
  }
}

template <class T>
void rmsnorm_bwd(const RmsNormBwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t) {
    const T* x = a.x + t * a.C;
    const T* dy = a.dy + t * a.C;
    const double r = d(a.rstd[t]);
    double m = 0;
    for (std::int64_t c = 0; c < a.C; ++c) m += d(x[c]) * d(a.w[c]) * d(dy[c]);
    m /= static_cast<double>(a.C);
    for (std::int64_t c = 0; c < a.C; ++c) {
      if (a.dw != nullptr) a.dw[c] += static_cast<Acc<T>>(d(dy[c]) * d(x[c]) * r);
      const double dx = rmsnorm_dx(d(x[c]), d(a.w[c]), d(dy[c]), r, m);
      T& out = a.dx[t * a.C + c];
      out = from<T>(a.accumulate_dx ? d(out) + dx : dx);
    }
  }
}

template <class T>
void rope(const Rope<T>& a, Queue&) {
  const std::int64_t half = a.D / 2;
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t h = 0; h < a.H; ++h)
      for (std::int64_t i = 0; i < half; ++i) {
        T* x = a.x + t * a.stride + h * a.D + i;
        const double c = d(a.cos[a.positions[t] * half + i]);
        const double s = d(a.sin[a.positions[t] * half + i]) * (a.inverse ? -1.0 : 1.0);
        const double first = d(x[0]), second = d(x[half]);
        x[0] = from<T>(first * c - second * s);
        x[half] = from<T>(second * c + first * s);
      }
}

template <class T>
void swiglu_fwd(const SwigluFwd<T>& a, Queue&) {
  for (std::int64_t i = 0; i < a.n; ++i)
    a.y[i] = from<T>(d(a.g[i]) / (1.0 + std::exp(-d(a.g[i]))) * d(a.u[i]));
}

template <class T>
void swiglu_bwd(const SwigluBwd<T>& a, Queue&) {
  for (std::int64_t i = 0; i < a.n; ++i) {
    const double g = d(a.g[i]), u = d(a.u[i]), dy = d(a.dy[i]);
    const double sigma = 1.0 / (1.0 + std::exp(-g));
    a.dg[i] = from<T>(dy * u * silu_prime(g, sigma));
    a.du[i] = from<T>(dy * g * sigma);
  }
}

/// Probabilities of query row i of a document over its visible keys.
template <class T>
std::vector<double> probabilities(const T* q, const T* k, std::int64_t k_stride, std::int64_t D,
                                  std::int64_t visible, double scale, double* lse) {
  std::vector<double> p(static_cast<std::size_t>(visible));
  double top = -INFINITY, sum = 0;
  for (std::int64_t j = 0; j < visible; ++j) {
    double s = 0;
    for (std::int64_t c = 0; c < D; ++c) s += d(q[c]) * d(k[j * k_stride + c]);
    p[static_cast<std::size_t>(j)] = s * scale;
    top = std::max(top, s * scale);
  }
  for (double& x : p) sum += x = std::exp(x - top);
  for (double& x : p) x /= sum;
  *lse = top + std::log(sum);
  return p;
}

template <class T>
void attention_fwd(const AttentionFwd<T>& a, Queue&) {
  for (std::int64_t doc = 0; doc < a.docs; ++doc)
    for (std::int64_t h = 0; h < a.Hq; ++h)
      for (std::int64_t i = a.cu_q[doc]; i < a.cu_q[doc + 1]; ++i) {
        const std::int64_t hk = h / (a.Hq / a.Hkv), k0 = a.cu_k[doc];
        const std::int64_t qlen = a.cu_q[doc + 1] - a.cu_q[doc], klen = a.cu_k[doc + 1] - k0;
        const std::int64_t visible = i - a.cu_q[doc] + klen - qlen + 1;
        double lse = 0;
        const auto p =
            probabilities(a.q + i * a.q_stride + h * a.D, a.k + k0 * a.k_stride + hk * a.D,
                          a.k_stride, a.D, visible, a.scale, &lse);
        if (a.lse != nullptr) a.lse[h * a.Tq + i] = static_cast<Acc<T>>(lse);
        for (std::int64_t c = 0; c < a.D; ++c) {
          double sum = 0;
          for (std::int64_t j = 0; j < visible; ++j)
            sum += p[static_cast<std::size_t>(j)] * d(a.v[(k0 + j) * a.v_stride + hk * a.D + c]);
          a.o[i * a.o_stride + h * a.D + c] = from<T>(sum);
        }
      }
}

template <class T>
void attention_bwd(const AttentionBwd<T>& a, Queue&) {
  const std::int64_t group = a.Hq / a.Hkv;
  std::vector<double> dk(static_cast<std::size_t>(a.T * a.Hkv * a.D)), dv(dk.size());
  for (std::int64_t doc = 0; doc < a.docs; ++doc)
    for (std::int64_t h = 0; h < a.Hq; ++h)
      for (std::int64_t i = a.cu[doc]; i < a.cu[doc + 1]; ++i) {
        const std::int64_t hk = h / group, k0 = a.cu[doc], visible = i - k0 + 1;
        double lse = 0;
        const T* q = a.q + i * a.q_stride + h * a.D;
        const T* k = a.k + k0 * a.k_stride + hk * a.D;
        const T* d_o = a.d_o + i * a.do_stride + h * a.D;
        const auto p = probabilities(q, k, a.k_stride, a.D, visible, a.scale, &lse);
        double delta = 0;
        for (std::int64_t c = 0; c < a.D; ++c)
          delta += d(a.o[i * a.o_stride + h * a.D + c]) * d(d_o[c]);
        std::vector<double> dq(static_cast<std::size_t>(a.D), 0.0);
        for (std::int64_t j = 0; j < visible; ++j) {
          const double pj = p[static_cast<std::size_t>(j)];
          double dp = 0;
          for (std::int64_t c = 0; c < a.D; ++c)
            dp += d(d_o[c]) * d(a.v[(k0 + j) * a.v_stride + hk * a.D + c]);
          const double ds = pj * (dp - delta) * a.scale;
          for (std::int64_t c = 0; c < a.D; ++c) {
            const auto at = static_cast<std::size_t>(((k0 + j) * a.Hkv + hk) * a.D + c);
            dq[static_cast<std::size_t>(c)] += ds * d(k[j * a.k_stride + c]);
            dk[at] += ds * d(q[c]);
            dv[at] += pj * d(d_o[c]);
          }
        }
        for (std::int64_t c = 0; c < a.D; ++c)
          a.dq[i * a.dq_stride + h * a.D + c] = from<T>(dq[static_cast<std::size_t>(c)]);
      }
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t c = 0; c < a.Hkv * a.D; ++c) {
      a.dk[t * a.dk_stride + c] = from<T>(dk[static_cast<std::size_t>(t * a.Hkv * a.D + c)]);
      a.dv[t * a.dv_stride + c] = from<T>(dv[static_cast<std::size_t>(t * a.Hkv * a.D + c)]);
    }
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
      const double p = std::exp(d(x[v]) - lse) - (v == a.targets[r] ? 1.0 : 0.0);
      a.dlogits[r * a.V + v] = from<T>(a.grad_scale * p);
    }
  }
}

template <class T>
void copy(const Copy<T>& a, Queue&) {
  std::copy(a.x, a.x + a.n, a.y);
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
    a.dscale[c] += static_cast<Acc<T>>(d(a.weight[c]) * sum);
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

}  // namespace

#define AXL_REFERENCE(name) t.name = {"reference", &name<float>, &name<bf16>, &name<double>}
KernelTable reference_table() {
  KernelTable t;
  AXL_REFERENCE(embedding_fwd);
  AXL_REFERENCE(embedding_bwd);
  AXL_REFERENCE(embedding_noise);
  AXL_REFERENCE(rmsnorm_fwd);
  AXL_REFERENCE(rmsnorm_bwd);
  AXL_REFERENCE(rope);
  AXL_REFERENCE(swiglu_fwd);
  AXL_REFERENCE(swiglu_bwd);
  AXL_REFERENCE(attention_fwd);
  AXL_REFERENCE(attention_bwd);
  AXL_REFERENCE(cross_entropy);
  AXL_REFERENCE(copy);
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
  reference::add_optimizer(t);
  return t;
}
#undef AXL_REFERENCE

}  // namespace axl::kernels
