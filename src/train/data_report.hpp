#pragma once
#include <vector>

#include "data/prepare.hpp"

namespace axl::train {

/// One line a dataset: rows read and kept, tokens, why rows were dropped; and the broken ones.
void log_reports(const std::vector<data::DatasetReport>& reports);

}  // namespace axl::train
