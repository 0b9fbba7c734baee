#include "tiny_model.hpp"

#include <stdlib.h>

#include <cmath>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/rng.hpp"
#include "support/paths.hpp"
#include "support/session.hpp"

namespace axl::test {

TinyModel::TinyModel(std::int64_t positions) {
  std::string pattern = (std::filesystem::temp_directory_path() / "axl_tiny_XXXXXX").string();
  if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
  constexpr std::int64_t kHidden = 32, kHeads = 4, kKvHeads = 2, kHeadDim = 8, kInner = 48;
  nlohmann::json config{{"architectures", {"LlamaForCausalLM"}},
                        {"model_type", "llama"},
                        {"vocab_size", kVocabulary},
                        {"hidden_size", kHidden},
                        {"intermediate_size", kInner},
                        {"num_hidden_layers", 2},
                        {"num_attention_heads", kHeads},
                        {"num_key_value_heads", kKvHeads},
                        {"head_dim", kHeadDim},
                        {"max_position_embeddings", positions},
                        {"rms_norm_eps", 1e-6},
                        {"rope_theta", 10000.0},
                        {"hidden_act", "silu"},
                        {"tie_word_embeddings", true},
                        {"eos_token_id", 264},
                        {"torch_dtype", "float32"}};
  std::ofstream(folder_ + "/config.json") << config.dump(1);

  std::deque<std::vector<float>> data;
  std::vector<weights::TensorToWrite> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    std::size_t n = 1;
    for (const std::int64_t d : shape) n *= static_cast<std::size_t>(d);
    std::vector<float>& values = data.emplace_back(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double u = random_uniform(7, tensors.size(), i) - 0.5;
      values[i] = static_cast<float>(shape.size() == 1 ? 1 + 0.2 * u : 0.8 * u);
    }
    tensors.push_back(weights::float_tensor(name, std::move(shape), values.data()));
  };
  add("model.embed_tokens.weight", {kVocabulary, kHidden});
  for (int i = 0; i < 2; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    add(layer + "input_layernorm.weight", {kHidden});
    add(layer + "self_attn.q_proj.weight", {kHeads * kHeadDim, kHidden});
    add(layer + "self_attn.k_proj.weight", {kKvHeads * kHeadDim, kHidden});
    add(layer + "self_attn.v_proj.weight", {kKvHeads * kHeadDim, kHidden});
    add(layer + "self_attn.o_proj.weight", {kHidden, kHeads * kHeadDim});
    add(layer + "post_attention_layernorm.weight", {kHidden});
    add(layer + "mlp.gate_proj.weight", {kInner, kHidden});
    add(layer + "mlp.up_proj.weight", {kInner, kHidden});
    add(layer + "mlp.down_proj.weight", {kHidden, kInner});
  }
  add("model.norm.weight", {kHidden});
  weights::write_safetensors(folder_ + "/model.safetensors", tensors);
}

TinyModel::~TinyModel() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

generate::LoadedModel TinyModel::load(DType compute, const std::string& adapter) const {
  return {folder_, adapter, compute, session().queue()};
}

std::string fixture_tokenizer() { return test::source_dir() + "/tests/fixtures/data"; }

}  // namespace axl::test
