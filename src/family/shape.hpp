#pragma once
#include <cstdint>
#include <vector>

#include "axl/kernels/activation.hpp"
#include "weights/model_config.hpp"

/// What a decoder-only language model is made of, layer by layer: what blocks are built from, and
/// all that they know of a family.
namespace axl::family {

enum class NormKind : std::uint8_t {
  rms,           ///< RMSNorm
  rms_plus_one,  ///< RMSNorm by 1 + weight
  layer          ///< LayerNorm with a bias
};
struct NormShape {
  NormKind kind = NormKind::rms;
  double eps = 1e-6;
};

/// How the projections of queries, keys and values lie in their output.
enum class QkvLayout : std::uint8_t {
  apart,    ///< three matrices
  blocks,   ///< one: all queries, then all keys, then all values
  per_head  ///< one: query, key and value of head 0, of head 1, ...
};

struct AttentionShape {
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0;
  QkvLayout layout = QkvLayout::apart;
  bool qkv_bias = false, out_bias = false;
  bool qk_norm = false;     ///< RMSNorm of every head's query and key, before they are rotated
  double scale = 1.0;       ///< of the scores
  std::int64_t window = 0;  ///< last keys that a query sees; 0: all
  double softcap = 0.0;     ///< of the scores; 0: none
  int rope = 0;             ///< which of ModelShape::ropes; -1: none
};

struct MlpShape {
  kernels::Activation act = kernels::Activation::silu;
  std::int64_t inner = 0;
  bool gated = true;   ///< down(act(gate(x)) * up(x)); else down(act(up(x)))
  bool fused = false;  ///< gate and up are one matrix, gate first
  bool biased = false;
};

enum class Residual : std::uint8_t {
  sequential,  ///< x1 = x + attention(norm(x));  y = x1 + mlp(norm(x1))
  sandwich,    ///< the same with a norm behind attention and behind mlp too
  parallel     ///< y = x + attention(norm(x)) + mlp(another norm(x))
};

struct LayerShape {
  Residual residual = Residual::sequential;
  NormShape norm;
  AttentionShape attention;
  MlpShape mlp;
};

/// Rotary positions of some of the layers.
struct RopeShape {
  weights::RopeConfig scaling;
  std::int64_t rotated = 0;  ///< elements of a head, from its first
};

struct ModelShape {
  std::vector<LayerShape> layers;
  std::vector<RopeShape> ropes;
  NormShape final_norm;
  double embedding_scale = 1.0;
  std::int64_t learned_positions = 0;  ///< rows of the table of positions; 0: none
  double logit_softcap = 0.0;          ///< 0: none
};

}  // namespace axl::family
