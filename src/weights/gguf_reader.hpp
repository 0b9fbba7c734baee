#pragma once
#include <optional>
#include <string>
#include <vector>

#include "weights/gguf.hpp"

namespace axl::weights {

/// One entry of a GGUF file's tensor list, as it stands there.
struct GgufTensor {
  std::string name;                 ///< "blk.0.attn_q.weight"
  std::vector<std::int64_t> shape;  ///< row-major, outermost first (the file has it reversed)
  std::uint32_t type = 0;           ///< ggml_type
  std::span<const std::byte> bytes;
};

struct GgufContents {
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;
};

/// Everything but the tensors' values. Views point into `file`.
GgufContents parse_gguf(const MappedFile& file);

/// ggml_type <-> Storage; nothing for a type that is not read.
std::optional<Storage> storage_of_ggml(std::uint32_t type);
/// "Q5_0", or "unknown type 77".
std::string ggml_name(std::uint32_t type);
/// Whether ggml has, or had, a type of this number.
bool is_ggml_type(std::uint32_t type);
/// "F32, F16, ...": all that storage_of_ggml knows.
std::string readable_ggml_types();
/// Error{unsupported} for a type without Storage.
std::uint32_t ggml_of_storage(Storage storage);

/// "blk.3.attn_q.weight" <-> "model.layers.3.self_attn.q_proj.weight"; names that are not in the
/// table stay as they are. rope_freqs.weight is no parameter: "" drops it. `architecture`: GGUF's.
/// Names are written as llama has them.
std::string hugging_face_name(const std::string& gguf, std::string_view architecture);
std::string gguf_name(const std::string& hugging_face);

/// For q/k projections of architectures whose rows llama.cpp interleaves (llama): the head size,
/// else 0. `name` is Hugging Face's, `rows` the tensor's first dimension.
std::int64_t interleaved_head_dim(const GgufMetadata& metadata, const std::string& path,
                                  const std::string& name, std::int64_t rows);

}  // namespace axl::weights
