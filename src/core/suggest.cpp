#include "core/suggest.hpp"

#include <algorithm>

namespace axl {

int edit_distance(std::string_view a, std::string_view b) {
  const std::size_t n = b.size();
  std::vector<int> before(n + 1), last(n + 1), now(n + 1);
  for (std::size_t j = 0; j <= n; ++j) last[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= n; ++j) {
      const int substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[n];
}

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  const int limit = std::max(2, static_cast<int>(name.size()) / 3);
  int best = limit + 1;
  std::string out;
  for (const std::string& k : known) {
    const auto gap =
        static_cast<int>(std::max(name.size(), k.size()) - std::min(name.size(), k.size()));
    if (gap >= best) continue;  // the distance is at least that
    const int d = edit_distance(name, k);
    if (d < best && d < static_cast<int>(std::max(name.size(), k.size()))) {
      best = d;
      out = k;
    }
  }
  return out;
}

}  // namespace axl
