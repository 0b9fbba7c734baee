#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

// GGML's block formats: so many elements of a row share a block of so many bytes. The values are
// those of llama.cpp's reference and of the `gguf` package, to the bit.

namespace axl::kernels {

/// In the order of kBlockLayouts; weights::Storage lists them in the same order.
enum class BlockType : std::uint8_t {
  q8_0,
  q4_0,
  q4_1,
  q4_k,
  q6_k,
  q5_0,
  q5_1,
  q2_k,
  q3_k,
  q5_k,
  iq4_nl,
  iq4_xs,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq3_xxs,
  iq3_s,
  iq1_s,
  iq1_m,
  tq1_0,
  tq2_0,
  mxfp4,
  nvfp4,
};

struct BlockLayout {
  std::string_view name;  ///< "Q4_K", as GGUF calls it
  std::int64_t elements;  ///< of a block: 32, 64 or 256
  std::int64_t bytes;     ///< of a block
  /// `count` blocks from `blocks`, aligned to nothing, to `count * elements` floats.
  void (*decode)(const std::byte* blocks, std::int64_t count, float* out);
};

const BlockLayout& layout_of(BlockType type);

}  // namespace axl::kernels
