#include "model/rope_table.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"

namespace axl::model {
namespace {

std::vector<double> plain_frequencies(double theta, std::int64_t dim) {
  std::vector<double> f(static_cast<std::size_t>(dim / 2));
  for (std::size_t i = 0; i < f.size(); ++i)
    f[i] = 1.0 / std::pow(theta, 2.0 * static_cast<double>(i) / static_cast<double>(dim));
  return f;
}

/// Long wavelengths are stretched by `factor`, short ones kept, those between interpolated.
void scale_llama3(const weights::RopeConfig& r, std::vector<double>& f) {
  const auto original = static_cast<double>(r.original_max_position_embeddings);
  for (double& x : f) {
    const double wavelength = 2.0 * std::numbers::pi / x;
    if (wavelength < original / r.high_freq_factor) continue;
    if (wavelength > original / r.low_freq_factor) {
      x /= r.factor;
      continue;
    }
    const double smooth =
        (original / wavelength - r.low_freq_factor) / (r.high_freq_factor - r.low_freq_factor);
    x = (1.0 - smooth) * x / r.factor + smooth * x;
  }
}

double yarn_mscale(double scale, double mscale) {
  return scale <= 1.0 ? 1.0 : 0.1 * mscale * std::log(scale) + 1.0;
}

double scale_yarn(const weights::RopeConfig& r, std::int64_t dim, std::vector<double>& f) {
  const auto original = static_cast<double>(r.original_max_position_embeddings);
  const auto correction_dim = [&](double rotations) {
    return static_cast<double>(dim) * std::log(original / (rotations * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(r.theta));
  };
  double low = correction_dim(r.beta_fast), high = correction_dim(r.beta_slow);
  if (r.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < f.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    f[i] = f[i] / r.factor * ramp + f[i] * (1.0 - ramp);
  }
  if (r.attention_factor > 0) return r.attention_factor;
  if (r.mscale > 0 && r.mscale_all_dim > 0)
    return yarn_mscale(r.factor, r.mscale) / yarn_mscale(r.factor, r.mscale_all_dim);
  return yarn_mscale(r.factor, 1.0);
}

/// Every frequency has a divisor of its own, up to the original length and beyond it.
double scale_longrope(const weights::RopeConfig& r, std::int64_t seq_len, std::vector<double>& f) {
  const std::vector<double>& divisors =
      seq_len > r.original_max_position_embeddings ? r.long_factor : r.short_factor;
  AXL_CHECK(divisors.size() == f.size(), "longrope has a divisor for every frequency");
  for (std::size_t i = 0; i < f.size(); ++i) f[i] /= divisors[i];
  if (r.attention_factor > 0) return r.attention_factor;
  if (r.factor <= 1.0) return 1.0;
  return std::sqrt(1.0 + std::log(r.factor) /
                             std::log(static_cast<double>(r.original_max_position_embeddings)));
}

}  // namespace

RopeFrequencies rope_frequencies(const family::RopeShape& shape, std::int64_t max_positions,
                                 std::int64_t seq_len) {
  const weights::RopeConfig& r = shape.scaling;
  const std::int64_t dim = shape.rotated;
  RopeFrequencies out;
  out.inverse = plain_frequencies(r.theta, dim);
  if (r.type == "default") return out;
  if (r.type == "linear") {
    for (double& x : out.inverse) x /= r.factor;
  } else if (r.type == "dynamic") {
    const auto trained = static_cast<double>(max_positions);
    const double length = std::max(static_cast<double>(seq_len), trained);
    const double d = static_cast<double>(dim);
    const double theta =
        r.theta * std::pow(r.factor * length / trained - (r.factor - 1.0), d / (d - 2.0));
    out.inverse = plain_frequencies(theta, dim);
  } else if (r.type == "llama3") {
    scale_llama3(r, out.inverse);
  } else if (r.type == "yarn") {
    out.attention_factor = scale_yarn(r, dim, out.inverse);
  } else if (r.type == "longrope") {
    out.attention_factor = scale_longrope(r, seq_len, out.inverse);
  } else {
    throw Error(ErrorCode::unsupported, "rope scaling '" + r.type + "' is not supported")
        .hint("known: default, linear, dynamic, llama3, yarn, longrope");
  }
  return out;
}

RopeTable::RopeTable(const family::RopeShape& shape, std::int64_t max_positions,
                     std::int64_t positions, std::int64_t seq_len, DType dtype) {
  const RopeFrequencies f = rope_frequencies(shape, max_positions, seq_len);
  const auto half = static_cast<std::int64_t>(f.inverse.size());
  const std::int64_t n = positions * half;
  memory_ = device::Buffer(2 * n * size_of(dtype));
  auto* base = static_cast<std::byte*>(memory_.data());
  cos_ = {base, dtype, {positions, half}};
  sin_ = {base + n * size_of(dtype), dtype, {positions, half}};
  for (std::int64_t p = 0; p < positions; ++p)
    for (std::int64_t i = 0; i < half; ++i) {
      // transformers multiplies position and frequency in f32; so do we under f32, to agree to the
      // last digits at large angles.
      const double exact = static_cast<double>(p) * f.inverse[static_cast<std::size_t>(i)];
      const double angle =
          dtype == DType::f64
              ? exact
              : static_cast<double>(static_cast<float>(p) *
                                    static_cast<float>(f.inverse[static_cast<std::size_t>(i)]));
      const double c = std::cos(angle) * f.attention_factor;
      const double s = std::sin(angle) * f.attention_factor;
      if (dtype == DType::f64) {
        cos_.as<double>()[p * half + i] = c;
        sin_.as<double>()[p * half + i] = s;
      } else {
        cos_.as<float>()[p * half + i] = static_cast<float>(c);
        sin_.as<float>()[p * half + i] = static_cast<float>(s);
      }
    }
}

std::int64_t RopeTables::kind_for(const family::RopeShape& shape, std::int64_t length) const {
  if (shape.scaling.type == "dynamic") return std::max(length, max_positions_);
  if (shape.scaling.type == "longrope")
    return length > shape.scaling.original_max_position_embeddings ? 1 : 0;
  return 0;
}

void RopeTables::build(std::size_t i, std::int64_t positions, std::int64_t length) {
  tables_[i] = RopeTable(shapes_[i], max_positions_, positions, length, dtype_);
  built_for_[i] = kind_for(shapes_[i], length);
}

void RopeTables::reserve(std::int64_t positions) {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const std::string& type = shapes_[i].scaling.type;
    // Tables that depend on the length are made anew when a batch needs them.
    const std::int64_t limit = type == "dynamic" ? max_positions_
                               : type == "longrope"
                                   ? shapes_[i].scaling.original_max_position_embeddings
                                   : positions;
    const std::int64_t room = std::min(positions, limit);
    if (room > tables_[i].positions()) build(i, room, room);
  }
}

void RopeTables::follow(std::int64_t length) {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const std::string& type = shapes_[i].scaling.type;
    if (type != "dynamic" && type != "longrope") continue;
    const std::int64_t kind = kind_for(shapes_[i], length);
    if (built_for_[i] == kind && tables_[i].positions() >= length) continue;
    const std::int64_t room = type == "dynamic" ? kind : std::max(length, tables_[i].positions());
    build(i, room, length);
  }
}

bool RopeTables::depend_on(std::int64_t length) const {
  return std::any_of(shapes_.begin(), shapes_.end(), [&](const family::RopeShape& s) {
    return s.scaling.type == "dynamic" && length > max_positions_;
  });
}

bool RopeTables::change_between(std::int64_t before, std::int64_t after) const {
  return std::any_of(shapes_.begin(), shapes_.end(), [&](const family::RopeShape& s) {
    return s.scaling.type == "longrope" && kind_for(s, before) != kind_for(s, after);
  });
}

}  // namespace axl::model
