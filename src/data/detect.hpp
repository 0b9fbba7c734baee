#pragma once
#include <optional>
#include <string>

#include "config/config.hpp"
#include "data/row.hpp"

namespace axl::data {

/// What a row looks like.
struct DetectedFormat {
  config::DatasetConfig dataset;  ///< the given one with type and field names filled in
  std::string yaml;               ///< the keys that say so: "type: alpaca"
  std::string why;                ///< "its rows have the columns instruction, input, output"
  bool needs_rl = false;          ///< the rows are comparisons: only with `rl`
};

/// Guesses a dataset's format from one of its rows; nothing when no format fits its columns.
std::optional<DetectedFormat> detect_format(const Row& row, const config::DatasetConfig& dataset);

}  // namespace axl::data
