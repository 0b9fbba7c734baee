// What trained parameters start from: the base model's values, or PEFT's initialisation of
// adapters.
#include <cmath>

#include "core/rng.hpp"
#include "model/decoder.hpp"
#include "weights/finite.hpp"

namespace axl::model {
namespace {

using tensor::Parameter;

std::uint64_t hash_text(const std::string& text, std::uint64_t seed) {
  for (const char c : text) seed = kernels::hash_counter(seed, static_cast<unsigned char>(c));
  return seed;
}

void load_into(const Parameter& p, const weights::TensorEntry& e) {
  if (p.master.dtype() == DType::f32) {
    weights::to_finite_float(e, 0, e.elements(), p.master.as<float>());
    return;
  }
  std::vector<float> f(static_cast<std::size_t>(e.elements()));
  weights::to_finite_float(e, 0, e.elements(), f.data());
  std::copy(f.begin(), f.end(), p.master.as<double>());
}

void set_element(TensorView t, std::int64_t i, double value) {
  if (t.dtype() == DType::f32)
    t.as<float>()[i] = static_cast<float>(value);
  else
    t.as<double>()[i] = value;
}

template <class F>
void fill(TensorView to, F value_at) {
  for (std::int64_t i = 0; i < to.elements(); ++i) set_element(to, i, value_at(i));
}

/// Uniform in [0, 1), the same for the same (key, i).
double uniform(std::uint64_t key, std::uint64_t i) {
  return static_cast<double>(kernels::hash_counter(key, i) >> 11) * 0x1p-53;
}

/// Kaiming uniform with a = sqrt(5), as PEFT initialises lora_A: U(-1/sqrt(in), 1/sqrt(in)).
void initialise_lora_a(const Parameter& p, std::uint64_t seed) {
  const std::uint64_t key = hash_text(p.name, seed);
  const double bound = 1.0 / std::sqrt(static_cast<double>(p.shape[1]));
  fill(p.master, [&](std::int64_t i) {
    return (2.0 * uniform(key, static_cast<std::uint64_t>(i)) - 1.0) * bound;
  });
}

/// Standard normal, as PEFT initialises lora_embedding_B.
void initialise_embedding_b(const Parameter& p, std::uint64_t seed) {
  const std::uint64_t key = hash_text(p.name, seed);
  fill(p.master, [&](std::int64_t i) {
    const auto n = static_cast<std::uint64_t>(i);
    return normal_from(uniform(key, 2 * n), uniform(key, 2 * n + 1));
  });
}

/// Which of a base tensor's rows a parameter starts from.
void load_rows(const Parameter& p, const weights::TensorEntry& e,
               const std::vector<std::int32_t>& rows) {
  const std::int64_t C = p.shape[1];
  std::vector<float> row(static_cast<std::size_t>(C));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    weights::to_finite_float(e, rows[r] * C, C, row.data());
    fill(p.master.rows(static_cast<std::int64_t>(r), 1),
         [&](std::int64_t c) { return static_cast<double>(row[static_cast<std::size_t>(c)]); });
  }
}

}  // namespace

/// Rooms of what adapters derive from their parameters, and the arena in which they do.
void Decoder::place_derived() {
  const DType acc = tensor::accumulator_of(options_.compute);
  std::int64_t elements = 0;
  for (const Linear* l : linears())
    for (const auto& adapter : l->adapters) elements += adapter->derived_elements();
  if (elements == 0) return;
  device::Arena rooms = device::Arena::planning();
  if (!options_.plan_only) derived_ = device::Buffer(elements * size_of(acc));
  auto* next = static_cast<std::byte*>(options_.plan_only ? rooms.allocate(elements * size_of(acc))
                                                          : derived_.data());
  kernels::Work work;
  kernels::Queue nothing{&work};
  const kernels::KernelTable counting = kernels::counting_table();
  device::Arena plan = device::Arena::planning();
  Context rehearsal{counting, nothing, plan};
  for (Linear* l : linears()) {
    for (const auto& adapter : l->adapters) {
      const std::int64_t n = adapter->derived_elements();
      if (n > 0) adapter->place_derived({next, acc, {n}});
      next += n * size_of(acc);
    }
    l->refresh(rehearsal);
  }
  if (!options_.plan_only) refresh_arena_.emplace(plan.peak());
}

void Decoder::begin_adapters(kernels::Queue& queue) {
  place_derived();
  constexpr std::int64_t kRows = 80;  // more than an adapter looks at together
  for (Linear* l : linears()) {
    if (l->adapters.empty()) continue;
    device::Arena arena(kRows * l->in * size_of(DType::f64));
    Context ctx{kernels_, queue, arena};
    for (const auto& adapter : l->adapters) adapter->begin(ctx, l->weight);
  }
}

void Decoder::initialise_trained(const weights::WeightFile& w, kernels::Queue& queue) {
  const auto base_tensor = [&](const std::string& parameter) {
    std::string name = parameter;
    constexpr std::string_view kPrefix = "base_model.model.";
    if (name.starts_with(kPrefix)) name = name.substr(kPrefix.size());
    const std::size_t layer = name.find(".base_layer.");
    if (layer != std::string::npos) name.erase(layer, 11);
    return name;
  };
  for (Parameter& p : parameters_.all()) {
    switch (p.init) {
      case tensor::Init::kaiming_uniform:
        initialise_lora_a(p, options_.seed);
        break;
      case tensor::Init::normal:
        initialise_embedding_b(p, options_.seed);
        break;
      case tensor::Init::base_rows:
        load_rows(p, w.get(embedding_.name + ".weight"), embedding_.token_rows->ids());
        break;
      case tensor::Init::constant:
        fill(p.master, [&](std::int64_t) { return p.init_value; });
        break;
      case tensor::Init::base:
        load_into(p, &p == lm_head_.trained_weight ? base_weight(w, lm_head_)
                                                   : w.get(base_tensor(p.name)));
        break;
      case tensor::Init::derived:
        break;
    }
  }
  adopt_values();
  begin_adapters(queue);
}

/// Modules read trained parameters where they lie.
void Decoder::adopt_values() {
  const auto adopt = [](TensorView& view, const Parameter* p) {
    if (p != nullptr) view = p->value;
  };
  const auto adopt_matrix = [](quant::FrozenMatrix& matrix, const Parameter* p, bool transposed) {
    if (p != nullptr) matrix = quant::plain_matrix(p->value, transposed);
  };
  adopt_matrix(embedding_.table, embedding_.trained_table, false);
  if (positions_) adopt_matrix(positions_->table, positions_->trained_table, false);
  std::vector<Norm*> norms{&final_norm_};
  for (DecoderLayer& l : layers_)
    for (Norm* norm : l.norms()) norms.push_back(norm);
  for (Norm* norm : norms) {
    adopt(norm->weight, norm->trained);
    adopt(norm->bias, norm->trained_bias);
  }
  std::vector<Linear*> all = linears();
  all.push_back(&lm_head_);
  for (Linear* l : all) {
    adopt_matrix(l->weight, l->trained_weight, l->conv1d);
    adopt(l->bias, l->trained_bias);
  }
  if (tied_ && !lm_head_.weight) lm_head_.weight = embedding_.table;
}

}  // namespace axl::model
