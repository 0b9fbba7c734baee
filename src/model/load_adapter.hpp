#pragma once
#include "adapter/peft_files.hpp"
#include "model/decoder.hpp"

namespace axl::model {

/// Copies the tensors of a PEFT adapter folder into the trained parameters of the same names, and
/// from there into the values that the kernels read. The decoder was built with an adapter over the
/// same modules (DecoderOptions::training.lora); nothing is copied unless everything fits. Errors
/// name the file and the first tensor that does not fit: Error{input} for a parameter without a
/// tensor, a tensor without a parameter, another shape, or a saved embedding that is not the
/// base's.
void load_adapter(Context& ctx, Decoder& decoder, const adapter::AdapterFiles& files);

}  // namespace axl::model
