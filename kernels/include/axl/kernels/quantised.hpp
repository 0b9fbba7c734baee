#pragma once
#include "axl/kernels/blocks.hpp"
#include "axl/kernels/four_bit.hpp"
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

// Matrices that are stored in few bits and multiplied by decoding a few rows at a time.

namespace axl::kernels {

/// A (rows, columns) matrix in GGML's blocks, or in bitsandbytes' 4 bits.
struct QuantisedMatrix {
  std::int64_t rows = 0, columns = 0;
  const BlockLayout* layout = nullptr;  ///< of blocks that fill whole rows; or, if nullptr,
  FourBitArray four_bit;                ///< of rows * columns elements
  const std::byte* blocks = nullptr;    ///< rows of columns / elements blocks
  /// 0, or size of a head whose rows lie with their two halves interleaved, as llama.cpp stores q
  /// and k: row (head, half, i) here is row (head, i, half) there.
  std::int64_t interleaved_head_dim = 0;
};
/// Where row `row` lies.
constexpr std::int64_t stored_row(const QuantisedMatrix& w, std::int64_t row) {
  const std::int64_t head = w.interleaved_head_dim;
  if (head == 0) return row;
  const std::int64_t in_head = row % head;
  return row - in_head + in_head % (head / 2) * 2 + in_head / (head / 2);
}
/// out = columns [first, first + count) of a row; multiples of the layout's elements.
void decode_row(const QuantisedMatrix& w, std::int64_t row, std::int64_t first, std::int64_t count,
                float* out);

/// y (count, columns) = rows of w, rounded to T: rows ids[0] to ids[count - 1], or, if ids is
/// nullptr, rows first to first + count - 1.
template <class T>
struct DecodeRows {
  QuantisedMatrix w;
  const std::int32_t* ids;
  std::int64_t first, count;
  T* y;
};

/// y (columns, count) = the transpose of rows first to first + count - 1: see WidenTransposed.
struct DecodeTransposed {
  QuantisedMatrix w;
  std::int64_t first, count;
  float* y;
};

/// C (M, w.rows) = A (M, w.columns) w^T [+ C]: for few rows, as NarrowGemm. A has type ab, f32 or
/// bf16; C the same, or f32. Contiguous. Sums in f32, in one order whatever the number of threads.
struct QuantisedGemm {
  QuantisedMatrix w;
  const void* a;
  void* c;
  std::int64_t M;
  DType ab, c_type;
  bool accumulate;
};

}  // namespace axl::kernels
