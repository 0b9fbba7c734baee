#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "axl/kernels/gemm.hpp"
#include "axl/kernels/quantised.hpp"
#include "ops/ops.hpp"
#include "tensor/tensor_view.hpp"
#include "weights/weight_file.hpp"

/// Matrices that nothing trains: how they lie in memory and how they are multiplied. A format is a
/// file of this folder and a line in registry.cpp.
namespace axl::quant {

using ops::Context;
using tensor::TensorView;

/// How a matrix is brought into 4 bits when the model is built: bitsandbytes' types (Dettmers et
/// al. 2023, arXiv:2305.14314).
struct FourBitOptions {
  kernels::FourBitType type = kernels::FourBitType::nf4;
  bool double_quant = true;  ///< the scales are in 8 bits themselves
  std::int64_t block = 64;   ///< elements that share a scale; even
  DType from = DType::f32;   ///< the values are rounded to this first, as transformers loads them
};

/// What a matrix is made from, and for what.
struct MatrixRequest {
  const weights::TensorEntry* entry = nullptr;
  std::int64_t rows = 0, columns = 0;  ///< (out, in) of a Linear; (V, C) of a table
  bool transposed = false;             ///< the entry is (columns, rows): a Conv1D
  DType compute = DType::f32;
  DType stored = DType::f32;  ///< of converted copies: compute, or bf16 while f32 is computed
  /// It may be widened for every product. Not the head: it is multiplied once for every block of
  /// rows of logits.
  bool may_be_narrow = false;
  bool packed = false;                       ///< copies in the GEMM's own layout, where it has one
  std::optional<FourBitOptions> four_bit{};  ///< unless the file has it in few bits already
  const kernels::KernelTable* kernels = nullptr;
};

struct MatrixFormat;

/// A matrix (rows, columns) in one of the formats; each uses the members that it names.
struct FrozenMatrix {
  const MatrixFormat* format = nullptr;
  std::int64_t rows = 0, columns = 0;
  DType compute = DType::f32;
  bool transposed = false;                      ///< `plain` is (columns, rows)
  TensorView plain;                             ///< plain, narrow
  kernels::PackedMatrix forward;                ///< packed: of W^T
  kernels::PackedMatrix backward;               ///< packed: of W
  kernels::QuantisedMatrix quantised{};         ///< nf4, fp4, GGUF blocks
  const weights::TensorEntry* entry = nullptr;  ///< what it was made from; lives as its file does
  explicit operator bool() const { return format != nullptr; }
};

using Ids = std::span<const std::int32_t>;

struct MatrixFormat {
  std::string_view name;
  bool (*takes)(const MatrixRequest&);
  /// Of the memory that fill() writes; 0: everything is used as it lies in the file.
  std::int64_t (*bytes)(const MatrixRequest&);
  /// Says where everything is; reads and writes nothing. `at` is a multiple of 64.
  void (*place)(const MatrixRequest&, std::byte* at, FrozenMatrix&);
  /// Once a node, and for what lies in the file too. Error{input} names a value that is NaN or
  /// infinite.
  void (*fill)(const MatrixRequest&, const FrozenMatrix&, kernels::Queue&);
  /// On every rank when fill() is done; may be absent.
  void (*settle)(FrozenMatrix&);
  /// y (n, columns), compute or accumulator type, = rows first to first + n - 1.
  void (*decode_rows)(Context&, const FrozenMatrix&, std::int64_t first, TensorView y);
  /// y (T, columns) = rows ids; they must be in [0, rows).
  void (*lookup)(Context&, const FrozenMatrix&, Ids ids, TensorView y);
  /// y (T, rows) = or += x (T, columns) W^T. y may have the accumulator type.
  void (*times)(Context&, const FrozenMatrix&, TensorView x, TensorView y, bool accumulate);
  /// dx (T, columns) = or += dy (T, rows) W.
  void (*times_transposed)(Context&, const FrozenMatrix&, TensorView dy, TensorView dx,
                           bool accumulate);
};

/// The format that a request is stored in: the first of all_formats() that takes it.
const MatrixFormat& format_for(const MatrixRequest& request);
std::span<const MatrixFormat* const> all_formats();

/// A view of a matrix in the compute type as a FrozenMatrix: of a trained weight. It lies as (rows,
/// columns), or as (columns, rows) if `transposed`.
FrozenMatrix plain_matrix(TensorView view, bool transposed = false);

/// Whether the file has the tensor in few bits: it is used as it lies then, whatever is asked for.
bool is_quantised(const weights::TensorEntry& entry);

/// The whole matrix `values` (rows, columns) becomes what is left of it after 4 bits: what a matrix
/// of the format nf4 or fp4 multiplies.
void through_four_bits(const FourBitOptions& options, std::vector<float>& values);

}  // namespace axl::quant
