#pragma once
#include "quant/frozen_matrix.hpp"

// The formats, each defined in the file of its name, and what they share.
namespace axl::quant {

extern const MatrixFormat kPlain;   ///< in the compute type
extern const MatrixFormat kNarrow;  ///< bf16 while f32 is computed
extern const MatrixFormat kPacked;  ///< twice, in the GEMM's own layout
extern const MatrixFormat kNf4;
extern const MatrixFormat kFp4;
extern const MatrixFormat kGgufBlocks;

/// Whether the bytes of a file can be used as a matrix of this type.
bool lies_as(const weights::TensorEntry& entry, DType type);
/// The values of a whole tensor in `type`; Error{input} names one that is NaN or infinite.
void convert(const weights::TensorEntry& entry, DType type, void* out);
/// Shape and origin of what a request asks for.
FrozenMatrix described(const MatrixRequest& request, const MatrixFormat& format);

constexpr std::int64_t aligned(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

// What every format that decodes a few rows at a time does.
void decode_quantised(Context& ctx, const FrozenMatrix& m, std::int64_t first, TensorView y);
void lookup_quantised(Context& ctx, const FrozenMatrix& m, Ids ids, TensorView y);
void times_quantised(Context& ctx, const FrozenMatrix& m, TensorView x, TensorView y,
                     bool accumulate);
void times_quantised_transposed(Context& ctx, const FrozenMatrix& m, TensorView dy, TensorView dx,
                                bool accumulate);

}  // namespace axl::quant
