#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.hpp"

namespace axl::data {

/// Where a row lies in a TokenStore.
struct StoredRow {
  std::uint64_t token_begin = 0;
  std::uint64_t run_begin = 0;
  std::uint32_t length = 0;
  std::uint32_t run_count = 0;
};

/// Tokenised rows one after another; what one worker produced.
struct TokenStore {
  std::vector<TokenId> tokens;
  std::vector<LabelRun> runs;
  std::vector<StoredRow> rows;

  void add(const Sample& sample);
  void add(const TokenStore& other);  ///< its rows, after those that are here
  std::span<const TokenId> tokens_of(const StoredRow& row) const {
    return {tokens.data() + row.token_begin, row.length};
  }
  std::span<const LabelRun> runs_of(const StoredRow& row) const {
    return {runs.data() + row.run_begin, row.run_count};
  }
};

/// A row of a prepared file, borrowed from wherever it is stored.
struct PreparedRow {
  std::span<const TokenId> tokens;
  std::span<const LabelRun> runs;
};

/// Labels of a row that are predicted from a position of the same row: not one on its first token.
std::uint32_t predicted_labels(std::span<const LabelRun> runs);

/// Writes the prepared file: header, block checksums, row index, tokens (int32), label runs.
/// `fingerprint` is the cache key. The file appears whole or not at all. Error{io}.
void write_prepared_file(const std::string& path, std::span<const PreparedRow> rows,
                         std::uint64_t fingerprint);

inline constexpr std::uint32_t kPreparedFormatVersion = 2;

}  // namespace axl::data
