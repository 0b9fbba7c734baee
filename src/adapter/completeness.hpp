#pragma once
#include <string>
#include <vector>

#include "adapter/peft_files.hpp"
#include "weights/model_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::adapter {

/// What of a base model an adapter_config.json may refer to, by the names of its tensors.
struct BaseNames {
  std::vector<std::string> matrices;    ///< modules with a weight of two dimensions: LoRA fits
  std::vector<std::string> modules;     ///< all that have a weight
  std::vector<std::string> parameters;  ///< "model.norm.weight", ...
  std::int64_t layers = 0;              ///< num_hidden_layers
};

/// Tensors of layers beyond the config's and biases that the config says the model has not are
/// left out; a tied head is in. `head` is the name of its tensor.
BaseNames base_names(const weights::ModelConfig& config, const weights::WeightFile& base,
                     const std::string& head);

/// A name in adapter_config.json that refers to nothing in the base.
struct Unmatched {
  std::string field;    ///< as adapter_config.json calls it: "target_modules"
  std::string message;  ///< "'gate_porj' matches no module of this model"
  std::string hint;     ///< "did you mean 'gate_proj'?", or what there is
};

/// Names in target_modules, exclude_modules, modules_to_save, rank_pattern, alpha_pattern and
/// layers_to_transform that match nothing. PEFT is silent about them as long as others match.
std::vector<Unmatched> unmatched_names(const PeftConfig& config, const BaseNames& base);

/// Error{input} naming the tensors that the adapter's config declares for this base and its file
/// lacks, and those that the base has no place for. PEFT leaves the former at what they were
/// initialised to. Returns what unmatched_names() finds, as sentences: the tensors were trained
/// without them, so they are told and no error.
std::vector<std::string> check_complete(const AdapterFiles& adapter, const BaseNames& base);

}  // namespace axl::adapter
