#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "weights/weight_file.hpp"

namespace axl::checkpoint {

/// Called with bytes done and bytes in all; `phase` is "write" or "verify".
using ExportProgress =
    std::function<void(std::string_view phase, std::int64_t done, std::int64_t total)>;

struct ExportOptions {
  /// F32, F16, BF16 or (GGUF only) Q8_0. Absent: plain formats stay, block formats become BF16.
  std::optional<weights::Storage> dtype;
  std::int64_t max_shard_bytes = 5'000'000'000;  ///< of a folder's safetensors files
  bool verify = true;                            ///< read everything back and compare
  bool overwrite = false;
  ExportProgress progress;
};

struct ExportSummary {
  std::int64_t tensors = 0;
  std::int64_t elements = 0;
  std::int64_t bytes = 0;  ///< of the tensors as written
};

/// Error{input} for a model without tensors or with a parameter without elements: files that were
/// never filled.
void check_tensors(const std::string& source, const weights::WeightFile& in);

/// Turns a model (Hugging Face folder or .gguf) into a Hugging Face folder, or, when `target` ends
/// in .gguf, into a GGUF file; tokenizer and configuration included. Memory use does not grow with
/// the model. The target appears in full or not at all.
ExportSummary export_model(const std::string& source, const std::string& target,
                           const ExportOptions& options);

}  // namespace axl::checkpoint
