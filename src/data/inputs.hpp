#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"
#include "data/source.hpp"

namespace axl::data {

/// One dataset of the configuration with its files and rows.
struct Input {
  config::DatasetConfig dataset;  ///< as given, with what was detected filled in
  std::vector<SourceFile> files;
  RowList rows;
  std::size_t rows_found = 0;  ///< before split and shards
};

/// Opens the files of every dataset. Error{data}.
std::vector<Input> open_inputs(const std::vector<config::DatasetConfig>& datasets);

/// Finds the rows, runs preprocess_command over them, and takes those of `split` and of the shard.
void read_rows(Input& input, std::uint64_t seed);

/// Fills in the format of a dataset without a type, and says so in `warnings`. Error{data} when
/// the rows look like nothing known.
void complete_format(Input& input, const config::Config& config,
                     std::vector<std::string>& warnings);

/// What the first rows of a dataset look like, as a hint: "" when they fit no format.
std::string format_hint(const Input& input);

}  // namespace axl::data
