#pragma once
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "core/error.hpp"
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

/// Rows [begin, end) of part `index` of `count`: all are as long, the first ones one row longer
/// where the rows do not divide.
std::pair<std::size_t, std::size_t> part_of_rows(std::size_t rows, std::size_t count,
                                                 std::size_t index);

/// Fills in the format of a dataset without a type, and says so in `warnings`. Error{data} when
/// the rows look like nothing known.
void complete_format(Input& input, const config::Config& config,
                     std::vector<std::string>& warnings);

/// What the first rows of a dataset look like, as a hint: "" when they fit no format.
std::string format_hint(const Input& input);

/// Error{data} when the dataset had no rows, or none that could be used as its type.
template <class Report>
void require_usable_rows(const Input& input, const Report& r) {
  if (r.rows_read == 0)
    throw Error(ErrorCode::data, "dataset '" + r.path + "' has no rows")
        .at(input.dataset.where)
        .hint(input.rows_found > 0 ? "split '" + input.dataset.split + "' selects none of its " +
                                         std::to_string(input.rows_found) + " rows"
                                   : "its files are empty");
  if (r.dropped_broken == r.rows_read)
    throw Error(ErrorCode::data, "dataset '" + r.path + "': none of its " +
                                     std::to_string(r.rows_read) + " rows can be used as type " +
                                     r.type + "; the first one: " + r.examples.front())
        .at(input.dataset.where)
        .hint(format_hint(input));
}

}  // namespace axl::data
