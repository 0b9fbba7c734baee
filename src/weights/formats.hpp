#pragma once
#include <string>
#include <vector>

#include "weights/weight_file.hpp"

namespace axl::weights {

/// The readers behind WeightFile::open.
WeightFile open_safetensors(const std::string& path);
WeightFile open_folder(const std::string& folder);
WeightFile open_gguf(const std::string& path);

/// Product of `shape`, or -1 when a dimension is negative or the product exceeds 2^62.
std::int64_t checked_elements(const std::vector<std::int64_t>& shape);

}  // namespace axl::weights
