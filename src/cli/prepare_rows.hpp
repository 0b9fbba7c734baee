#pragma once
#include "config/config.hpp"
#include "data/prepare.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::cli {

/// Prepares the rows of a configuration with a progress bar on a terminal's standard error, and
/// prints its warnings. `preprocess` and `preview` share it.
data::PrepareResult prepare_rows(const config::Config& config,
                                 const tokenizer::Tokenizer& tokenizer);

}  // namespace axl::cli
