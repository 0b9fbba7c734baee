#pragma once
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace axl::data {

/// One configuration (subset) that a dataset's card names, with the files of its splits.
struct CardConfig {
  std::string name;
  bool is_default = false;
  std::string data_dir;  ///< what the patterns are relative to; "" is the top
  /// Patterns of every split, in the card's order; empty when the names of the files decide.
  std::vector<std::pair<std::string, std::vector<std::string>>> data_files;
};

/// The `configs:` of a card, README.md's YAML front matter, as the `datasets` library reads them:
/// data_files is a pattern, a list of patterns (split train), or a list of {split, path}. Empty
/// when the card names none. `file` names the card in messages. Error{config} or Error{data} when
/// it is not understood.
std::vector<CardConfig> read_dataset_card(const std::string& text, const std::string& file);

/// The configuration that a dataset asks for: the one called `name`; without a name the only one,
/// or the one that is the default. Error{data} lists those there are.
const CardConfig& choose_card_config(const std::vector<CardConfig>& configs,
                                     const std::string& name, const config::DatasetConfig& dataset);

/// Of all paths of the repository those of the configuration's split. Error{data} lists the splits.
std::vector<std::string> files_of_card_config(const CardConfig& config, const std::string& split,
                                              const std::vector<std::string>& all,
                                              const config::DatasetConfig& dataset);

}  // namespace axl::data
