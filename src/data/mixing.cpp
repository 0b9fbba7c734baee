#include "data/mixing.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <unordered_set>

#include "core/rng.hpp"
#include "data/near_duplicates.hpp"

namespace axl::data {
namespace {

// Stream of the run's seed that chooses the rows of a fraction (core/rng.hpp), + dataset and round.
constexpr std::uint64_t kMixStream = 0x7072657100000000;

std::string identity(const PreparedRow& row) {
  const XXH128_hash_t a = XXH3_128bits(row.tokens.data(), row.tokens.size_bytes());
  const XXH64_hash_t labels =
      XXH3_64bits_withSeed(row.labels.data(), row.labels.size_bytes(), a.low64);
  const XXH128_hash_t b = XXH3_128bits_withSeed(row.runs.data(), row.runs.size_bytes(), labels);
  std::string out(reinterpret_cast<const char*>(&a), sizeof a);
  return out.append(reinterpret_cast<const char*>(&b), sizeof b);
}

Merged permuted(const Merged& rows, const std::vector<std::size_t>& order) {
  Merged out;
  out.rows.reserve(order.size());
  out.dataset.reserve(order.size());
  for (const std::size_t i : order) out.add(rows.rows[i], rows.dataset[i]);
  return out;
}

std::vector<std::size_t> numbers(std::size_t count) {
  std::vector<std::size_t> out(count);
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

}  // namespace

Merged Merged::part(std::size_t begin, std::size_t end) const {
  Merged out;
  out.rows.assign(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                  rows.begin() + static_cast<std::ptrdiff_t>(end));
  out.dataset.assign(dataset.begin() + static_cast<std::ptrdiff_t>(begin),
                     dataset.begin() + static_cast<std::ptrdiff_t>(end));
  return out;
}

Merged collect(std::vector<TokenizedDataset>& datasets, const config::Config& config) {
  Merged out;
  std::unordered_set<std::string> seen;
  std::optional<NearDuplicates> near;
  if (config.dataset_near_deduplication > 0) near.emplace(config.dataset_near_deduplication);
  for (std::size_t d = 0; d < datasets.size(); ++d) {
    DatasetReport& r = datasets[d].report;
    for (const TokenStore& part : datasets[d].parts)
      for (const StoredRow& stored : part.rows) {
        const PreparedRow row = part.row(stored);
        const bool again = config.dataset_exact_deduplication && !seen.insert(identity(row)).second;
        const bool similar = !again && near && near->is_duplicate(row.tokens);
        if (again || similar) {
          ++(again ? r.deduplicated : r.near_duplicates);
          --r.rows_kept;
          r.tokens -= static_cast<std::int64_t>(row.tokens.size());
          r.label_tokens -= predicted_labels(row.runs);
          continue;
        }
        out.add(row, static_cast<std::uint32_t>(d));
      }
  }
  return out;
}

void shuffle_rows(Merged& rows, std::uint64_t seed, std::uint64_t stream) {
  std::vector<std::size_t> order = numbers(rows.size());
  shuffle(order, seed, stream);
  rows = permuted(rows, order);
}

bool is_mixture(const config::Config& config) {
  return config.dataset_mixing == "interleave" || config.dataset_mixing_temperature ||
         std::any_of(config.datasets.begin(), config.datasets.end(),
                     [](const config::DatasetConfig& d) { return d.weight != 1.0; });
}

std::vector<std::int64_t> mixture_counts(const std::vector<std::int64_t>& rows,
                                         const config::Config& config) {
  std::vector<double> wanted(rows.size());
  double all = 0, sum = 0;
  for (std::size_t d = 0; d < rows.size(); ++d) {
    const double n = static_cast<double>(rows[d]);
    const double weight = config.datasets[d].weight;
    wanted[d] = weight * (config.dataset_mixing_temperature && rows[d] > 0
                              ? std::pow(n, 1.0 / *config.dataset_mixing_temperature)
                              : n);
    all += n;
    sum += wanted[d];
  }
  std::vector<std::int64_t> out(rows.size());
  for (std::size_t d = 0; d < rows.size(); ++d) {
    const double count =
        config.dataset_mixing_temperature && sum > 0 ? all * wanted[d] / sum : wanted[d];
    out[d] = rows[d] == 0 ? 0 : std::max<std::int64_t>(1, std::llround(count));
  }
  return out;
}

Merged mix(const Merged& rows, const config::Config& config) {
  std::vector<std::vector<std::size_t>> members(config.datasets.size());
  for (std::size_t i = 0; i < rows.size(); ++i) members[rows.dataset[i]].push_back(i);
  std::vector<std::int64_t> have;
  for (const auto& list : members) have.push_back(static_cast<std::int64_t>(list.size()));
  const std::vector<std::int64_t> counts = mixture_counts(have, config);

  // Whole rounds hold every row; what is left of the count is a random share of them.
  std::vector<std::vector<std::size_t>> taken(members.size());
  for (std::size_t d = 0; d < members.size(); ++d) {
    const std::size_t count = static_cast<std::size_t>(counts[d]);
    while (taken[d].size() < count) {
      const std::size_t left = count - taken[d].size();
      std::vector<std::size_t> round = members[d];
      if (left < round.size()) {
        std::vector<std::size_t> pick = numbers(round.size());
        shuffle(pick, static_cast<std::uint64_t>(config.seed), kMixStream + d);
        pick.resize(left);
        std::sort(pick.begin(), pick.end());  // in the order of the file
        for (std::size_t& p : pick) p = members[d][p];
        round = std::move(pick);
      }
      taken[d].insert(taken[d].end(), round.begin(), round.end());
    }
  }

  std::vector<std::size_t> order;
  if (config.dataset_mixing != "interleave") {
    for (const auto& list : taken) order.insert(order.end(), list.begin(), list.end());
    return permuted(rows, order);
  }
  // Row k of n of a dataset stands at (k + 1/2) / n of the way: every stretch has its share.
  std::vector<std::pair<double, std::pair<std::size_t, std::size_t>>> places;
  for (std::size_t d = 0; d < taken.size(); ++d)
    for (std::size_t k = 0; k < taken[d].size(); ++k)
      places.push_back({(static_cast<double>(k) + 0.5) / static_cast<double>(taken[d].size()),
                        {d, taken[d][k]}});
  std::stable_sort(places.begin(), places.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& place : places) order.push_back(place.second.second);
  return permuted(rows, order);
}

void order_by_length(Merged& rows, const std::string& order) {
  std::vector<std::size_t> sorted = numbers(rows.size());
  const bool longest_first = order == "length_descending";
  std::stable_sort(sorted.begin(), sorted.end(), [&](std::size_t a, std::size_t b) {
    const std::size_t la = rows.rows[a].tokens.size(), lb = rows.rows[b].tokens.size();
    return longest_first ? la > lb : la < lb;
  });
  rows = permuted(rows, sorted);
}

}  // namespace axl::data
