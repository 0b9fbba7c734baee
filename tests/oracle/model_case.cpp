#include "oracle/model_case.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "core/json.hpp"
#include "weights/tying.hpp"

namespace axl::test {

std::vector<float> floats(const weights::WeightFile& file, const std::string& name) {
  const weights::TensorEntry& e = file.get(name);
  std::vector<float> out(static_cast<std::size_t>(e.elements()));
  weights::to_float(e, 0, e.elements(), out.data());
  return out;
}

std::vector<std::int64_t> integers(const weights::WeightFile& file, const std::string& name) {
  const weights::TensorEntry& e = file.get(name);
  std::vector<std::int64_t> out(static_cast<std::size_t>(e.elements()));
  std::memcpy(out.data(), e.bytes.data(), e.bytes.size());
  return out;
}

nlohmann::json read_json(const std::string& path) {
  std::ifstream in(path);
  return axl::parse_json<nlohmann::json>(in);
}

UnpaddedRows unpad(const std::vector<std::int64_t>& ids, const std::vector<std::int64_t>& mask,
                   const std::vector<std::int64_t>& labels, std::int64_t columns) {
  UnpaddedRows out;
  const auto width = static_cast<std::size_t>(columns);
  for (std::size_t row = 0; row < ids.size() / width; ++row) {
    std::int32_t position = 0;
    for (std::size_t c = 0; c < width; ++c) {
      const std::size_t at = row * width + c;
      if (mask[at] == 0) continue;
      out.ids.push_back(static_cast<std::int32_t>(ids[at]));
      out.positions.push_back(position++);
      out.source.push_back(at);
      const bool has_next = !labels.empty() && c + 1 < width && mask[at + 1] != 0;
      const std::int64_t target = has_next ? labels[at + 1] : -100;
      out.targets.push_back(static_cast<std::int32_t>(target));
      if (target >= 0) ++out.labels;
    }
    out.cu.push_back(static_cast<std::int32_t>(out.ids.size()));
  }
  return out;
}

ModelCase::ModelCase(const std::string& folder, const std::string& config_file,
                     const model::DecoderOptions& options,
                     const std::function<void(weights::WeightFile&)>& prepare)
    : config(weights::read_model_config(folder + "/" + config_file)),
      weights(weights::WeightFile::open(folder)) {
  if (prepare) prepare(weights);
  const auto tables = family::family_of(config).tables();
  weights::settle_tying(config, weights, tables[0], tables[1]);
  decoder =
      std::make_unique<model::Decoder>(config, weights, options, bench.kernels, session().queue(),
                                       model::private_weight_memory(memory));
  decoder->reserve_positions(decoder->shape().learned_positions > 0
                                 ? decoder->shape().learned_positions
                                 : std::max<std::int64_t>(config.max_position_embeddings, 512));
}

std::vector<float> ModelCase::logits(const model::Batch& batch) {
  const device::ArenaScope scope(bench.arena);
  ops::Context ctx = bench.context();
  model::Decoder::Saved saved;
  const tensor::TensorView hidden = decoder->forward(ctx, batch, saved);
  std::vector<float> out(static_cast<std::size_t>(batch.tokens() * config.vocab_size));
  model::CausalLmLoss::logits(ctx, *decoder, hidden,
                              {out.data(), DType::f32, {batch.tokens(), config.vocab_size}});
  return out;
}

double ModelCase::forward_backward(const model::Batch& batch, std::int64_t labels) {
  const device::ArenaScope scope(bench.arena);
  ops::Context ctx = bench.context();
  model::Decoder::Saved saved;
  const tensor::TensorView hidden = decoder->forward(ctx, batch, saved);
  const tensor::TensorView d_hidden =
      tensor::allocate(bench.arena, decoder->compute(), {batch.tokens(), config.hidden_size});
  const double n = static_cast<double>(labels);
  const double sum =
      model::CausalLmLoss::forward_backward(ctx, *decoder, batch, hidden, d_hidden, 1.0 / n);
  decoder->backward(ctx, batch, saved, d_hidden, {});
  return sum / n;
}

double ModelCase::evaluate(const model::Batch& batch, std::int64_t labels) {
  const device::ArenaScope scope(bench.arena);
  ops::Context ctx = bench.context();
  model::Decoder::Saved saved;
  const tensor::TensorView hidden = decoder->forward(ctx, batch, saved);
  return model::CausalLmLoss::evaluate(ctx, *decoder, batch, hidden) / static_cast<double>(labels);
}

double worst_logit(const std::vector<float>& ours, const std::vector<float>& recorded,
                   const UnpaddedRows& rows, std::int64_t V) {
  double worst = 0, scale = 0;
  const auto width = static_cast<std::size_t>(V);
  for (std::size_t t = 0; t < rows.source.size(); ++t)
    for (std::size_t v = 0; v < width; ++v) {
      const double b = static_cast<double>(recorded[rows.source[t] * width + v]);
      const double diff = std::abs(static_cast<double>(ours[t * width + v]) - b);
      worst = std::isnan(diff) ? INFINITY : std::max(worst, diff);
      scale = std::max(scale, std::abs(b));
    }
  return worst / scale;
}

double relative(double a, double b, double floor) {
  if (!std::isfinite(a) || !std::isfinite(b)) return std::numeric_limits<double>::infinity();
  return std::abs(a - b) / std::max(std::abs(b), floor);
}

double norm(const float* x, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return std::sqrt(sum);
}

}  // namespace axl::test
