// Compiled without contraction of products and sums (kernels/CMakeLists.txt): a code is one of 256,
// so a last bit that differs may become a whole step; roundings are those of PyTorch's own loops,
// which bitsandbytes runs on a CPU.
#include "axl/kernels/quantile_map.hpp"
#include "kokkos/host.hpp"

namespace axl::kernels::host {
namespace {

/// Decoded moments of one block.
struct Block {
  float m[kOptimizerBlock], v[kOptimizerBlock];
};

float encode(const QuantileMap& map, const float* x, std::int64_t n, std::uint8_t* codes) {
  float largest = 0;
#pragma omp simd reduction(max : largest)
  for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
  const float inverse = largest > 0 ? 1.0f / largest : 0.0f;
  for (std::int64_t i = 0; i < n; ++i) codes[i] = largest > 0 ? map.encode(x[i] * inverse) : 0;
  return largest;
}

void adamw_8bit(const AdamW8bit& a, Queue& q) {
  const QuantileMap *m_map = &dynamic_map(true), *v_map = &dynamic_map(false);
  const auto t = static_cast<double>(a.t);
  const auto root_correction2 = static_cast<float>(std::sqrt(1.0 - std::pow(a.beta2, t)));
  const auto decay = static_cast<float>(1.0 - a.lr * a.weight_decay);
  const auto step = static_cast<float>(-a.lr / (1.0 - std::pow(a.beta1, t)));
  const auto b1 = static_cast<float>(a.beta1), b2 = static_cast<float>(a.beta2);
  const auto c1 = static_cast<float>(1.0 - a.beta1), c2 = static_cast<float>(1.0 - a.beta2);
  const auto eps = static_cast<float>(a.eps), scale = static_cast<float>(a.grad_scale);
  for_blocks("axl::adamw_8bit", q, a.n, [=](std::int64_t begin, std::int64_t end) {
    Block x;
    for (std::int64_t first = begin; first < end; first += kOptimizerBlock) {
      const std::int64_t n = std::min(kOptimizerBlock, end - first);
      const std::int64_t block = first / kOptimizerBlock;
      const float m_scale = a.m_scale[block], v_scale = a.v_scale[block];
      for (std::int64_t i = 0; i < n; ++i) {
        x.m[i] = m_map->values[a.m[first + i]] * m_scale;
        x.v[i] = v_map->values[a.v[first + i]] * v_scale;
      }
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const float g = a.g[first + i] * scale;
        const float m = std::fma(g, c1, x.m[i] * b1);
        const float v = x.v[i] * b2 + c2 * g * g;
        x.m[i] = m;
        x.v[i] = v;
        a.p[first + i] =
            a.p[first + i] * decay + step * m / (std::sqrt(v) / root_correction2 + eps);
      }
      a.m_scale[block] = encode(*m_map, x.m, n, a.m + first);
      a.v_scale[block] = encode(*v_map, x.v, n, a.v + first);
    }
  });
}
static_assert(kBlock % kOptimizerBlock == 0);

}  // namespace

void add_optimizer_8bit(KernelTable& t) { t.adamw_8bit = &adamw_8bit; }

}  // namespace axl::kernels::host
