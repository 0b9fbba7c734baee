#pragma once
#include <filesystem>

#include "core/json.hpp"

namespace axl::tokenizer {

/// One JSON object, nested at most 256 levels deep, of a small file beside a tokenizer.
/// Error{input} names the file.
nlohmann::ordered_json read_object(const std::filesystem::path& path);

}  // namespace axl::tokenizer
