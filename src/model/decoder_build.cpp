#include <unordered_set>

#include "adapter/method.hpp"
#include "adapter/peft_files.hpp"
#include "core/log.hpp"
#include "model/check_training.hpp"
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

}  // namespace

void Decoder::name_layer(std::int64_t i) {
  const family::ModuleNames& names = family_.modules;
  DecoderLayer& l = layers_[static_cast<std::size_t>(i)];
  const family::LayerShape& shape = shape_.layers[static_cast<std::size_t>(i)];
  const family::AttentionShape& a = shape.attention;
  const std::int64_t C = config_.hidden_size, F = shape.mlp.inner;
  const std::int64_t QD = a.heads * a.head_dim, KD = a.kv_heads * a.head_dim;
  const auto norm = [&](Norm& n, std::string_view name, std::int64_t width) {
    n.name = family::module_name(name, i);
    n.shape = shape.norm;
    n.width = width;
  };
  const auto linear = [&](Linear& m, std::string_view name, std::int64_t in, std::int64_t out,
                          bool biased, std::uint64_t ordinal) {
    m.name = family::module_name(name, i);
    m.in = in;
    m.out = out;
    m.biased = biased;
    m.conv1d = family_.conv1d;
    m.ordinal = ordinal;
  };
  l.residual = shape.residual;
  l.attention.shape = a;
  l.mlp.shape = shape.mlp;
  norm(l.input_norm, names.input_norm, C);
  norm(l.post_norm, names.post_norm, C);
  if (shape.residual == family::Residual::sandwich) {
    norm(l.attention_out_norm.emplace(), names.attention_out_norm, C);
    norm(l.mlp_out_norm.emplace(), names.mlp_out_norm, C);
  }
  if (a.qk_norm) {
    norm(l.attention.q_norm.emplace(), names.q_norm, a.head_dim);
    norm(l.attention.k_norm.emplace(), names.k_norm, a.head_dim);
  }
  if (l.attention.fused()) {
    linear(l.attention.qkv, names.qkv, C, QD + 2 * KD, a.qkv_bias, 1);
  } else {
    linear(l.attention.q, names.q, C, QD, a.qkv_bias, 1);
    linear(l.attention.k, names.k, C, KD, a.qkv_bias, 2);
    linear(l.attention.v, names.v, C, KD, a.qkv_bias, 3);
  }
  linear(l.attention.o, names.o, QD, C, a.out_bias, 4);
  if (shape.mlp.fused) {
    linear(l.mlp.gate_up, names.gate_up, C, 2 * F, shape.mlp.biased, 5);
  } else {
    if (shape.mlp.gated) linear(l.mlp.gate, names.gate, C, F, shape.mlp.biased, 5);
    linear(l.mlp.up, names.up, C, F, shape.mlp.biased, 6);
  }
  linear(l.mlp.down, names.down, F, C, shape.mlp.biased, 7);
}

void Decoder::name_modules() {
  const std::int64_t C = config_.hidden_size;
  layers_.resize(shape_.layers.size());
  for (std::int64_t i = 0; i < std::ssize(layers_); ++i) name_layer(i);
  embedding_.name = family_.modules.embed;
  embedding_.rows = config_.vocab_size;
  embedding_.width = C;
  embedding_.padding = config_.padding_row;
  if (shape_.learned_positions > 0) {
    positions_.emplace();
    positions_->name = family_.modules.positions;
    positions_->rows = shape_.learned_positions;
    positions_->width = C;
  }
  final_norm_.name = family_.modules.final_norm;
  final_norm_.shape = shape_.final_norm;
  final_norm_.width = C;
  lm_head_.name = family_.modules.lm_head;
  lm_head_.in = C;
  lm_head_.out = config_.vocab_size;
}

