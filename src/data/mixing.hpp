#pragma once
#include <cstdint>
#include <vector>

#include "config/config.hpp"
#include "data/prepared_file.hpp"
#include "data/tokenize.hpp"

namespace axl::data {

/// Rows of several datasets in the order in which they are written.
struct Merged {
  std::vector<PreparedRow> rows;
  std::vector<std::uint32_t> dataset;  ///< of each row
  std::size_t size() const { return rows.size(); }
  void add(PreparedRow row, std::uint32_t from) {
    rows.push_back(row);
    dataset.push_back(from);
  }
  /// Rows [begin, end) alone.
  Merged part(std::size_t begin, std::size_t end) const;
};

/// The kept rows of all datasets, one dataset after another, without those that occurred before
/// (dataset_exact_deduplication, dataset_near_deduplication); the reports count them.
Merged collect(std::vector<TokenizedDataset>& datasets, const config::Config& config);

/// Puts rows into a random order of (seed, stream).
void shuffle_rows(Merged& rows, std::uint64_t seed, std::uint64_t stream);

/// Whether weights, temperature or interleaving change what collect() gives.
bool is_mixture(const config::Config& config);

/// How many rows of each dataset a mixture takes, given how many it has: weight times as many; with
/// a temperature as many in all as there are, in proportion to weight * rows^(1/temperature). At
/// least one of a dataset that has any.
std::vector<std::int64_t> mixture_counts(const std::vector<std::int64_t>& rows,
                                         const config::Config& config);

/// The mixture of `rows`: every dataset repeated or cut to its count, one after another or
/// interleaved so that every stretch holds them in proportion.
Merged mix(const Merged& rows, const config::Config& config);

/// Sorts rows by length as curriculum_order says; rows of one length keep their order.
void order_by_length(Merged& rows, const std::string& order);

}  // namespace axl::data
