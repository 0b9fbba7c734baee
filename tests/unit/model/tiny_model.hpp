#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/decoder.hpp"
#include "model/losses/causal_lm.hpp"
#include "support/gradient_check.hpp"
#include "support/session.hpp"

namespace axl::test {

/// What the weights of a tiny Llama look like.
struct TinyShape {
  std::int64_t vocab = 37, hidden = 16, intermediate = 24, layers = 2, heads = 4, kv_heads = 2,
               head_dim = 4;
  bool tied = false, bias = false;
  weights::Storage storage = weights::Storage::f32;
};

inline weights::ModelConfig tiny_config(const TinyShape& s) {
  weights::ModelConfig c;
  c.architecture = "LlamaForCausalLM";
  c.model_type = "llama";
  c.vocab_size = s.vocab;
  c.hidden_size = s.hidden;
  c.intermediate_size = s.intermediate;
  c.num_hidden_layers = s.layers;
  c.num_attention_heads = s.heads;
  c.num_key_value_heads = s.kv_heads;
  c.head_dim = s.head_dim;
  c.max_position_embeddings = 256;
  c.tie_word_embeddings = s.tied;
  c.attention_bias = c.mlp_bias = s.bias;
  c.origin = "tiny/config.json";
  return c;
}

/// Random weights of the given shape in a temporary safetensors file, removed at the end.
class TinyWeights {
 public:
  explicit TinyWeights(const TinyShape& shape) : config(tiny_config(shape)) {
    static int count = 0;
    path_ =
        std::filesystem::temp_directory_path() /
        ("axl_tiny_" + std::to_string(::getpid()) + "_" + std::to_string(count++) + ".safetensors");
    std::vector<std::pair<std::string, std::vector<std::int64_t>>> list;
    const std::int64_t C = shape.hidden, F = shape.intermediate;
    const std::int64_t Q = shape.heads * shape.head_dim, K = shape.kv_heads * shape.head_dim;
    list.push_back({"model.embed_tokens.weight", {shape.vocab, C}});
    for (std::int64_t i = 0; i < shape.layers; ++i) {
      const std::string layer = "model.layers." + std::to_string(i) + ".";
      list.push_back({layer + "input_layernorm.weight", {C}});
      list.push_back({layer + "post_attention_layernorm.weight", {C}});
      const std::vector<std::pair<std::string, std::vector<std::int64_t>>> matrices = {
          {"self_attn.q_proj", {Q, C}}, {"self_attn.k_proj", {K, C}}, {"self_attn.v_proj", {K, C}},
          {"self_attn.o_proj", {C, Q}}, {"mlp.gate_proj", {F, C}},    {"mlp.up_proj", {F, C}},
          {"mlp.down_proj", {C, F}}};
      for (const auto& [name, dims] : matrices) {
        list.push_back({layer + name + ".weight", dims});
        if (shape.bias) list.push_back({layer + name + ".bias", {dims[0]}});
      }
    }
    list.push_back({"model.norm.weight", {C}});
    if (!shape.tied) list.push_back({"lm_head.weight", {shape.vocab, C}});
    write(list, shape.storage);
    file = std::make_unique<weights::WeightFile>(weights::WeightFile::open(path_.string()));
  }
  ~TinyWeights() {
    file.reset();
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TinyWeights(const TinyWeights&) = delete;
  TinyWeights& operator=(const TinyWeights&) = delete;

  weights::ModelConfig config;
  std::unique_ptr<weights::WeightFile> file;

 private:
  void write(const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& list,
             weights::Storage storage) {
    std::vector<std::vector<float>> values;
    std::vector<weights::TensorToWrite> tensors;
    for (const auto& [name, dims] : list) {
      std::int64_t n = 1;
      for (const std::int64_t d : dims) n *= d;
      const bool norm = name.ends_with("norm.weight");
      std::vector<float>& v = values.emplace_back(static_cast<std::size_t>(n));
      for (std::size_t i = 0; i < v.size(); ++i) {
        const double u = 2.0 * random_uniform(9, values.size(), i) - 1.0;
        const double scale = 1.7 / std::sqrt(static_cast<double>(dims.back()));
        v[i] = static_cast<float>(norm ? 1.0 + 0.3 * u : u * scale);
        if (storage == weights::Storage::bf16) v[i] = static_cast<float>(bf16(v[i]));
      }
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      weights::TensorToWrite t =
          weights::float_tensor(list[i].first, list[i].second, values[i].data());
      if (storage == weights::Storage::bf16) {
        t.storage = storage;
        t.write = [&v = values[i]](const auto& sink) {
          std::vector<bf16> b;
          for (const float x : v) b.push_back(bf16(x));
          sink(std::as_bytes(std::span<const bf16>(b)));
        };
      }
      tensors.push_back(std::move(t));
    }
    weights::write_safetensors(path_.string(), tensors);
  }
  std::filesystem::path path_;
};

/// Documents of the given lengths with random tokens; `share` of them have labels.
struct TinyBatch {
  std::vector<std::int32_t> ids, targets, positions, cu{0};
  std::int64_t labels = 0;
  TinyBatch() = default;
  explicit TinyBatch(const std::vector<std::int64_t>& lengths, double share = 0.7,
                     std::int64_t vocab = 37, std::uint64_t seed = 3) {
    for (const std::int64_t n : lengths) {
      for (std::int64_t i = 0; i < n; ++i) {
        const auto at = static_cast<std::uint64_t>(ids.size());
        const auto size = static_cast<std::uint64_t>(vocab);
        ids.push_back(static_cast<std::int32_t>(random_below(size, seed, 1, at)));
        const bool labelled = random_uniform(seed, 2, at) < share;
        targets.push_back(labelled ? static_cast<std::int32_t>(random_below(size, seed, 3, at))
                                   : -100);
        labels += labelled ? 1 : 0;
        positions.push_back(static_cast<std::int32_t>(i));
      }
      cu.push_back(static_cast<std::int32_t>(ids.size()));
    }
  }
  /// Document number d alone.
  TinyBatch document(std::size_t d) const {
    TinyBatch out;
    const auto part = [&](const std::vector<std::int32_t>& v) {
      return std::vector<std::int32_t>(v.begin() + cu[d], v.begin() + cu[d + 1]);
    };
    out.ids = part(ids);
    out.targets = part(targets);
    out.positions = part(positions);
    out.cu = {0, cu[d + 1] - cu[d]};
    for (const std::int32_t t : out.targets) out.labels += t >= 0 ? 1 : 0;
    return out;
  }
  model::Batch view(std::uint64_t dropout_key = 0) const {
    return {.ids = ids,
            .targets = targets,
            .positions = positions,
            .cu_seqlens = cu,
            .dropout_key = dropout_key};
  }
};

inline adapter::PeftConfig tiny_lora(double dropout = 0.0) {
  adapter::PeftConfig p;
  p.r = 3;
  p.lora_alpha = 6;
  p.lora_dropout = dropout;
  p.target_modules.names = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                            "gate_proj", "up_proj", "down_proj"};
  return p;
}

/// A decoder on tiny weights.
struct TinyDecoder {
  TinyDecoder(const TinyWeights& w, const model::DecoderOptions& options,
              std::int64_t arena_bytes = 64 << 20)
      : bench(arena_bytes),
        decoder(w.config, *w.file, options, bench.kernels, session().queue(),
                model::private_weight_memory(memory)) {
    decoder.reserve_positions(256);
  }
  Bench bench;
  std::vector<device::Buffer> memory;
  model::Decoder decoder;

