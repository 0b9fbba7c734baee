#include <unordered_set>

#include "adapter/peft_files.hpp"
#include "core/log.hpp"
#include "model/decoder.hpp"

namespace axl::model {
namespace {

using tensor::Parameter;
using tensor::Role;

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

[[noreturn]] void refuse_dora(const std::string& module) {
  throw Error(ErrorCode::unsupported, "peft_use_dora: DoRA on '" + module + "' is not supported")
      .hint("leave it out of lora_target_modules, or take LoRA");
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
    for (Linear* p : {&l.attention.q, &l.attention.k, &l.attention.v, &l.attention.o})
      p->biased = config_.attention_bias;
    for (Linear* p : {&l.mlp.gate, &l.mlp.up, &l.mlp.down}) p->biased = config_.mlp_bias;
    l.attention.q_heads = config_.num_attention_heads;
    l.attention.kv_heads = config_.num_key_value_heads;
    l.attention.head_dim = config_.head_dim;
  }
  embedding_.name = f.embed;
  embedding_.rows = config_.vocab_size;
  embedding_.width = C;
  embedding_.padding = config_.padding_row;
  final_norm_.name = f.final_norm;
  final_norm_.eps = config_.rms_norm_eps;
  linear(lm_head_, std::string(f.lm_head), C, config_.vocab_size);
}

void Decoder::check_shapes(const weights::WeightFile& w) const {
  const std::int64_t C = config_.hidden_size;
  std::unordered_set<std::string> known;
  const auto require = [&](std::string name, const std::vector<std::int64_t>& shape) {
    require_shape(w, config_.origin, name, shape);
    known.insert(std::move(name));
  };
  require(embedding_.name + ".weight", {config_.vocab_size, C});
  require(final_norm_.name + ".weight", {C});
  if (!config_.tie_word_embeddings) require(lm_head_.name + ".weight", {config_.vocab_size, C});
  for (const DecoderLayer& l : layers_) {
    require(l.input_norm.name + ".weight", {C});
    require(l.post_norm.name + ".weight", {C});
    for (const Linear* p : l.linears()) {
      require(p->name + ".weight", {p->out, p->in});
      if (p->biased) require(p->name + ".bias", {p->out});
    }
  }
  std::int64_t unknown = 0;
  const weights::TensorEntry* example = nullptr;
  for (const weights::TensorEntry& t : w.tensors()) {
    if (known.contains(t.name) || t.name.ends_with(".rotary_emb.inv_freq")) continue;
    if (unknown++ == 0) example = &t;
  }
  if (example != nullptr)
    log::info("{}: {} tensors of the file have no place in this model and are ignored, first '{}'",
              config_.origin, unknown, example->name);
}

bool Decoder::trains(const std::string& parameter, const std::string& module) const {
  const TrainingMode& t = options_.training;
  if (t.lora && t.lora->saves_whole(module)) return true;
  if (!t.full) return false;
  if (t.unfrozen_parameters.empty()) return true;
  return std::any_of(t.unfrozen_parameters.begin(), t.unfrozen_parameters.end(),
                     [&](const ParameterPattern& pattern) { return pattern.match(parameter); });
}

std::vector<RowRange> Decoder::frozen_rows(const std::string& parameter, std::int64_t rows) const {
  std::vector<RowRange> trained;
  for (const ParameterPattern& pattern : options_.training.unfrozen_parameters)
    if (pattern.match(parameter))
      if (const auto range = pattern.rows(rows)) trained.push_back(*range);
  return trained.empty() ? trained : rows_outside(std::move(trained), rows);
}

Parameter* Decoder::add_parameter(const std::string& name, std::vector<std::int64_t> shape,
                                  Role role) {
  const auto& lora = options_.training.lora;
  const std::int64_t rows = shape[0];
  Parameter& p = parameters_.add(
      lora ? adapter::adapter_tensor_name(adapter::AdapterRole::parameter, name, *lora) : name,
      std::move(shape), role);
  p.frozen_rows = frozen_rows(name, rows);
  return &p;
}

void Decoder::attach_norm(const weights::WeightFile& w, FrozenStore& store, Norm& norm) {
  const std::string name = norm.name + ".weight";
  total_parameters_ += w.get(name).elements();
  if (trains(name, norm.name))
    norm.trained = add_parameter(name, {config_.hidden_size}, Role::norm);
  else
    store.want(w.get(name), &norm.weight);
}

void Decoder::attach_lora(Linear& l) {
  const adapter::PeftConfig& peft = *options_.training.lora;
  if (peft.use_dora && &l == &lm_head_) refuse_dora(l.name);
  const std::int64_t r = peft.rank_of(l.name);
  adapter::Lora lora;
  lora.a =
      &parameters_.add(adapter::adapter_tensor_name(adapter::AdapterRole::lora_a, l.name, peft),
                       {r, l.in}, Role::lora_a);
  lora.b =
      &parameters_.add(adapter::adapter_tensor_name(adapter::AdapterRole::lora_b, l.name, peft),
                       {l.out, r}, Role::lora_b);
  lora.a->at_end = lora.b->at_end = &l == &lm_head_;
  lora.scale = static_cast<float>(peft.scaling_of(l.name));
  lora.dropout = peft.lora_dropout;
  if (peft.use_dora) {
    const std::string name =
        adapter::adapter_tensor_name(adapter::AdapterRole::magnitude, l.name, peft);
    lora.dora.emplace().magnitude = &parameters_.add(name, {l.out}, Role::magnitude);
  }
  l.lora = lora;
}

const weights::TensorEntry& Decoder::base_weight(const weights::WeightFile& w,
                                                 const Linear& l) const {
  const bool is_embedding = config_.tie_word_embeddings && &l == &lm_head_;
  return w.get((is_embedding ? embedding_.name : l.name) + ".weight");
}

void Decoder::attach_weight(const weights::WeightFile& w, FrozenStore& store, Linear& l) {
  const auto& lora = options_.training.lora;
  const std::string name = l.name + ".weight", bias_name = l.name + ".bias";
  const weights::TensorEntry& entry = base_weight(w, l);
  total_parameters_ += entry.elements();
  if (trains(name, l.name)) {
    l.trained_weight =
        add_parameter(name, {l.out, l.in}, &l == &lm_head_ ? Role::head : Role::matrix);
  } else {
    const bool packed = options_.prepack && store.want_packed(entry, true, &l.packed_forward) &&
                        store.want_packed(entry, false, &l.packed_backward);
    // Not the head: it is multiplied once for every block of rows of logits.
    if (!packed) store.want(entry, &l.weight, &l != &lm_head_);
  }
  const bool adapted = lora && lora->targets(l.name);
  if (l.biased) {
    const weights::TensorEntry& b = w.get(bias_name);
    total_parameters_ += b.elements();
    const bool with_adapter =
        lora && (lora->bias == "all" || (lora->bias == "lora_only" && adapted));
    if (with_adapter || trains(bias_name, l.name)) {
      l.trained_bias = add_parameter(bias_name, {l.out}, Role::bias);
      l.trained_bias->at_end = &l == &lm_head_;
    } else {
      store.want(b, &l.bias);
    }
  }
  if (adapted) attach_lora(l);
}

void Decoder::attach_embedding(const weights::WeightFile& w, FrozenStore& store) {
  const auto& peft = options_.training.lora;
  const std::string weight = embedding_.name + ".weight";
  const std::int64_t V = embedding_.rows, C = embedding_.width;
  total_parameters_ += w.get(weight).elements();
  if (trains(weight, embedding_.name))
    embedding_.trained_table = add_parameter(weight, {V, C}, Role::embedding);
  else
    store.want(w.get(weight), &embedding_.table);
  const auto add = [&](adapter::AdapterRole tensor, std::vector<std::int64_t> shape, Role role) {
    return &parameters_.add(adapter::adapter_tensor_name(tensor, embedding_.name, *peft),
                            std::move(shape), role);
  };
  if (peft && peft->targets(embedding_.name)) {
    if (peft->use_dora) refuse_dora(embedding_.name);
    const std::int64_t r = peft->rank_of(embedding_.name);
    adapter::EmbeddingLora lora;
    lora.a = add(adapter::AdapterRole::embedding_a, {r, V}, Role::lora_embedding_a);
    lora.b = add(adapter::AdapterRole::embedding_b, {C, r}, Role::lora_embedding_b);
    lora.scale = static_cast<float>(peft->scaling_of(embedding_.name));
    embedding_.lora = lora;
  }
  if (!peft || peft->trainable_tokens.empty()) return;
  if (embedding_.trains_anything())
    throw Error(ErrorCode::config, "peft_trainable_token_indices: '" + embedding_.name +
                                       "' is trained already, by lora_modules_to_save or "
                                       "lora_target_modules");
  const auto n = static_cast<std::int64_t>(peft->trainable_tokens.size());
  for (const std::int64_t id : peft->trainable_tokens)
    if (id >= V)
      throw Error(ErrorCode::config, "peft_trainable_token_indices: token " + std::to_string(id) +
                                         " is not in the vocabulary of " + std::to_string(V));
  embedding_.token_rows.emplace(
      add(adapter::AdapterRole::token_rows, {n, C}, Role::token_rows),
      std::vector<std::int32_t>(peft->trainable_tokens.begin(), peft->trainable_tokens.end()));
}

void Decoder::attach_training(const weights::WeightFile& w, FrozenStore& store) {
  const auto& peft = options_.training.lora;
  // PEFT gives every one of modules_to_save a copy of its own, which unties it from the other end.
  const bool own_copies =
      peft && (peft->saves_whole(embedding_.name) || peft->saves_whole(lm_head_.name));
  tied_ = config_.tie_word_embeddings && !own_copies;
  attach_embedding(w, store);
  for (DecoderLayer& l : layers_) {
    layer_offsets_.push_back(parameters_.flat_elements());
    attach_norm(w, store, l.input_norm);
    for (Linear* p : {&l.attention.q, &l.attention.k, &l.attention.v, &l.attention.o})
      attach_weight(w, store, *p);
    attach_norm(w, store, l.post_norm);
    for (Linear* p : {&l.mlp.gate, &l.mlp.up, &l.mlp.down}) attach_weight(w, store, *p);
  }
  attach_norm(w, store, final_norm_);
  if (!tied_) {
    attach_weight(w, store, lm_head_);
    return;
  }
  const weights::TensorEntry& table = w.get(embedding_.name + ".weight");
  if (embedding_.trained_table != nullptr) {
    lm_head_.trained_weight = embedding_.trained_table;
  } else if (options_.prepack) {
    store.want_packed(table, true, &lm_head_.packed_forward);
    store.want_packed(table, false, &lm_head_.packed_backward);
  }
  if (peft && peft->targets(lm_head_.name)) attach_lora(lm_head_);
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
  FrozenStore store(kernels_, compute(), stored());
  attach_training(weights, store);
  if (options_.training.lora) {
    bool any = embedding_.lora || lm_head_.lora;
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
