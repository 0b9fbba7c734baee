#pragma once
#include <functional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace axl::data {

/// The text of a small file of the folder or repository; "" when it is not there.
using TextReader = std::function<std::string(const std::string& path)>;

/// Of all paths in a dataset's folder or repository those with rows of its subset (`name`) and
/// split: as its card (README.md) says where that has `configs`, otherwise as the names of the
/// files say. `card` names the card in messages. Error{data}.
std::vector<std::string> choose_files(const std::vector<std::string>& all, const TextReader& read,
                                      const std::string& card,
                                      const config::DatasetConfig& dataset);

}  // namespace axl::data
