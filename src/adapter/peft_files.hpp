#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/peft_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::adapter {

/// What a tensor of adapter_model.safetensors is.
enum class AdapterRole {
  lora_a,         ///< (r, in)
  lora_b,         ///< (out, r)
  embedding_a,    ///< (r, vocabulary)
  embedding_b,    ///< (hidden, r)
  magnitude,      ///< (out): DoRA's
  ia3_l,          ///< (out, 1), or (1, in) of a feed-forward module
  vera_b,         ///< (out)
  vera_d,         ///< (r)
  vera_a_shared,  ///< (r, widest input): "base_model.vera_A"
  vera_b_shared,  ///< (widest output, r)
  token_rows,     ///< (n, hidden): rows that replace those of trainable_token_indices
  parameter,      ///< a whole parameter of the base (modules_to_save, trained biases), same shape
  base_copy  ///< a frozen weight that PEFT saves along: of embeddings under an adapter or enlarged
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
  /// Keeps the bytes of tensors() mapped.
  const std::shared_ptr<const weights::WeightFile>& weights() const { return weights_; }

 private:
  AdapterFiles(std::string folder, PeftConfig config,
               std::shared_ptr<const weights::WeightFile> weights);
  using Has = std::function<bool(AdapterRole, std::string_view)>;
  void check() const;
  void check_vectors() const;
  void check_matrix(const AdapterTensor& t, const Has& has) const;
  [[noreturn]] void refuse(const AdapterTensor& t, const std::string& what) const;
  std::string folder_;
  PeftConfig config_;
  std::shared_ptr<const weights::WeightFile> weights_;
  std::vector<AdapterTensor> tensors_;
};

/// Whether PEFT saves the frozen weight of this module with the adapter: that of an embedding or
/// head under LoRA, when target_modules name one of them (get_peft_model_state_dict of PEFT 0.21).
bool saves_base_copy(const PeftConfig& config, const std::string& module);

/// "base_model.model.<module>.lora_A.weight" and so on. A parameter of a module that LoRA targets
/// too stands under "<module>.base_layer.", as PEFT's wrapped layers have it.
std::string adapter_tensor_name(AdapterRole role, const std::string& name,
                                const PeftConfig& config);

/// Writes both files into an existing folder, each durably (temporary name, fsync, rename), tensors
/// in the order of their names. Their names are those of adapter_tensor_name.
void write_adapter(const std::string& folder, const PeftConfig& config,
                   std::vector<weights::TensorToWrite> tensors);

}  // namespace axl::adapter
