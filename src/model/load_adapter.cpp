#include "model/load_adapter.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "weights/finite.hpp"

namespace axl::model {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string s;
  for (const std::int64_t d : shape) s += (s.empty() ? "" : ", ") + std::to_string(d);
  return "(" + s + ")";
}

/// A bias of a module with LoRA stands under ".base_layer." in the files of an adapter that targets
/// the module and without it otherwise; both mean the same parameter.
std::string same_for_all_targets(std::string name) {
  constexpr std::string_view kBaseLayer = ".base_layer.";
  const std::size_t at = name.rfind(kBaseLayer);
  if (at != std::string::npos) name.replace(at, kBaseLayer.size(), ".");
  return name;
}

double element(tensor::TensorView t, std::int64_t i) {
  if (t.dtype() == DType::f32) return static_cast<double>(t.as<float>()[i]);
  if (t.dtype() == DType::bf16) return static_cast<double>(static_cast<float>(t.as<bf16>()[i]));
  return t.as<double>()[i];
}

void copy(const weights::TensorEntry& from, const tensor::Parameter& to) {
  if (to.master.dtype() == DType::f32) {
    weights::to_finite_float(from, 0, from.elements(), to.master.as<float>());
    return;
  }
  std::vector<float> values(static_cast<std::size_t>(from.elements()));
  weights::to_finite_float(from, 0, from.elements(), values.data());
  std::copy(values.begin(), values.end(), to.master.as<double>());
}

/// The frozen embedding that PEFT saved beside its adapter has to be the base's own, else the
/// adapter would be applied to what it was not trained on. Compared: the shape and 16 rows, as far
/// as rounding to bf16 goes.
void check_base_copy(Context& ctx, const Decoder& decoder, const std::string& path,
                     const adapter::AdapterTensor& t) {
  constexpr std::int64_t kRows = 16;
  const quant::FrozenMatrix& table = decoder.embedding().table;
  const std::int64_t V = table.rows, C = table.columns;
  const auto refuse = [&] {
    throw Error(ErrorCode::input,
                path + ": tensor '" + t.entry->name + "' is not the embedding of the base model")
        .hint("is this the base model that the adapter was trained on?");
  };
  if (t.entry->shape != std::vector<std::int64_t>{V, C}) refuse();
  if (t.name != decoder.embedding().name + ".weight") return;  // a head may exist packed only
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < kRows; ++i) ids.push_back(static_cast<std::int32_t>(i * V / kRows));
  device::Arena arena(2 * (kRows * C * size_of(decoder.compute()) + 64));
  Context own{ctx.kernels, ctx.queue, arena};
  const tensor::TensorView rows = tensor::allocate(arena, decoder.compute(), {kRows, C});
  table.format->lookup(own, table, ids, rows);
  std::vector<float> row(static_cast<std::size_t>(C));
  double difference = 0, scale = 0;
  for (std::int64_t i = 0; i < kRows; ++i) {
    weights::to_finite_float(*t.entry, ids[static_cast<std::size_t>(i)] * C, C, row.data());
    for (std::int64_t c = 0; c < C; ++c) {
      const double ours = element(rows, i * C + c), theirs = row[static_cast<std::size_t>(c)];
      difference += (ours - theirs) * (ours - theirs);
      scale += ours * ours;
    }
  }
  if (difference > 1e-4 * scale) refuse();
}

}  // namespace

void load_adapter(Context& ctx, Decoder& decoder, const adapter::AdapterFiles& files) {
  const std::string path = files.folder() + "/adapter_model.safetensors";
  std::unordered_map<std::string, const weights::TensorEntry*> rest;
  for (const adapter::AdapterTensor& t : files.tensors()) {
    if (t.role == adapter::AdapterRole::vera_a_shared ||
        t.role == adapter::AdapterRole::vera_b_shared)
      continue;
    if (t.role == adapter::AdapterRole::base_copy)
      check_base_copy(ctx, decoder, path, t);
    else
      rest.emplace(same_for_all_targets(t.entry->name), t.entry);
  }
  std::vector<std::pair<const weights::TensorEntry*, const tensor::Parameter*>> pairs;
  for (const tensor::Parameter& p : decoder.parameters().all()) {
    const auto found = rest.find(same_for_all_targets(p.name));
    if (found == rest.end())
      throw Error(ErrorCode::input,
                  path + ": has no tensor '" + p.name + "', which this run trains")
          .hint("the adapter was made for other target modules, or for another model");
    if (found->second->shape != p.shape)
      throw Error(ErrorCode::input, path + ": tensor '" + found->second->name + "' is " +
                                        shape_text(found->second->shape) + ", this run asks for " +
                                        shape_text(p.shape))
          .hint("the base model, or the rank (lora_r), is not the one it was trained with");
    pairs.emplace_back(found->second, &p);
    rest.erase(found);
  }
  if (auto projection = adapter::saved_projection(files))
    decoder.shared().set_projection(std::move(*projection));
  for (const adapter::AdapterTensor& t : files.tensors())
    if (rest.contains(same_for_all_targets(t.entry->name)))
      throw Error(ErrorCode::input,
                  path + ": tensor '" + t.entry->name + "' belongs to nothing that this run trains")
          .hint("the adapter was made for other target modules, or for another model");
  for (const auto& [entry, parameter] : pairs) copy(*entry, *parameter);
  decoder.refresh_values(ctx);
}

}  // namespace axl::model
