#pragma once
#include <optional>
#include <vector>

#include "adapter/linear_adapter.hpp"

namespace axl::adapter {

/// The two matrices that all layers under VeRA share, frozen and random: A (r, the widest input),
/// B (the widest output, r). Values as PEFT makes them from its key: Kaiming uniform from torch's
/// generator, A first.
struct VeraProjection {
  std::int64_t rank = 0, inputs = 0, outputs = 0;
  std::vector<float> a, b;
  static VeraProjection make(std::int64_t rank, std::int64_t inputs, std::int64_t outputs,
                             std::uint64_t key);
};

class AdapterFiles;
/// The matrices that the adapter's file holds, if it does. Error{input} when they do not fit each
/// other or the rank.
std::optional<VeraProjection> saved_projection(const AdapterFiles& files);

/// VeRA: Kopiczko et al. 2023, arXiv:2310.11454, eq. 2:
///   z += lambda_b * (B (lambda_d * (A dropout(x)))), with the first columns of A and rows of B.
class Vera : public LinearAdapter {
 public:
  Parameter* lambda_d = nullptr;  ///< (r), d_initial at the start
  Parameter* lambda_b = nullptr;  ///< (out), zero at the start
  TensorView a, b;                ///< (r, in), (out, r): compute type, shared
  double dropout = 0.0;

  /// A dropout(x): (T, r).
  TensorView allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const override;
  void add(Context& ctx, TensorView x, TensorView z, Saved& saved) const override;
  void add_backward(Context& ctx, TensorView x, const Saved& saved, TensorView dz,
                    TensorView dx) const override;
};

}  // namespace axl::adapter
