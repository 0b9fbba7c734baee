// Norms, rotary positions, activations and attention in plain loops: see table.cpp.
#include <algorithm>
#include <cmath>
#include <vector>

#include "reference/reference.hpp"

namespace axl::kernels::reference {
namespace {

template <class T>
void rmsnorm_fwd(const RmsNormFwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t) {
    double sum = 0;
    for (std::int64_t c = 0; c < a.C; ++c) sum += d(a.x[t * a.C + c]) * d(a.x[t * a.C + c]);
    const double r = 1.0 / std::sqrt(sum / static_cast<double>(a.C) + a.eps);
    if (a.rstd != nullptr) a.rstd[t] = static_cast<Acc<T>>(r);
    for (std::int64_t c = 0; c < a.C; ++c)
      a.y[t * a.C + c] = from<T>(d(a.x[t * a.C + c]) * r * (d(a.w[c]) + a.offset));
  }
}

template <class T>
void rmsnorm_bwd(const RmsNormBwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t) {
    const T* x = a.x + t * a.C;
    const T* dy = a.dy + t * a.C;
    const double r = d(a.rstd[t]);
    double m = 0;
    for (std::int64_t c = 0; c < a.C; ++c) m += d(x[c]) * (d(a.w[c]) + a.offset) * d(dy[c]);
    m /= static_cast<double>(a.C);
    for (std::int64_t c = 0; c < a.C; ++c) {
      if (a.dw != nullptr) a.dw[c] += static_cast<Acc<T>>(d(dy[c]) * d(x[c]) * r);
      const double dx = rmsnorm_dx(d(x[c]), d(a.w[c]) + a.offset, d(dy[c]), r, m);
      T& out = a.dx[t * a.C + c];
      out = from<T>(a.accumulate_dx ? d(out) + dx : dx);
    }
  }
}

template <class T>
void layernorm_fwd(const LayerNormFwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t) {
    const T* x = a.x + t * a.C;
    double mean = 0, variance = 0;
    for (std::int64_t c = 0; c < a.C; ++c) mean += d(x[c]) / static_cast<double>(a.C);
    for (std::int64_t c = 0; c < a.C; ++c)
      variance += (d(x[c]) - mean) * (d(x[c]) - mean) / static_cast<double>(a.C);
    const double r = 1.0 / std::sqrt(variance + a.eps);
    if (a.mean != nullptr) a.mean[t] = static_cast<Acc<T>>(mean);
    if (a.rstd != nullptr) a.rstd[t] = static_cast<Acc<T>>(r);
    for (std::int64_t c = 0; c < a.C; ++c)
      a.y[t * a.C + c] =
          from<T>((d(x[c]) - mean) * r * d(a.w[c]) + (a.b != nullptr ? d(a.b[c]) : 0.0));
  }
}

template <class T>
void layernorm_bwd(const LayerNormBwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t) {
    const T* x = a.x + t * a.C;
    const T* dy = a.dy + t * a.C;
    const double r = d(a.rstd[t]), mean = d(a.mean[t]);
    double level = 0, slope = 0;
    for (std::int64_t c = 0; c < a.C; ++c) {
      level += d(a.w[c]) * d(dy[c]) / static_cast<double>(a.C);
      slope += d(a.w[c]) * d(dy[c]) * (d(x[c]) - mean) * r / static_cast<double>(a.C);
    }
    for (std::int64_t c = 0; c < a.C; ++c) {
      const double n = (d(x[c]) - mean) * r, out = d(dy[c]);
      if (a.dw != nullptr) a.dw[c] += static_cast<Acc<T>>(out * n);
      if (a.db != nullptr) a.db[c] += static_cast<Acc<T>>(out);
      const double dx = r * (d(a.w[c]) * out - level - n * slope);
      T& to = a.dx[t * a.C + c];
      to = from<T>(a.accumulate_dx ? d(to) + dx : dx);
    }
  }
}

