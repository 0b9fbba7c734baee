#pragma once
#include <string>
#include <vector>

#include "weights/weight_file.hpp"

namespace axl::weights {

/// What a tensor becomes outside of GGUF when nothing else is asked for: plain formats stay, block
/// formats become BF16.
Storage plain(Storage storage);
bool is_integer(Storage storage);

/// Stores floats as F32, F16, BF16 (rounded to nearest even) or Q8_0 (GGML's: scale = largest
/// magnitude / 127 of each 32 elements). `out` takes bytes_of(target, elements) bytes. Other
/// targets are Error{unsupported}.
void encode(const float* values, std::int64_t elements, Storage target, std::byte* out);

/// The tensor in another format, converted piece by piece while it is written. The entry's bytes
/// must stay mapped until then. Writing throws what to_finite_float and encode_finite do.
TensorToWrite converted(const TensorEntry& source, Storage target);

/// The tensors of types that are not read, byte for byte, for safetensors. Error{unsupported}
/// naming one that is a parameter of the model, or whose size is not known.
std::vector<TensorToWrite> carried(const WeightFile& file);

/// Writes model.safetensors, or with more than `max_shard_bytes` of data
/// model-00001-of-0000N.safetensors and model.safetensors.index.json as transformers names them.
void write_model_safetensors(const std::string& folder, const std::vector<TensorToWrite>& tensors,
                             std::int64_t max_shard_bytes = 5'000'000'000);

}  // namespace axl::weights
