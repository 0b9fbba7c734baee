#include "model/family.hpp"

namespace axl::model {
namespace {

void check(const weights::ModelConfig& c) {
  // transformers goes by model_type: the same class name with another type is another model there.
  if (!c.model_type.empty() && c.model_type != "llama")
    throw Error(ErrorCode::unsupported, c.origin + ": model_type '" + c.model_type +
                                            "' does not belong to architecture '" + c.architecture +
                                            "', whose model_type is 'llama'");
  if (c.hidden_act != "silu")
    throw Error(ErrorCode::unsupported,
                c.origin + ": hidden_act is '" + c.hidden_act + "', the llama family has 'silu'");
  if (c.num_attention_heads % c.num_key_value_heads != 0)
    throw Error(ErrorCode::input, c.origin + ": num_attention_heads (" +
                                      std::to_string(c.num_attention_heads) +
                                      ") must be a multiple of num_key_value_heads (" +
                                      std::to_string(c.num_key_value_heads) + ")");
  if (c.head_dim % 2 != 0 || c.rope.partial_rotary_factor != 1.0)
    throw Error(ErrorCode::unsupported, c.origin + ": llama rotates whole heads of even size");
}

}  // namespace

/// Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; also Llama 3, SmolLM2, TinyLlama, Yi, ...
FamilySpec llama_spec() {
  return {.name = "llama",
          .hf_architectures = {"LlamaForCausalLM"},
          .embed = "model.embed_tokens",
          .final_norm = "model.norm",
          .lm_head = "lm_head",
          .input_norm = "model.layers.{i}.input_layernorm",
          .q = "model.layers.{i}.self_attn.q_proj",
          .k = "model.layers.{i}.self_attn.k_proj",
          .v = "model.layers.{i}.self_attn.v_proj",
          .o = "model.layers.{i}.self_attn.o_proj",
          .post_norm = "model.layers.{i}.post_attention_layernorm",
          .gate = "model.layers.{i}.mlp.gate_proj",
          .up = "model.layers.{i}.mlp.up_proj",
          .down = "model.layers.{i}.mlp.down_proj",
          .check = &check};
}

}  // namespace axl::model
