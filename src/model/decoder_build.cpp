#include <cmath>
#include <regex>

#include "adapter/peft_files.hpp"
#include "model/decoder.hpp"

namespace axl::model {
namespace {

using tensor::Parameter;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string s = "(";
  for (std::size_t i = 0; i < shape.size(); ++i)
    s += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return s + ")";
}

void require_shape(const weights::WeightFile& file, const std::string& origin,
                   const std::string& name, const std::vector<std::int64_t>& expected) {
  const weights::TensorEntry& e = file.get(name);
  if (e.shape == expected) return;
  throw Error(ErrorCode::input, origin + ": tensor '" + name + "' is " + shape_text(e.shape) +
                                    ", the config asks for " + shape_text(expected));
}

std::uint64_t hash_text(const std::string& text, std::uint64_t seed) {
  for (const char c : text) seed = kernels::hash_counter(seed, static_cast<unsigned char>(c));
  return seed;
}

void load_into(const Parameter& p, const weights::TensorEntry& e) {
  if (p.master.dtype() == DType::f32) {
    weights::to_float(e, 0, e.elements(), p.master.as<float>());
    return;
  }
  std::vector<float> f(static_cast<std::size_t>(e.elements()));
  weights::to_float(e, 0, e.elements(), f.data());
  std::copy(f.begin(), f.end(), p.master.as<double>());
}

/// Kaiming uniform with a = sqrt(5), as PEFT initialises lora_A: U(-1/sqrt(in), 1/sqrt(in)).
void initialise_lora_a(const Parameter& p, std::uint64_t seed) {
  const std::uint64_t key = hash_text(p.name, seed);
  const double bound = 1.0 / std::sqrt(static_cast<double>(p.shape[1]));
  for (std::int64_t i = 0; i < p.elements(); ++i) {
    const double u =
        static_cast<double>(kernels::hash_counter(key, static_cast<std::uint64_t>(i)) >> 11) *
        0x1p-53;
    const double value = (2.0 * u - 1.0) * bound;
    if (p.master.dtype() == DType::f32)
      p.master.as<float>()[i] = static_cast<float>(value);
    else
      p.master.as<double>()[i] = value;
  }
}

}  // namespace

void Decoder::name_modules() {
  const FamilySpec& f = family_;
  const std::int64_t C = config_.hidden_size, F = config_.intermediate_size;
  const std::int64_t QD = config_.num_attention_heads * config_.head_dim;
  const std::int64_t KD = config_.num_key_value_heads * config_.head_dim;
  const auto linear = [](Linear& l, std::string name, std::int64_t in, std::int64_t out) {
    l.name = std::move(name);
    l.in = in;
    l.out = out;
  };
  layers_.resize(static_cast<std::size_t>(config_.num_hidden_layers));
  for (std::int64_t i = 0; i < config_.num_hidden_layers; ++i) {
    DecoderLayer& l = layers_[static_cast<std::size_t>(i)];
    l.input_norm.name = module_name(f.input_norm, i);
    l.post_norm.name = module_name(f.post_norm, i);
    l.input_norm.eps = l.post_norm.eps = config_.rms_norm_eps;
    linear(l.attention.q, module_name(f.q, i), C, QD);
    linear(l.attention.k, module_name(f.k, i), C, KD);
    linear(l.attention.v, module_name(f.v, i), C, KD);
    linear(l.attention.o, module_name(f.o, i), QD, C);
    linear(l.mlp.gate, module_name(f.gate, i), C, F);
    linear(l.mlp.up, module_name(f.up, i), C, F);
    linear(l.mlp.down, module_name(f.down, i), F, C);
    l.attention.q_heads = config_.num_attention_heads;
    l.attention.kv_heads = config_.num_key_value_heads;
    l.attention.head_dim = config_.head_dim;
  }
  final_norm_.name = f.final_norm;
  final_norm_.eps = config_.rms_norm_eps;
  linear(lm_head_, std::string(f.lm_head), C, config_.vocab_size);
}

