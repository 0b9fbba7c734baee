#pragma once
#include "model/decoder.hpp"

namespace axl::model {

/// Sets lr_scale and decay of every parameter that LoRA+ or a rate of the embeddings puts into a
/// group of its own.
void group_parameters(tensor::ParameterTable& table, const TrainingMode& mode);

}  // namespace axl::model