  /// Sum of the losses; adds `scale` times its gradients when asked to.
  double run(const model::Batch& batch, bool backward, double scale = 1.0) {
    ops::Context ctx = bench.context();
    decoder.refresh_values(ctx);
    const device::ArenaScope scope(bench.arena);
    model::Decoder::Saved saved;
    const tensor::TensorView hidden = decoder.forward(ctx, batch, saved);
    if (!backward) return model::CausalLmLoss::evaluate(ctx, decoder, batch, hidden);
    const tensor::TensorView d = tensor::allocate(bench.arena, decoder.compute(),
                                                  {batch.tokens(), decoder.config().hidden_size});
    const double loss =
        model::CausalLmLoss::forward_backward(ctx, decoder, batch, hidden, d, scale);
    decoder.backward(ctx, batch, saved, d, {});
    return loss;
  }
  /// All gradients as numbers, parameter after parameter.
  std::vector<double> gradients() {
    std::vector<double> out;
    for (const tensor::Parameter& p : decoder.parameters().all())
      for (std::int64_t i = 0; i < p.elements(); ++i)
        out.push_back(p.grad.dtype() == DType::f64 ? p.grad.as<double>()[i]
                                                   : static_cast<double>(p.grad.as<float>()[i]));
    return out;
  }
  /// Gives every trained parameter small random values on top: B of LoRA is zero at the start.
  void perturb() {
    std::uint64_t seed = 500;
    for (tensor::Parameter& p : decoder.parameters().all()) {
      const auto noise = random_doubles(p.elements(), seed++, 0.2);
      for (std::int64_t i = 0; i < p.elements(); ++i) {
        const double x = noise[static_cast<std::size_t>(i)];
        if (p.master.dtype() == DType::f64)
          p.master.as<double>()[i] += x;
        else
          p.master.as<float>()[i] += static_cast<float>(x);
      }
    }
  }
};

}  // namespace axl::test
