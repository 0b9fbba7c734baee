#pragma once
#include <map>
#include <string>
#include <string_view>

#include "axl/kernels/activation.hpp"
#include "axl/kernels/attention.hpp"
#include "axl/kernels/columns.hpp"
#include "axl/kernels/cross_entropy.hpp"
#include "axl/kernels/dora.hpp"
#include "axl/kernels/elementwise.hpp"
#include "axl/kernels/embedding.hpp"
#include "axl/kernels/gemm.hpp"
#include "axl/kernels/layernorm.hpp"
#include "axl/kernels/narrow.hpp"
#include "axl/kernels/optimizer.hpp"
#include "axl/kernels/quantised.hpp"
#include "axl/kernels/rmsnorm.hpp"
#include "axl/kernels/rope.hpp"

namespace axl::kernels {

/// What has been launched, by kind of operation.
struct Work {
  struct Kind {
    std::int64_t launches = 0;
    double flops = 0, bytes = 0;
  };
  std::map<std::string_view, Kind> kinds;  ///< "gemm", "attention", "other"
  double flops() const;
  double bytes() const;
};

/// One operation for every compute type, and the name of the back end that does it.
template <template <class> class Args>
struct Kernel {
  const char* backend = nullptr;
  void (*f32)(const Args<float>&, Queue&) = nullptr;
  void (*b16)(const Args<bf16>&, Queue&) = nullptr;
  void (*f64)(const Args<double>&, Queue&) = nullptr;
  template <class T>
  void operator()(const Args<T>& args, Queue& q) const {
    if constexpr (std::is_same_v<T, float>)
      f32(args, q);
    else if constexpr (std::is_same_v<T, bf16>)
      b16(args, q);
    else
      f64(args, q);
  }
};

/// Plain function pointers, filled once and printed at start-up, so that the log says which back
/// end ran. make_kernel_table() refuses a table with a hole.
struct KernelTable {
  Kernel<EmbeddingFwd> embedding_fwd;
  Kernel<EmbeddingBwd> embedding_bwd;
  Kernel<EmbeddingNoise> embedding_noise;
  Kernel<RmsNormFwd> rmsnorm_fwd;
  Kernel<RmsNormBwd> rmsnorm_bwd;
  Kernel<LayerNormFwd> layernorm_fwd;
  Kernel<LayerNormBwd> layernorm_bwd;
  Kernel<Rope> rope;
  Kernel<ActivationFwd> activation_fwd;
  Kernel<ActivationBwd> activation_bwd;
  Kernel<AttentionFwd> attention_fwd;
  Kernel<AttentionBwd> attention_bwd;
  Kernel<CrossEntropy> cross_entropy;
  Kernel<SoftCap> softcap;
  Kernel<Copy> copy;
  Kernel<CopyColumns> copy_columns;
  Kernel<Add> add;
  Kernel<Scale> scale;
  Kernel<Rows> rows;
  Kernel<BiasAdd> bias_add;
  Kernel<BiasGrad> bias_grad;
  Kernel<Dropout> dropout;
  Kernel<FromAcc> from_acc;
  Kernel<Columns> columns;
  Kernel<ColumnsAdd> columns_add;
  Kernel<ScaleColumns> scale_columns;
  Kernel<ScaleColumnsGrad> scale_columns_grad;
  Kernel<DoraFactor> dora_factor;

  const char* gemm_backend = nullptr;
  /// The GEMM multiplies bf16 in the processor's own arithmetic, faster than it does f32.
  bool native_bf16 = false;
  void (*gemm)(const Gemm&, Queue&) = nullptr;
  std::int64_t (*pack_bytes)(const PackQuery&) = nullptr;
  /// Reorders B (stored (K, N), or (N, K) when trans_b; contiguous) into out.data.
  void (*pack)(const void* b, bool trans_b, const PackedMatrix& out, void* destination,
               Queue&) = nullptr;

  void (*widen)(const Widen&, Queue&) = nullptr;
  void (*widen_transposed)(const WidenTransposed&, Queue&) = nullptr;
  void (*narrow_gemm)(const NarrowGemm&, Queue&) = nullptr;

  Kernel<DecodeRows> decode_rows;
  void (*decode_transposed)(const DecodeTransposed&, Queue&) = nullptr;
  void (*quantised_gemm)(const QuantisedGemm&, Queue&) = nullptr;
  /// encode_blocks() of every block.
  void (*quantise_four_bit)(const FourBitEncode&, Queue&) = nullptr;

  void (*adamw)(const AdamW&, Queue&) = nullptr;
  void (*adamw_8bit)(const AdamW8bit&, Queue&) = nullptr;
  void (*sgd)(const Sgd&, Queue&) = nullptr;
  void (*adafactor)(const Adafactor&, Queue&) = nullptr;
  void (*sum_of_squares)(const SumOfSquares&, Queue&) = nullptr;
  void (*fill_zero)(const FillZero&, Queue&) = nullptr;
  void (*sum)(const Sum&, Queue&) = nullptr;

  /// What is computed with where `wanted` was asked for: bf16 without arithmetic of its own is only
  /// stored, and computed with as f32.
  DType compute_type(DType wanted) const {
    return wanted == DType::bf16 && !native_bf16 ? DType::f32 : wanted;
  }
  /// "rmsnorm_fwd=kokkos gemm=onednn ...", for the log.
  std::string describe() const;
};

/// Whether a kernel is missing, or a back end has no name.
bool has_hole(const KernelTable& table);

/// Serial, double sums: the executable definition that the others are tested against.
KernelTable reference_table();
/// Launches nothing: every call is counted into the Work that the queue's native() points to. A
/// step on it and on a planning arena says what the step will need.
KernelTable counting_table();
/// Kokkos host space for everything; GEMM of f64 and the fallback for the others.
KernelTable kokkos_table();
/// What runs: Kokkos, with oneDNN for f32 and bf16 GEMM.
KernelTable make_kernel_table();

}  // namespace axl::kernels
