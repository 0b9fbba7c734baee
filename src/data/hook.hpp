#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"
#include "data/source.hpp"

namespace axl::data {

/// Runs a dataset's preprocess_command through the shell: the rows go in as JSON lines on standard
/// input, what it writes to standard output are the rows to use. Error{data} when it fails, with
/// its exit status.
SourceFile run_hook(const config::DatasetConfig& dataset, const std::vector<SourceFile>& files,
                    const std::vector<RowRef>& rows);

}  // namespace axl::data
