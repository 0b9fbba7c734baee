#pragma once
#include <string>
#include <vector>

#include "weights/weight_file.hpp"

namespace axl::weights {

/// The readers behind WeightFile::open.
WeightFile open_safetensors(const std::string& path);
WeightFile open_folder(const std::string& folder);
WeightFile open_gguf(const std::string& path);

/// Puts bitsandbytes' 4-bit matrices, which a file holds as several tensors each, together.
/// Error{input} names what is missing or does not fit.
void join_four_bit(WeightFile& file);

/// Product of `shape`, or -1 when a dimension is negative or the product exceeds 2^62.
std::int64_t checked_elements(const std::vector<std::int64_t>& shape);

}  // namespace axl::weights
