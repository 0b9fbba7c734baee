#include "weights/gguf_rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"

namespace axl::weights {

std::vector<float> llama3_divisors(const Llama3Scaling& s, double theta, std::int64_t head_dim) {
  std::vector<float> out;
  const auto context = static_cast<double>(s.original_max_position_embeddings);
  for (std::int64_t i = 0; i < head_dim / 2; ++i) {
    const double frequency =
        std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    const double turns = context * frequency / (2.0 * std::numbers::pi);  // context / wavelength
    double divisor = 1.0;
    if (turns < s.low_freq_factor) {
      divisor = s.factor;
    } else if (turns <= s.high_freq_factor) {
      const double smooth = (turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
      divisor = 1.0 / ((1.0 - smooth) / s.factor + smooth);
    }
    out.push_back(static_cast<float>(divisor));
  }
  return out;
}

Llama3Scaling llama3_scaling_of(const std::vector<float>& divisors, double theta,
                                const std::string& path) {
  Llama3Scaling candidate;
  const auto head_dim = static_cast<std::int64_t>(divisors.size()) * 2;
  candidate.factor = static_cast<double>(*std::max_element(divisors.begin(), divisors.end()));
  const auto matches = [&] {
    const std::vector<float> expected = llama3_divisors(candidate, theta, head_dim);
    return std::equal(expected.begin(), expected.end(), divisors.begin(), [](float a, float b) {
      return std::isfinite(b) && std::abs(a - b) <= 1e-4f * std::abs(a);
    });
  };
  if (matches()) return candidate;
  for (int exponent = 0; exponent <= 24; ++exponent) {
    candidate.original_max_position_embeddings = std::int64_t{1} << exponent;
    if (matches()) return candidate;
  }
  throw Error(ErrorCode::unsupported,
              path + ": rope_freqs.weight holds divisors that are not Llama 3's scaling");
}

}  // namespace axl::weights