template <class T>
void rope(const Rope<T>& a, Queue&) {
  const std::int64_t half = a.R / 2;
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t h = 0; h < a.H; ++h)
      for (std::int64_t i = 0; i < half; ++i) {
        T* x = a.x + t * a.stride + h * a.head + i;
        const double c = d(a.cos[a.positions[t] * half + i]);
        const double s = d(a.sin[a.positions[t] * half + i]) * (a.inverse ? -1.0 : 1.0);
        const double first = d(x[0]), second = d(x[half]);
        x[0] = from<T>(first * c - second * s);
        x[half] = from<T>(second * c + first * s);
      }
}

/// share(x) and act'(x) of the contract.
struct Share {
  double share, slope;
};
Share share_of(Activation act, double x) {
  switch (act) {
    case Activation::silu: {
      const double sigma = 1.0 / (1.0 + std::exp(-x));
      return {sigma, silu_prime(x, sigma)};
    }
    case Activation::gelu: {
      const double share = 0.5 * (1.0 + std::erf(x * kGeluRoot));
      return {share, share + x * kGeluDensity * std::exp(-0.5 * x * x)};
    }
    case Activation::gelu_tanh: {
      const double t = std::tanh(kGeluSlope * (x + kGeluCubic * x * x * x));
      return {0.5 * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * kGeluSlope *
                                                     (1.0 + 3.0 * kGeluCubic * x * x)};
    }
    case Activation::relu:
      break;
  }
  return {x > 0 ? 1.0 : 0.0, x > 0 ? 1.0 : 0.0};
}

template <class T>
void activation_fwd(const ActivationFwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t f = 0; f < a.F; ++f) {
      const std::int64_t at = t * a.stride + f;
      const double g = d(a.g[at]);
      a.y[t * a.F + f] =
          from<T>(g * share_of(a.act, g).share * (a.u != nullptr ? d(a.u[at]) : 1.0));
    }
}

template <class T>
void activation_bwd(const ActivationBwd<T>& a, Queue&) {
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t f = 0; f < a.F; ++f) {
      const std::int64_t at = t * a.stride + f;
      const double g = d(a.g[at]), dy = d(a.dy[t * a.F + f]);
      const double u = a.u != nullptr ? d(a.u[at]) : 1.0;
      const Share s = share_of(a.act, g);
      a.dg[at] = from<T>(dy * u * s.slope);
      if (a.u != nullptr) a.du[at] = from<T>(dy * g * s.share);
    }
}

/// What a query row makes of its visible keys: the scores (capped), the probabilities, their lse.
struct ScoredKeys {
  std::vector<double> scores, p;
  double lse = 0;
};
/// `k`: the first visible key.
template <class T>
ScoredKeys scored(const T* q, const T* k, std::int64_t k_stride, std::int64_t D,
                  std::int64_t visible, double scale, double softcap) {
  ScoredKeys out;
  double top = -INFINITY, sum = 0;
  for (std::int64_t j = 0; j < visible; ++j) {
    double s = 0;
    for (std::int64_t c = 0; c < D; ++c) s += d(q[c]) * d(k[j * k_stride + c]);
    s *= scale;
    if (softcap > 0) s = softcap * std::tanh(s / softcap);
    out.scores.push_back(s);
    top = std::max(top, s);
  }
  for (const double s : out.scores) out.p.push_back(std::exp(s - top));
  for (const double x : out.p) sum += x;
  for (double& x : out.p) x /= sum;
  out.lse = top + std::log(sum);
  return out;
}

