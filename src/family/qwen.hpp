#pragma once
#include "family/read.hpp"

namespace axl::family {

/// With use_sliding_window the layers from max_window_layers on (or those that layer_types says)
/// see the last sliding_window keys.
ModelShape with_qwen_windows(const weights::ModelConfig& config, const RawFields& raw,
                             ModelShape shape);

}  // namespace axl::family
