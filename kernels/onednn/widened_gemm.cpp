#include "onednn/widened_gemm.hpp"

#include <algorithm>
#include <vector>

#include "kokkos/host.hpp"
#include "kokkos/simd.hpp"

namespace axl::kernels::onednn {
namespace {

/// Floats of a panel of B.
constexpr std::int64_t kPanel = std::int64_t{1} << 20;

struct Room {
  std::vector<float> a, b, c;
};

const KernelTable& host_table() {
  static const KernelTable table = kokkos_table();
  return table;
}

float* grown(std::vector<float>& v, std::int64_t n) {
  if (static_cast<std::int64_t>(v.size()) < n) v.resize(static_cast<std::size_t>(n));
  return v.data();
}

/// Rows of a matrix with row stride ld, one after another as floats.
void widen_rows(const bf16* x, std::int64_t rows, std::int64_t columns, std::int64_t ld, float* y,
                Queue& q) {
  const KernelTable& table = host_table();
  if (ld == columns) return table.widen({x, y, rows * columns}, q);
  for (std::int64_t r = 0; r < rows; ++r) table.widen({x + r * ld, y + r * columns, columns}, q);
}

void narrow_rows(const float* x, const Gemm& g, Queue& q) {
  auto* c = static_cast<bf16*>(g.c);
  const std::int64_t N = g.N, ldc = g.ldc;
  const bool add = g.accumulate;
  Kokkos::parallel_for("axl::narrow_rows", host::Range(host::exec_of(q), 0, g.M),
                       [=](std::int64_t m) {
                         const float* from = x + m * N;
                         bf16* to = c + m * ldc;
                         host::for_vectors<float>(0, N, [&](std::int64_t n, auto part) {
                           host::Vec<float> v = host::load(from + n, part);
                           if (add) v += host::load(to + n, part);
                           host::store(to + n, v, part);
                         });
                       });
}

/// The product of A, as floats, and all panels of B.
void multiply(const Gemm& wide, const bf16* b, std::int64_t ldb, Room& room, Queue& q,
              void (*f32_gemm)(const Gemm&, Queue&)) {
  const std::int64_t rows = wide.trans_b ? wide.N : wide.K, width = wide.trans_b ? wide.K : wide.N;
  const std::int64_t step = std::max<std::int64_t>(64, kPanel / width / 64 * 64);
  float* panel = grown(room.b, std::min(step, rows) * width);
  for (std::int64_t first = 0; first < rows; first += step) {
    const std::int64_t n = std::min(step, rows - first);
    widen_rows(b + first * ldb, n, width, ldb, panel, q);
    Gemm part = wide;
    part.b = panel;
    part.ldb = width;
    if (wide.trans_b) {
      part.N = n;
      part.c = static_cast<float*>(wide.c) + first;
    } else {
      part.K = n;
      part.a = static_cast<const float*>(wide.a) + (wide.trans_a ? first * wide.lda : first);
      part.accumulate = wide.accumulate || first > 0;
    }
    f32_gemm(part, q);
  }
}

}  // namespace

void widened_gemm(const Gemm& g, Queue& q, void (*f32_gemm)(const Gemm&, Queue&)) {
  thread_local Room room;
  const auto* b = static_cast<const bf16*>(g.b);
  const std::int64_t rows = g.trans_a ? g.K : g.M, columns = g.trans_a ? g.M : g.K;
  float* a = grown(room.a, rows * columns);
  widen_rows(static_cast<const bf16*>(g.a), rows, columns, g.lda, a, q);
  Gemm wide = g;
  wide.ab = wide.c_type = DType::f32;
  wide.a = a;
  wide.lda = columns;
  const bool direct = g.c_type == DType::f32;
  if (!direct) {
    wide.c = grown(room.c, g.M * g.N);
    wide.ldc = g.N;
    wide.accumulate = false;
  }
  const bool few = g.M <= kNarrowRows && g.trans_b && !g.trans_a && g.alpha == 1.0f && g.ldb == g.K;
  if (few) {
    host_table().narrow_gemm(
        {a, b, static_cast<float*>(wide.c), g.M, g.N, g.K, columns, wide.ldc, wide.accumulate}, q);
  } else {
    multiply(wide, b, g.ldb, room, q, f32_gemm);
  }
  if (!direct) narrow_rows(room.c.data(), g, q);
}

}  // namespace axl::kernels::onednn
