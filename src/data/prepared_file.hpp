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
  bool own_labels = false;  ///< `length` labels stand behind the tokens
};

/// A row of a prepared file, borrowed from wherever it is stored. A label is trained where a run
/// says so; what it is stands in `labels`, which are the tokens themselves but for finished rows of
/// the user's that say otherwise.
struct PreparedRow {
  std::span<const TokenId> tokens;
  std::span<const LabelRun> runs;
  std::span<const TokenId> labels = tokens;

  /// One label a token, kIgnore outside of the runs.
  void unpack_labels(std::vector<TokenId>& out) const;
};

/// Tokenised rows one after another; what one worker produced.
struct TokenStore {
  std::vector<TokenId> tokens;
  std::vector<LabelRun> runs;
  std::vector<StoredRow> rows;

  void add(const Sample& sample);
  void add(const TokenStore& other);  ///< its rows, after those that are here
  PreparedRow row(const StoredRow& row) const {
    const std::span ids(tokens.data() + row.token_begin, row.length);
    return {ids,
            {runs.data() + row.run_begin, row.run_count},
            {ids.data() + (row.own_labels ? row.length : 0), row.length}};
  }
};

/// Labels of a row that are predicted from a position of the same row: not one on its first token.
std::uint32_t predicted_labels(std::span<const LabelRun> runs);

/// Writes the prepared file: header, block checksums, row index, tokens (int32, a row's own labels
/// behind them), label runs.
/// `fingerprint` is the cache key. The file appears whole or not at all. Error{io}.
void write_prepared_file(const std::string& path, std::span<const PreparedRow> rows,
                         std::uint64_t fingerprint);

inline constexpr std::uint32_t kPreparedFormatVersion = 2;

}  // namespace axl::data
