#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace axl::tokenizer {

/// The small files beside a tokenizer. Error{input} names the file.
std::string read_text(const std::filesystem::path& path);
/// One JSON object, nested at most 256 levels deep.
nlohmann::ordered_json read_object(const std::filesystem::path& path);

}  // namespace axl::tokenizer
