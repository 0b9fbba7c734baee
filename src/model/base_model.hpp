#pragma once
#include <string>

#include "adapter/peft_files.hpp"
#include "family/family.hpp"
#include "weights/model_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::model {

/// The files of a base model, opened and checked, before anything large is allocated.
struct BaseModel {
  weights::ModelConfig config;
  weights::WeightFile weights;
  bool grown = false;  ///< has more embedding rows than its file
};

/// Opens the Hugging Face folder or GGUF file `path`, with the config.json of `config_from` where
/// that is not empty. Embedding and head are what transformers makes of them (settle_tying) and,
/// with an `adapter`, what it was trained on (adapter::fit_base). Throws Error{unsupported} for a
/// family or an option of config.json that the blocks cannot do, Error{input} for an adapter that
/// is not whole (adapter::check_complete), otherwise as WeightFile::open.
BaseModel open_base_model(const std::string& path, const std::string& config_from,
                          const adapter::AdapterFiles* adapter);

}  // namespace axl::model