template <class T>
void attention_fwd(const AttentionFwd<T>& a, Queue&) {
  for (std::int64_t doc = 0; doc < a.docs; ++doc)
    for (std::int64_t h = 0; h < a.Hq; ++h)
      for (std::int64_t i = a.cu_q[doc]; i < a.cu_q[doc + 1]; ++i) {
        const std::int64_t hk = h / (a.Hq / a.Hkv);
        const std::int64_t qlen = a.cu_q[doc + 1] - a.cu_q[doc],
                           klen = a.cu_k[doc + 1] - a.cu_k[doc];
        const std::int64_t end = i - a.cu_q[doc] + klen - qlen + 1;
        const std::int64_t begin = a.window > 0 ? std::max<std::int64_t>(0, end - a.window) : 0;
        const std::int64_t k0 = a.cu_k[doc] + begin;
        const ScoredKeys keys =
            scored(a.q + i * a.q_stride + h * a.q_head, a.k + k0 * a.k_stride + hk * a.k_head,
                   a.k_stride, a.D, end - begin, a.scale, a.softcap);
        if (a.lse != nullptr) a.lse[h * a.Tq + i] = static_cast<Acc<T>>(keys.lse);
        for (std::int64_t c = 0; c < a.D; ++c) {
          double sum = 0;
          for (std::int64_t j = 0; j < end - begin; ++j)
            sum += keys.p[static_cast<std::size_t>(j)] *
                   d(a.v[(k0 + j) * a.v_stride + hk * a.v_head + c]);
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
        const std::int64_t hk = h / group, end = i - a.cu[doc] + 1;
        const std::int64_t begin = a.window > 0 ? std::max<std::int64_t>(0, end - a.window) : 0;
        const std::int64_t k0 = a.cu[doc] + begin;
        const T* q = a.q + i * a.q_stride + h * a.q_head;
        const T* k = a.k + k0 * a.k_stride + hk * a.k_head;
        const T* d_o = a.d_o + i * a.do_stride + h * a.D;
        const ScoredKeys keys = scored(q, k, a.k_stride, a.D, end - begin, a.scale, a.softcap);
        double delta = 0;
        for (std::int64_t c = 0; c < a.D; ++c)
          delta += d(a.o[i * a.o_stride + h * a.D + c]) * d(d_o[c]);
        std::vector<double> dq(static_cast<std::size_t>(a.D), 0.0);
        for (std::int64_t j = 0; j < end - begin; ++j) {
          const double pj = keys.p[static_cast<std::size_t>(j)];
          double dp = 0;
          for (std::int64_t c = 0; c < a.D; ++c)
            dp += d(d_o[c]) * d(a.v[(k0 + j) * a.v_stride + hk * a.v_head + c]);
          double ds = pj * (dp - delta) * a.scale;
          const double capped =
              a.softcap > 0 ? keys.scores[static_cast<std::size_t>(j)] / a.softcap : 0;
          ds *= 1.0 - capped * capped;
          for (std::int64_t c = 0; c < a.D; ++c) {
            const auto at = static_cast<std::size_t>(((k0 + j) * a.Hkv + hk) * a.D + c);
            dq[static_cast<std::size_t>(c)] += ds * d(k[j * a.k_stride + c]);
            dk[at] += ds * d(q[c]);
            dv[at] += pj * d(d_o[c]);
          }
        }
        for (std::int64_t c = 0; c < a.D; ++c)
          a.dq[i * a.dq_stride + h * a.dq_head + c] = from<T>(dq[static_cast<std::size_t>(c)]);
      }
  for (std::int64_t t = 0; t < a.T; ++t)
    for (std::int64_t h = 0; h < a.Hkv; ++h)
      for (std::int64_t c = 0; c < a.D; ++c) {
        const auto at = static_cast<std::size_t>((t * a.Hkv + h) * a.D + c);
        a.dk[t * a.dk_stride + h * a.dk_head + c] = from<T>(dk[at]);
        a.dv[t * a.dv_stride + h * a.dv_head + c] = from<T>(dv[at]);
      }
}

}  // namespace

void add_layers(KernelTable& t) {
  AXL_REFERENCE(rmsnorm_fwd);
  AXL_REFERENCE(rmsnorm_bwd);
  AXL_REFERENCE(layernorm_fwd);
  AXL_REFERENCE(layernorm_bwd);
  AXL_REFERENCE(rope);
  AXL_REFERENCE(activation_fwd);
  AXL_REFERENCE(activation_bwd);
  AXL_REFERENCE(attention_fwd);
  AXL_REFERENCE(attention_bwd);
}

}  // namespace axl::kernels::reference
