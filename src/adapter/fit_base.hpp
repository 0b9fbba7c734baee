#pragma once
#include <string>
#include <vector>

#include "adapter/peft_files.hpp"
#include "weights/model_config.hpp"

namespace axl::adapter {

/// Makes a base model what it was when the adapter was trained, where its vocabulary had been
/// enlarged for added tokens: `tables` (embedding and head) get the adapter's number of rows and,
/// where the adapter brings them whole and frozen, its values. Nothing happens to a base of the
/// adapter's own size.
void fit_base(weights::ModelConfig& config, weights::WeightFile& base, const AdapterFiles& adapter,
              const std::vector<std::string>& tables);

}  // namespace axl::adapter