void Decoder::check_shapes(const weights::WeightFile& w) const {
  const std::int64_t C = config_.hidden_size;
  std::unordered_set<std::string> known;
  const auto require = [&](std::string name, const std::vector<std::int64_t>& shape) {
    require_shape(w, config_.origin, name, shape);
    known.insert(std::move(name));
  };
  require(embedding_.name + ".weight", {config_.vocab_size, C});
  if (positions_) require(positions_->name + ".weight", {positions_->rows, C});
  const auto require_norm = [&](const Norm& norm) {
    require(norm.name + ".weight", {norm.width});
    if (norm.has_bias()) require(norm.name + ".bias", {norm.width});
  };
  require_norm(final_norm_);
  if (!config_.tie_word_embeddings) require(lm_head_.name + ".weight", {config_.vocab_size, C});
  for (const DecoderLayer& l : layers_) {
    for (const Norm* norm : l.norms()) require_norm(*norm);
    for (const Linear* p : l.linears()) {
      require(p->name + ".weight", p->weight_shape());
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
  const auto attach = [&](const std::string& name, Parameter*& trained, TensorView& view) {
    total_parameters_ += w.get(name).elements();
    if (trains(name, norm.name))
      trained = add_parameter(name, {norm.width}, Role::norm);
    else
      store.want(w.get(name), &view);
  };
  attach(norm.name + ".weight", norm.trained, norm.weight);
  if (norm.has_bias()) attach(norm.name + ".bias", norm.trained_bias, norm.bias);
}

void Decoder::attach_adapter(Linear& l) {
  const adapter::PeftConfig& peft = *options_.training.lora;
  adapter::methods().get(peft.peft_type).attach({parameters_, peft, shared_, &l == &lm_head_}, l);
}

const weights::TensorEntry& Decoder::base_weight(const weights::WeightFile& w,
                                                 const Linear& l) const {
  const bool is_embedding = config_.tie_word_embeddings && &l == &lm_head_;
  return w.get((is_embedding ? embedding_.name : l.name) + ".weight");
}

quant::MatrixRequest Decoder::matrix_request(const weights::TensorEntry& entry,
                                             const Linear& l) const {
  const bool head = &l == &lm_head_;
  return {.entry = &entry,
          .rows = l.out,
          .columns = l.in,
          .transposed = l.conv1d,
          .stored = stored(),
          .may_be_narrow = !head,
          .packed = options_.prepack,
          .four_bit = head ? std::nullopt : options_.four_bit};
}

quant::MatrixRequest Decoder::table_request(const weights::TensorEntry& entry) const {
  return {.entry = &entry, .rows = entry.shape[0], .columns = entry.shape[1], .stored = compute()};
}

void Decoder::attach_weight(const weights::WeightFile& w, FrozenStore& store, Linear& l) {
  const auto& lora = options_.training.lora;
  const std::string name = l.name + ".weight", bias_name = l.name + ".bias";
  const weights::TensorEntry& entry = base_weight(w, l);
  total_parameters_ += entry.elements();
  if (trains(name, l.name)) {
    l.trained_weight =
        add_parameter(name, l.weight_shape(), &l == &lm_head_ ? Role::head : Role::matrix);
  } else {
    store.want(matrix_request(entry, l), &l.weight);
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
  if (adapted) attach_adapter(l);
}

void Decoder::attach_embedding(const weights::WeightFile& w, FrozenStore& store) {
  const auto& peft = options_.training.lora;
  const std::string weight = embedding_.name + ".weight";
  const std::int64_t V = embedding_.rows, C = embedding_.width;
  total_parameters_ += w.get(weight).elements();
  if (trains(weight, embedding_.name))
    embedding_.trained_table = add_parameter(weight, {V, C}, Role::embedding);
  else
    store.want(table_request(w.get(weight)), &embedding_.table);
  const auto add = [&](adapter::AdapterRole tensor, std::vector<std::int64_t> shape, Role role) {
    return &parameters_.add(adapter::adapter_tensor_name(tensor, embedding_.name, *peft),
                            std::move(shape), role);
  };
  if (peft && peft->targets(embedding_.name)) {
    if (peft->use_dora || peft->peft_type != "LORA")
      throw Error(ErrorCode::unsupported,
                  (peft->use_dora ? "peft_use_dora: DoRA" : peft->peft_type) + " on '" +
                      embedding_.name + "' is not supported")
          .hint("leave it out of lora_target_modules, or take LoRA");
    const std::int64_t r = peft->rank_of(embedding_.name);
    adapter::EmbeddingLora lora;
    lora.a = add(adapter::AdapterRole::embedding_a, {r, V}, Role::lora_embedding_a);
    lora.b = add(adapter::AdapterRole::embedding_b, {C, r}, Role::lora_embedding_b);
    lora.a->init = tensor::Init::constant;
    lora.b->init = tensor::Init::normal;
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
  Parameter* rows = add(adapter::AdapterRole::token_rows, {n, C}, Role::token_rows);
  rows->init = tensor::Init::base_rows;
  embedding_.token_rows.emplace(rows, std::vector<std::int32_t>(peft->trainable_tokens.begin(),
                                                                peft->trainable_tokens.end()));
}

void Decoder::attach_positions(const weights::WeightFile& w, FrozenStore& store) {
  if (!positions_) return;
  const std::string weight = positions_->name + ".weight";
  total_parameters_ += w.get(weight).elements();
  const auto& peft = options_.training.lora;
  if (peft && peft->targets(positions_->name))
    throw Error(ErrorCode::unsupported,
                "adapters on the table of positions '" + positions_->name + "' are not supported")
        .hint("leave it out of lora_target_modules");
  if (trains(weight, positions_->name))
    positions_->trained_table =
        add_parameter(weight, {positions_->rows, positions_->width}, Role::matrix);
  else
    store.want(table_request(w.get(weight)), &positions_->table);
}

void Decoder::attach_training(const weights::WeightFile& w, FrozenStore& store) {
  const auto& peft = options_.training.lora;
  // PEFT gives every one of modules_to_save a copy of its own, which unties it from the other end.
  const bool own_copies =
      peft && (peft->saves_whole(embedding_.name) || peft->saves_whole(lm_head_.name));
  tied_ = config_.tie_word_embeddings && !own_copies;
  attach_embedding(w, store);
  attach_positions(w, store);
  if (peft) {
    for (const Linear* l : linears())
      if (peft->targets(l->name)) shared_.note(*l);
    if (peft->targets(lm_head_.name)) shared_.note(lm_head_);
  }
  for (DecoderLayer& l : layers_) {
    layer_offsets_.push_back(parameters_.flat_elements());
    attach_norm(w, store, l.input_norm);
    for (Linear* p : l.attention.linears()) attach_weight(w, store, *p);
    for (std::optional<Norm>* norm :
         {&l.attention.q_norm, &l.attention.k_norm, &l.attention_out_norm})
      if (*norm) attach_norm(w, store, **norm);
    attach_norm(w, store, l.post_norm);
    for (Linear* p : l.mlp.linears()) attach_weight(w, store, *p);
    if (l.mlp_out_norm) attach_norm(w, store, *l.mlp_out_norm);
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
    store.want(matrix_request(table, lm_head_), &lm_head_.weight);
  }
  if (peft && peft->targets(lm_head_.name)) attach_adapter(lm_head_);
}

Decoder::Decoder(const weights::ModelConfig& config, const weights::WeightFile& weights,
                 const DecoderOptions& options, const kernels::KernelTable& kernels,
                 kernels::Queue& queue, const WeightMemory& memory)
    : config_(config),
      family_(family::family_of(config)),
      shape_(family::shape_of(config)),
      options_(options),
      kernels_(kernels),
      parameters_(options.compute),
      shared_(options.compute) {
  ropes_ = RopeTables(shape_.ropes, config_.max_position_embeddings,
                      tensor::accumulator_of(options_.compute));
  name_modules();
  check_shapes(weights);
  FrozenStore store(kernels_, compute());
  attach_training(weights, store);
  if (options_.training.lora) {
    bool any = embedding_.lora || !lm_head_.adapters.empty();
    for (const Linear* l : linears()) any = any || !l->adapters.empty();
    if (!any) {
      std::string names;
      for (const std::string& name : linear_names()) names += (names.empty() ? "" : ", ") + name;
      throw Error(ErrorCode::config, "lora_target_modules match no linear layer of this model")
          .hint("modules: " + names);
    }
  }
  check_training_names(options_.training, config_, family_, weights);
  weight_bytes_ = store.bytes();
  mapped_bytes_ = store.mapped_bytes();
  if (options_.plan_only) {
    parameters_.plan();
    store.plan();
    adopt_values();
    place_derived();
    return;
  }
  parameters_.finish();
  store.materialise(memory, queue);
  initialise_trained(weights, queue);
  device::Arena none(64);
  Context ctx{kernels_, queue, none};
  refresh_values(ctx);
}

}  // namespace axl::model
