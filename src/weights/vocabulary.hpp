#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "weights/model_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::weights {

/// What the rows of added tokens start from.
struct NewRows {
  bool mean = false;  ///< the mean of the old rows; else normal, as transformers initialises
  std::uint64_t seed = 0;
};

/// Gives the tables `names` of a model (those that the file has) `vocabulary` rows, and its config
/// the same vocab_size. Rows beyond the file's are normal with the config's initializer_range
/// (0.02 without one), the same for the same seed on every rank, or the mean of the others. The
/// file is not touched: the larger tables lie in memory. Error{input} when the tables would shrink.
void grow_vocabulary(ModelConfig& config, WeightFile& weights,
                     const std::vector<std::string>& names, std::int64_t vocabulary,
                     const NewRows& rows);

}  // namespace axl::weights
