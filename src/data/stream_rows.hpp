#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "data/fit_sample.hpp"
#include "data/format.hpp"
#include "data/prepared_file.hpp"
#include "data/stream_source.hpp"

namespace axl::data {

/// One dataset of a stream, with what turns its rows into samples.
struct StreamedDataset {
  config::DatasetConfig dataset;
  std::unique_ptr<RowStream> rows;
  RowConverter convert;  ///< empty until the format is known
  DatasetReport report;
  std::set<std::string> told;  ///< fields whose loss the user has been told of
};

/// A row that has been read and is not tokenised yet.
struct WaitingRow {
  std::size_t dataset = 0;
  std::string text;
  bool plain = false;
  const std::string* path = nullptr;
  std::int64_t number = 0;
};

/// Tokenises the rows on up to `threads` threads and adds their samples to `store` in the order of
/// the rows; the result does not depend on the threads. Rows that cannot be used are counted in
/// their dataset's report. Error{data} of a row that is too long under `raise`.
void tokenize_waiting(const std::vector<WaitingRow>& rows, std::vector<StreamedDataset>& datasets,
                      const LengthRule& length, std::int64_t threads, TokenStore& store);

}  // namespace axl::data
