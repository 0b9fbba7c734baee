#pragma once
#include "family/read.hpp"

namespace axl::family {

/// What Gemma 2 and 3 share: norms by 1 + weight on both sides of attention and MLP, GeGLU, scores
/// by query_pre_attn_scalar, embeddings times sqrt(hidden_size), and layers with and without a
/// window (`sliding` where layer_types does not say).
ModelShape read_gemma(const weights::ModelConfig& config, const RawFields& raw,
                      const std::vector<bool>& sliding);
ModuleNames gemma_names();

}  // namespace axl::family