void Decoder::check_shapes(const weights::WeightFile& w) const {
  const std::string& origin = config_.origin;
  const std::int64_t C = config_.hidden_size;
  require_shape(w, origin, std::string(family_.embed) + ".weight", {config_.vocab_size, C});
  require_shape(w, origin, final_norm_.name + ".weight", {C});
  if (!config_.tie_word_embeddings)
    require_shape(w, origin, lm_head_.name + ".weight", {config_.vocab_size, C});
  for (const DecoderLayer& l : layers_) {
    require_shape(w, origin, l.input_norm.name + ".weight", {C});
    require_shape(w, origin, l.post_norm.name + ".weight", {C});
    for (const Linear* p : l.linears()) {
      require_shape(w, origin, p->name + ".weight", {p->out, p->in});
      if (w.find(p->name + ".bias") != nullptr)
        require_shape(w, origin, p->name + ".bias", {p->out});
    }
  }
}

bool Decoder::trains(const std::string& parameter, const std::string& module) const {
  const TrainingMode& t = options_.training;
  if (t.lora && t.lora->saves_whole(module)) return true;
  if (!t.full) return false;
  if (t.unfrozen_parameters.empty()) return true;
  for (const std::string& pattern : t.unfrozen_parameters)
    if (std::regex_search(parameter, std::regex(pattern), std::regex_constants::match_continuous))
      return true;
  return false;
}

Parameter* Decoder::add_parameter(const std::string& name, std::vector<std::int64_t> shape,
                                  bool decay) {
  const auto& lora = options_.training.lora;
  return &parameters_.add(
      lora ? adapter::adapter_tensor_name(adapter::AdapterRole::parameter, name, *lora) : name,
      std::move(shape), decay);
}

void Decoder::attach_norm(const weights::WeightFile& w, FrozenStore& store, Norm& norm) {
  const std::string name = norm.name + ".weight";
  total_parameters_ += w.get(name).elements();
  if (trains(name, norm.name))
    norm.trained = add_parameter(name, {config_.hidden_size}, false);
  else
    store.want(w.get(name), &norm.weight);
}

void Decoder::attach_lora(Linear& l) {
  const adapter::PeftConfig& peft = *options_.training.lora;
  const std::int64_t r = peft.rank_of(l.name);
  adapter::Lora lora;
  lora.a = &parameters_.add(
      adapter::adapter_tensor_name(adapter::AdapterRole::lora_a, l.name, peft), {r, l.in}, true);
  lora.b = &parameters_.add(
      adapter::adapter_tensor_name(adapter::AdapterRole::lora_b, l.name, peft), {l.out, r}, true);
  lora.b->lr_scale = options_.training.lora_plus_ratio;
  lora.scale = static_cast<float>(peft.scaling_of(l.name));
  lora.dropout = peft.lora_dropout;
  l.lora = lora;
}

void Decoder::attach_weight(const weights::WeightFile& w, FrozenStore& store, Linear& l) {
  const auto& lora = options_.training.lora;
  const std::string name = l.name + ".weight", bias_name = l.name + ".bias";
  const weights::TensorEntry& entry = w.get(name);
  total_parameters_ += entry.elements();
  if (trains(name, l.name)) {
    l.trained_weight = add_parameter(name, {l.out, l.in}, true);
  } else {
    const bool packed = options_.prepack && store.want_packed(entry, true, &l.packed_forward) &&
                        store.want_packed(entry, false, &l.packed_backward);
    // Not the head: it is multiplied once for every block of rows of logits.
    if (!packed) store.want(entry, &l.weight, &l != &lm_head_);
  }
  const bool adapted = lora && lora->targets(l.name);
  if (const weights::TensorEntry* b = w.find(bias_name)) {
    total_parameters_ += b->elements();
    const bool with_adapter =
        lora && (lora->bias == "all" || (lora->bias == "lora_only" && adapted));
    if (with_adapter || trains(bias_name, l.name))
      l.trained_bias = add_parameter(bias_name, {l.out}, false);
    else
      store.want(*b, &l.bias);
  }
  if (adapted) attach_lora(l);
}

