#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "weights/weight_file.hpp"

namespace axl::weights {

using GgufValue = std::variant<std::int64_t, double, bool, std::string, std::vector<std::int64_t>,
                               std::vector<double>, std::vector<std::string>>;

/// Metadata of a GGUF file (versions 2 and 3), every length checked against the file's size.
struct GgufMetadata {
  std::map<std::string, GgufValue> values;
  const std::string* string(const std::string& key) const;
  const std::int64_t* integer(const std::string& key) const;
  const std::vector<std::string>* strings(const std::string& key) const;
  const std::vector<std::int64_t>* integers(const std::string& key) const;
};
GgufMetadata read_gguf_metadata(const std::string& path);
bool is_gguf(const std::string& path);

/// Writes a GGUF v3 file (temporary name, fsync, rename). Names are Hugging Face's; they and the
/// q/k row order are translated to GGUF's as llama.cpp expects them.
void write_gguf(const std::string& path, const GgufMetadata& metadata,
                const std::vector<TensorToWrite>& tensors);

}  // namespace axl::weights
