#pragma once
#include <string>

#include "weights/gguf.hpp"

namespace axl::checkpoint {

/// Adds tokenizer.ggml.* (and tokenizer.chat_template) of a folder's byte-level BPE tokenizer.json
/// to `metadata`. `rows` is the number of embedding rows: ids beyond the vocabulary become unused
/// tokens. GGUF names the way of splitting text instead of spelling it out, so the name is chosen
/// by trying: a tokenizer read back under it must give the same ids for probe texts, else
/// Error{unsupported}. `scratch` is a file name that may be written and removed.
void add_tokenizer_metadata(const std::string& folder, std::int64_t rows,
                            const std::string& scratch, weights::GgufMetadata& metadata);

}  // namespace axl::checkpoint
