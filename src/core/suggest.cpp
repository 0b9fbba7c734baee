#include "core/suggest.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace axl {

namespace {

/// The distance, or something that is at least `limit` when the distance is. `rows` is working
/// memory: a name is compared with hundreds of others.
int bounded_distance(std::string_view a, std::string_view b, int limit,
                     std::array<std::vector<int>, 3>& rows) {
  const std::size_t n = b.size();
  auto& [before, last, now] = rows;
  for (std::vector<int>& row : rows) row.resize(n + 1);
  for (std::size_t j = 0; j <= n; ++j) last[j] = static_cast<int>(j);
  int lowest_before = 0;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = static_cast<int>(i);
    int lowest = now[0];
    for (std::size_t j = 1; j <= n; ++j) {
      const int substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
      lowest = std::min(lowest, now[j]);
    }
    // What follows comes from this row, or by a transposition from the one before.
    const int least = std::min(lowest, lowest_before + 1);
    if (least >= limit) return least;
    lowest_before = lowest;
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[n];
}

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  std::array<std::vector<int>, 3> rows;
  return bounded_distance(a, b, std::numeric_limits<int>::max(), rows);
}

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  const int limit = std::max(2, static_cast<int>(name.size()) / 3);
  int best = limit + 1;
  std::string out;
  std::array<std::vector<int>, 3> rows;
  for (const std::string& k : known) {
    const auto gap =
        static_cast<int>(std::max(name.size(), k.size()) - std::min(name.size(), k.size()));
    if (gap >= best) continue;  // the distance is at least that
    const int d = bounded_distance(name, k, best, rows);
    if (d < best && d < static_cast<int>(std::max(name.size(), k.size()))) {
      best = d;
      out = k;
    }
  }
  return out;
}

}  // namespace axl
