#pragma once
#include <optional>
#include <string>

#include "weights/weight_file.hpp"

namespace axl::cli {

/// --dtype: f32, f16, bf16 (and their long names) or q8_0; "" is none. Error{config} otherwise.
std::optional<weights::Storage> element_type(const std::string& name);

}  // namespace axl::cli
