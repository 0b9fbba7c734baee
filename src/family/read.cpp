#include "family/read.hpp"

#include <cmath>

namespace axl::family {
namespace {

struct NamedActivation {
  std::string_view name;
  kernels::Activation act;
};
/// transformers' ACT2FN: several names for one function.
constexpr NamedActivation kActivations[] = {{"silu", kernels::Activation::silu},
                                            {"swish", kernels::Activation::silu},
                                            {"gelu", kernels::Activation::gelu},
                                            {"gelu_new", kernels::Activation::gelu_tanh},
                                            {"gelu_fast", kernels::Activation::gelu_tanh},
                                            {"gelu_pytorch_tanh", kernels::Activation::gelu_tanh},
                                            {"relu", kernels::Activation::relu}};

}  // namespace

RawFields::RawFields(const weights::ModelConfig& config)
    : origin_(config.origin),
      root_(config.raw.empty() ? nlohmann::json::object() : parse_json<nlohmann::json>(config.raw)),
      in_(root_, config.origin) {}

kernels::Activation RawFields::activation(const char* key, const std::string& absent) const {
  const std::string name = in_.text_or(key, absent);
  std::string known;
  for (const NamedActivation& a : kActivations) {
    if (a.name == name) return a.act;
    known += (known.empty() ? "" : ", ") + std::string(a.name);
  }
  throw Error(ErrorCode::unsupported,
              origin_ + ": " + key + " is '" + name + "', which is not supported")
      .hint("known: " + known);
}

std::vector<bool> RawFields::sliding(std::int64_t layers,
                                     bool (*otherwise)(std::int64_t layer)) const {
  std::vector<bool> out;
  const std::vector<std::string> types = in_.texts("layer_types");
  if (!types.empty() && std::ssize(types) != layers)
    in_.refuse("layer_types", "must name the kind of each of the " + std::to_string(layers) +
                                  " layers, has " + std::to_string(types.size()));
  for (std::int64_t i = 0; i < layers; ++i) {
    if (types.empty()) {
      out.push_back(otherwise(i));
      continue;
    }
    const std::string& type = types[static_cast<std::size_t>(i)];
    if (type != "sliding_attention" && type != "full_attention")
      throw Error(ErrorCode::unsupported,
                  origin_ + ": layer_types has '" + type + "', which is not supported")
          .hint("known: full_attention, sliding_attention");
    out.push_back(type == "sliding_attention");
  }
  return out;
}

AttentionShape attention_of(const weights::ModelConfig& config) {
  if (config.num_attention_heads % config.num_key_value_heads != 0)
    throw Error(ErrorCode::input, config.origin + ": num_attention_heads (" +
                                      std::to_string(config.num_attention_heads) +
                                      ") must be a multiple of num_key_value_heads (" +
                                      std::to_string(config.num_key_value_heads) + ")");
  return {.heads = config.num_attention_heads,
          .kv_heads = config.num_key_value_heads,
          .head_dim = config.head_dim,
          .scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim))};
}

RopeShape rope_of(const weights::ModelConfig& config) {
  RopeShape rope{config.rope, static_cast<std::int64_t>(static_cast<double>(config.head_dim) *
                                                        config.rope.partial_rotary_factor)};
  if (rope.rotated % 2 != 0 || rope.rotated < 2)
    throw Error(ErrorCode::unsupported,
                config.origin + ": " + std::to_string(rope.rotated) +
                    " elements of a head would be rotated; it must be an even number");
  return rope;
}

ModelShape uniform(const weights::ModelConfig& config, const LayerShape& layer) {
  return {
      .layers = std::vector<LayerShape>(static_cast<std::size_t>(config.num_hidden_layers), layer),
      .ropes = {rope_of(config)},
      .final_norm = layer.norm};
}

ModuleNames llama_names() {
  return {.embed = "model.embed_tokens",
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
          .down = "model.layers.{i}.mlp.down_proj"};
}

}  // namespace axl::family
