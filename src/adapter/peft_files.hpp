#pragma once
#include <string>
#include <vector>

#include "adapter/peft_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::adapter {

/// What a tensor of adapter_model.safetensors is.
enum class AdapterRole {
  lora_a,       ///< (r, in)
  lora_b,       ///< (out, r)
  embedding_a,  ///< (r, vocabulary)
  embedding_b,  ///< (hidden, r)
  parameter     ///< a whole parameter of the base (modules_to_save, trained biases), same shape
};

struct AdapterTensor {
  AdapterRole role = AdapterRole::lora_a;
  /// The base model's module ("model.layers.0.self_attn.q_proj"), or for `parameter` the
  /// parameter's own name ("model.embed_tokens.weight").
  std::string name;
  const weights::TensorEntry* entry = nullptr;
};

/// An adapter folder of PEFT's: adapter_config.json and adapter_model.safetensors. Reading checks
/// that every A has its B, that their ranks are those of the config and that the config targets
/// their modules; the base model's shapes are checked by whoever applies it.
class AdapterFiles {
 public:
  static AdapterFiles open(const std::string& folder);
  const PeftConfig& config() const { return config_; }
  const std::vector<AdapterTensor>& tensors() const { return tensors_; }
  const weights::TensorEntry* find(AdapterRole role, const std::string& name) const;
  const std::string& folder() const { return folder_; }

 private:
  AdapterFiles(std::string folder, PeftConfig config, weights::WeightFile weights);
  void check() const;
  std::string folder_;
  PeftConfig config_;
  weights::WeightFile weights_;
  std::vector<AdapterTensor> tensors_;
};

/// "base_model.model.<module>.lora_A.weight" and so on. A parameter of a module that LoRA targets
/// too stands under "<module>.base_layer.", as PEFT's wrapped layers have it.
std::string adapter_tensor_name(AdapterRole role, const std::string& name,
                                const PeftConfig& config);

/// Writes both files into an existing folder, each durably (temporary name, fsync, rename), tensors
/// in the order of their names. Their names are those of adapter_tensor_name.
void write_adapter(const std::string& folder, const PeftConfig& config,
                   std::vector<weights::TensorToWrite> tensors);

}  // namespace axl::adapter
