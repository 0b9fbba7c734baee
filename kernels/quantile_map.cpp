#include "axl/kernels/quantile_map.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace axl::kernels {
namespace {

constexpr int kExponents = 7;

/// Where the linear parts of [0.1, 1] begin and end: torch.linspace in f32, which counts from the
/// nearer end.
std::vector<float> borders_of(int parts) {
  const float step = (1.0f - 0.1f) / static_cast<float>(parts);
  std::vector<float> out;
  for (int i = 0; i <= parts; ++i)
    out.push_back(
        i < (parts + 1) / 2
            ? static_cast<float>(static_cast<double>(0.1f) +
                                 static_cast<double>(step) * static_cast<double>(i))
            : static_cast<float>(1.0 - static_cast<double>(step) * static_cast<double>(parts - i)));
  return out;
}

/// Nearest by value; the values are ascending.
std::uint8_t nearest_to(const std::array<float, 256>& values, float x) {
  const auto above = std::lower_bound(values.begin() + 1, values.end() - 1, x);
  const auto below = above - 1;
  return static_cast<std::uint8_t>((*above - x < x - *below ? above : below) - values.begin());
}

QuantileMap make_dynamic_map(bool is_signed) {
  std::vector<float> values{0.0f, 1.0f};
  for (int i = 0; i < kExponents; ++i) {
    const std::vector<float> borders = borders_of(1 << (is_signed ? i : i + 1));
    const auto scale = static_cast<float>(std::pow(10.0, i + 1 - kExponents));
    for (std::size_t k = 0; k + 1 < borders.size(); ++k) {
      const float value = scale * ((borders[k] + borders[k + 1]) / 2.0f);
      values.push_back(value);
      if (is_signed) values.push_back(-value);
    }
  }
  std::sort(values.begin(), values.end());
  QuantileMap map{};
  std::copy(values.begin(), values.end(), map.values.begin());
  for (std::size_t i = 0; i < map.nearest.size(); ++i)
    map.nearest[i] = nearest_to(map.values, static_cast<float>(i) / 32767.5f - 1.0f);
  return map;
}

}  // namespace

const QuantileMap& dynamic_map(bool is_signed) {
  static const QuantileMap with_sign = make_dynamic_map(true), without = make_dynamic_map(false);
  return is_signed ? with_sign : without;
}

}  // namespace axl::kernels