void Decoder::attach_training(const weights::WeightFile& w, FrozenStore& store) {
  const std::string embed(family_.embed), embed_weight = embed + ".weight";
  const weights::TensorEntry& table = w.get(embed_weight);
  total_parameters_ += table.elements();
  if (const auto& lora = options_.training.lora)
    for (const std::string& module : {embed, lm_head_.name})
      if (lora->targets(module))
        throw Error(ErrorCode::unsupported,
                    "lora_target_modules: an adapter on '" + module + "' is not supported")
            .hint("lora_modules_to_save trains the module itself");
  const bool tied = config_.tie_word_embeddings;
  const bool trains_embedding =
      trains(embed_weight, embed) || (tied && trains(embed_weight, lm_head_.name));
  if (trains_embedding)
    trained_embedding_ =
        add_parameter(embed_weight, {config_.vocab_size, config_.hidden_size}, true);
  else
    store.want(table, &embedding_);
  for (DecoderLayer& l : layers_) {
    layer_offsets_.push_back(parameters_.flat_elements());
    attach_norm(w, store, l.input_norm);
    for (Linear* p : {&l.attention.q, &l.attention.k, &l.attention.v, &l.attention.o})
      attach_weight(w, store, *p);
    attach_norm(w, store, l.post_norm);
    for (Linear* p : {&l.mlp.gate, &l.mlp.up, &l.mlp.down}) attach_weight(w, store, *p);
  }
  attach_norm(w, store, final_norm_);
  if (!tied) {
    attach_weight(w, store, lm_head_);
  } else if (trains_embedding) {
    lm_head_.trained_weight = trained_embedding_;
  } else if (options_.prepack) {
    store.want_packed(table, true, &lm_head_.packed_forward);
    store.want_packed(table, false, &lm_head_.packed_backward);
  }
}

void Decoder::initialise_trained(const weights::WeightFile& w) {
  const auto base_tensor = [&](const std::string& parameter) {
    std::string name = parameter;
    constexpr std::string_view kPrefix = "base_model.model.";
    if (name.starts_with(kPrefix)) name = name.substr(kPrefix.size());
    const std::size_t layer = name.find(".base_layer.");
    if (layer != std::string::npos) name.erase(layer, 11);
    return name;
  };
  for (Parameter& p : parameters_.all()) {
    if (p.name.ends_with("lora_A.weight"))
      initialise_lora_a(p, options_.seed);
    else if (!p.name.ends_with("lora_B.weight"))
      load_into(p, w.get(base_tensor(p.name)));
  }
  const auto adopt = [](TensorView& view, const Parameter* p) {
    if (p != nullptr) view = p->value;
  };
  adopt(embedding_, trained_embedding_);
  adopt(final_norm_.weight, final_norm_.trained);
  for (DecoderLayer& l : layers_) {
    adopt(l.input_norm.weight, l.input_norm.trained);
    adopt(l.post_norm.weight, l.post_norm.trained);
  }
  std::vector<Linear*> all = linears();
  all.push_back(&lm_head_);
  for (Linear* l : all) {
    adopt(l->weight, l->trained_weight);
    adopt(l->bias, l->trained_bias);
  }
  if (config_.tie_word_embeddings) lm_head_.weight = embedding_;
}

Decoder::Decoder(const weights::ModelConfig& config, const weights::WeightFile& weights,
                 const DecoderOptions& options, const kernels::KernelTable& kernels,
                 kernels::Queue& queue, const WeightMemory& memory)
    : config_(config),
      family_(family_of(config)),
      options_(options),
      kernels_(kernels),
      parameters_(options.compute) {
  family_.check(config_);
  name_modules();
  check_shapes(weights);
  FrozenStore store(kernels_, options_.compute);
  attach_training(weights, store);
  if (options_.training.lora) {
    bool any = false;
    for (const Linear* l : linears()) any = any || l->lora;
    if (!any)
      throw Error(ErrorCode::config, "lora_target_modules match no linear layer of this model")
          .hint("modules: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj");
  }
  weight_bytes_ = store.bytes();
  mapped_bytes_ = store.mapped_bytes();
  if (options_.plan_only) return;
  parameters_.finish();
  store.materialise(memory, queue);
  initialise_trained(weights);
  device::Arena none(64);
  Context ctx{kernels_, queue, none};
  refresh_values(ctx);
}

}  // namespace axl::model
