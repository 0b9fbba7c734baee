#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "model/decoder.hpp"
#include "weights/weight_file.hpp"

namespace axl::train {

/// The settings of a run as its checkpoints record them: `meaning` are those that saved numbers
/// mean something else under (another base, another scale of the adapter, other rows in a step),
/// `path` those that only change where training goes from here.
nlohmann::ordered_json settings_of(const config::Config& config, const model::Decoder& model,
                                   const std::string& base_fingerprint);

/// Tells two base models apart by the names, shapes and types of their tensors and a sample of
/// their bytes; the same for the same files wherever they lie.
std::string fingerprint_of(const weights::WeightFile& base);

/// Holds the settings of a checkpoint against those of this run. Error{checkpoint} with the key and
/// both values for a change of meaning whose key is not among `allowed`; returns a line for every
/// other change. `folder` names the checkpoint.
std::vector<std::string> compare_settings(const nlohmann::json& saved, const nlohmann::json& now,
                                          const std::vector<std::string>& allowed,
                                          const std::string& folder);

}  // namespace axl::train
