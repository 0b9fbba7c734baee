#include "data/near_duplicates.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "core/rng.hpp"

namespace axl::data {
namespace {

constexpr std::size_t kHashes = 64;
constexpr std::size_t kRun = 5;  ///< tokens of a shingle
/// Rows held against one candidate list: a text that thousands of rows share must not make the
/// search quadratic.
constexpr std::size_t kMostCandidates = 64;

std::vector<std::uint64_t> shingles(std::span<const TokenId> tokens) {
  std::vector<std::uint64_t> out;
  const std::size_t run = std::min(kRun, std::max<std::size_t>(tokens.size(), 1));
  for (std::size_t i = 0; i + run <= tokens.size(); ++i)
    out.push_back(XXH3_64bits(tokens.data() + i, run * sizeof(TokenId)));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t both = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) {
      ++both;
      ++i;
      ++j;
    } else if (a[i] < b[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  const std::size_t either = a.size() + b.size() - both;
  return either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace

struct NearDuplicates::Impl {
  double threshold;
  std::size_t rows_per_band;
  std::array<std::uint64_t, kHashes> multiply{}, add{};
  std::vector<std::span<const TokenId>> kept;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> bands;

  std::array<std::uint32_t, kHashes> signature(const std::vector<std::uint64_t>& all) const {
    std::array<std::uint32_t, kHashes> out;
    out.fill(std::numeric_limits<std::uint32_t>::max());
    for (const std::uint64_t shingle : all)
      for (std::size_t h = 0; h < kHashes; ++h)
        out[h] =
            std::min(out[h], static_cast<std::uint32_t>((shingle * multiply[h] + add[h]) >> 32));
    return out;
  }
};

NearDuplicates::NearDuplicates(double threshold) : impl_(std::make_unique<Impl>()) {
  impl_->threshold = threshold;
  // Long bands give few false candidates, short ones miss nothing: the longest for which a pair
  // at the threshold is expected to share at least four bands.
  impl_->rows_per_band = 1;
  for (const std::size_t rows : {std::size_t{2}, std::size_t{4}, std::size_t{8}, std::size_t{16}})
    if (std::pow(threshold, static_cast<double>(rows)) * static_cast<double>(kHashes / rows) >= 4.0)
      impl_->rows_per_band = rows;
  for (std::size_t h = 0; h < kHashes; ++h) {
    impl_->multiply[h] = random_u64(0x6d696e68617368, 1, h) | 1;
    impl_->add[h] = random_u64(0x6d696e68617368, 2, h);
  }
}

NearDuplicates::~NearDuplicates() = default;

bool NearDuplicates::is_duplicate(std::span<const TokenId> tokens) {
  const std::vector<std::uint64_t> all = shingles(tokens);
  const auto signature = impl_->signature(all);
  std::vector<std::uint64_t> keys;
  std::vector<std::uint32_t> candidates;
  for (std::size_t h = 0; h < kHashes; h += impl_->rows_per_band) {
    keys.push_back(XXH3_64bits_withSeed(signature.data() + h,
                                        impl_->rows_per_band * sizeof(std::uint32_t), h));
    const auto found = impl_->bands.find(keys.back());
    if (found == impl_->bands.end()) continue;
    candidates.insert(candidates.end(), found->second.begin(), found->second.end());
  }
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  for (const std::uint32_t other : candidates)
    if (jaccard(all, shingles(impl_->kept[other])) >= impl_->threshold) return true;
  const std::uint32_t index = static_cast<std::uint32_t>(impl_->kept.size());
  impl_->kept.push_back(tokens);
  for (const std::uint64_t key : keys) {
    auto& list = impl_->bands[key];
    if (list.size() < kMostCandidates) list.push_back(index);
  }
  return false;
}

}  // namespace axl::data
