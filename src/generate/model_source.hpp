#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::generate {

/// Where a model for generation comes from.
struct ModelSource {
  std::string model;               ///< Hugging Face folder or GGUF
  std::string tokenizer;           ///< the same, or another folder
  std::string adapter;             ///< PEFT folder, or ""
  std::vector<std::string> notes;  ///< what was found where, for the user
};

enum class SourceKind : std::uint8_t { config, model, adapter };
/// A YAML (or a folder that holds only one), a model folder or GGUF, or a PEFT adapter folder.
/// Error{input} when it is none of them.
SourceKind kind_of_source(const std::string& path);

/// base_model and what the run has left in output_dir: its adapter, else that of its newest
/// checkpoint, else a whole model.
ModelSource source_of_config(const config::Config& config, bool with_output);
/// A model and an adapter ("" for none). The tokenizer is the one beside the adapter where there is
/// one: it knows the tokens and the chat template of the training.
ModelSource source_of_model(const std::string& model, const std::string& adapter);
/// The adapter and the base model that its config names; Error{input} when that is not here.
ModelSource source_of_adapter(const std::string& folder);

/// Ids at which an answer ends: end-of-sequence as the tokenizer and the model (ModelConfig) name
/// it, `eot_tokens`, and the usual end-of-turn tokens that
/// `chat_template` ("" when none is used) writes.
std::vector<tokenizer::TokenId> stop_tokens(const std::vector<std::int64_t>& model_eos,
                                            const tokenizer::Tokenizer& tokenizer,
                                            const std::string& chat_template,
                                            const std::vector<std::string>& eot_tokens);

}  // namespace axl::generate
