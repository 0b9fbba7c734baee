#include "data/chat/training_detail.hpp"

namespace axl::data {

std::vector<bool> trained_tokens(std::span<const std::int64_t> begins, std::int64_t characters,
                                 std::span<const TrainingDetail> detail) {
  const std::int64_t n = static_cast<std::int64_t>(begins.size());
  std::vector<bool> trained(begins.size(), false);
  const auto first = [&](std::int64_t i) { return begins[static_cast<std::size_t>(i)]; };
  const auto last = [&](std::int64_t i) { return i + 1 < n ? first(i + 1) - 1 : characters - 1; };
  for (const TrainingDetail& d : detail) {
    std::int64_t begin = 0;
    while (begin < n && first(begin) < d.begin) ++begin;
    if (begin > 0 && last(begin - 1) > d.begin) --begin;
    std::int64_t end = n - 1;
    while (end >= 0 && last(end) > d.end) --end;
    if (end < n - 1 && first(end + 1) < d.end) ++end;
    if (begin > end || !d.train) continue;
    for (std::int64_t i = begin; i <= end; ++i)
      if (first(i) >= first(begin) && last(i) <= last(end))
        trained[static_cast<std::size_t>(i)] = true;
  }
  return trained;
}

}  // namespace axl::data
