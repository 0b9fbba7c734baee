#pragma once
#include <optional>
#include <vector>

#include "model/blocks/attention.hpp"
#include "model/blocks/mlp.hpp"
#include "model/blocks/norm.hpp"

namespace axl::model {

/// One layer, composed as family::Residual says.
struct DecoderLayer {
  family::Residual residual = family::Residual::sequential;
  Norm input_norm, post_norm;                            ///< before attention, before the MLP
  std::optional<Norm> attention_out_norm, mlp_out_norm;  ///< sandwich
  SelfAttention attention;
  Mlp mlp;

  struct Saved {
    TensorView x1;                      ///< (T, C), after attention; not with a parallel residual
    TensorView attention_out, mlp_out;  ///< (T, C), sandwich: before their norms
    Norm::Saved input, post, after_attention, after_mlp;
    SelfAttention::Saved attention;
    Mlp::Saved mlp;

    /// All but the statistics, which have the accumulator type.
    template <class F>
    void for_each_activation(F&& f) {
      for (TensorView* t : {&x1, &attention_out, &mlp_out}) f(*t);
      attention.for_each_activation(f);
      mlp.for_each_activation(f);
    }
  };
  Saved allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const;
  void forward(Context& ctx, const Batch& batch, const RopeTables& ropes, TensorView x,
               TensorView y, Saved& saved, std::uint64_t key, KvCache* cache) const;
  /// dy becomes dx in place. `needs_dx` false: nothing below this layer is trained.
  void backward(Context& ctx, const Batch& batch, const RopeTables& ropes, TensorView x,
                const Saved& saved, TensorView dy, bool needs_dx) const;

  /// In the order of the forward pass.
  std::vector<Linear*> linears();
  std::vector<const Linear*> linears() const;
  std::vector<Norm*> norms();
  std::vector<const Norm*> norms() const;

 private:
  /// One branch of backward: gradient of `y` (branch(norm(x))) to that of x, added to `d`.
  void attention_backward(Context& ctx, const Batch& batch, const RopeTables& ropes, TensorView x,
                          const Saved& saved, TensorView dy, TensorView d, bool needs_dx) const;
  void mlp_backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy,
                    TensorView d) const;
};

}  // namespace axl::model
