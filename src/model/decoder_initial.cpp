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

/// Sum of the squares of the weights of every output: a row, or a column of an (in, out) matrix.
std::vector<double> output_norms(const weights::TensorEntry& e, bool conv1d) {
  const std::int64_t rows = e.shape[0], columns = e.elements() / rows;
  std::vector<float> row(static_cast<std::size_t>(columns));
  std::vector<double> out(static_cast<std::size_t>(conv1d ? columns : rows), 0.0);
  for (std::int64_t r = 0; r < rows; ++r) {
    weights::to_finite_float(e, r * columns, columns, row.data());
    for (std::int64_t c = 0; c < columns; ++c) {
      const double x = static_cast<double>(row[static_cast<std::size_t>(c)]);
      out[static_cast<std::size_t>(conv1d ? c : r)] += x * x;
    }
  }
  return out;
}

template <class F>
void fill(TensorView to, F value_at) {
  for (std::int64_t i = 0; i < to.elements(); ++i) {
    const double value = value_at(i);
    if (to.dtype() == DType::f32)
      to.as<float>()[i] = static_cast<float>(value);
    else
      to.as<double>()[i] = value;
  }
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

bool starts_at_zero(const std::string& name) {
  return name.ends_with("lora_B.weight") || name.ends_with("lora_embedding_A");
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

/// Rooms of what DoRA derives from its parameters, and the arena in which it does.
void Decoder::place_magnitudes() {
  std::int64_t elements = 0;
  device::Arena plan = device::Arena::planning();
  const DType acc = tensor::accumulator_of(options_.compute);
  for (const Linear* l : linears()) {
    if (!l->lora || !l->lora->dora) continue;
    elements += 3 * l->out;
    const device::ArenaScope scope(plan);
    const std::int64_t r = l->lora->a->shape[0];
    tensor::allocate(plan, acc, {r, l->out});
    tensor::allocate(plan, acc, {r, r});
    if (l->weight && l->weight.dtype() != options_.compute)
      tensor::allocate(plan, options_.compute, {l->out, l->in});  // matmul() widens it
  }
  if (elements == 0) return;
  device::Arena rooms = device::Arena::planning();
  if (!options_.plan_only) {
    magnitudes_ = device::Buffer(elements * size_of(acc));
    refresh_arena_.emplace(plan.peak());
  }
  auto* next = static_cast<std::byte*>(options_.plan_only ? rooms.allocate(elements * size_of(acc))
                                                          : magnitudes_.data());
  for (Linear* l : linears()) {
    if (!l->lora || !l->lora->dora) continue;
    adapter::Dora& dora = *l->lora->dora;
    for (TensorView* view : {&dora.base_norms, &dora.factor, &dora.inverse_norm}) {
      *view = TensorView(next, acc, {l->out});
      next += view->bytes();
    }
  }
}

void Decoder::initialise_magnitudes(const weights::WeightFile& w) {
  place_magnitudes();
  for (Linear* l : linears()) {
    if (!l->lora || !l->lora->dora) continue;
    adapter::Dora& dora = *l->lora->dora;
    const std::vector<double> norms = output_norms(w.get(l->name + ".weight"), l->conv1d);
    const auto at = [&](std::int64_t i) { return norms[static_cast<std::size_t>(i)]; };
    fill(dora.base_norms, at);
    fill(dora.magnitude->master, [&](std::int64_t i) { return std::sqrt(at(i)); });
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
    else if (p.name.ends_with("lora_embedding_B"))
      initialise_embedding_b(p, options_.seed);
    else if (embedding_.token_rows && &p == &embedding_.token_rows->values())
      load_rows(p, w.get(embedding_.name + ".weight"), embedding_.token_rows->ids());
    else if (!starts_at_zero(p.name) && !p.name.ends_with("lora_magnitude_vector"))
      load_into(
          p, &p == lm_head_.trained_weight ? base_weight(w, lm_head_) : w.get(base_tensor(p.name)));
  }
  initialise_magnitudes(w);
  adopt_values();
}

/// Modules read trained parameters where they lie.
void Decoder::adopt_values() {
  const auto adopt = [](TensorView& view, const Parameter* p) {
    if (p != nullptr) view = p->value;
  };
  adopt(embedding_.table, embedding_.trained_table);
  if (positions_) adopt(positions_->table, positions_->trained_table);
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
    adopt(l->weight, l->trained_weight);
    adopt(l->bias, l->trained_bias);
  }
  if (tied_) lm_head_.weight = embedding_.table;
}

}  // namespace axl::model
