#include "data/dataset_files.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "data/dataset_card.hpp"
#include "data/file_kind.hpp"

namespace axl::data {
namespace fs = std::filesystem;
namespace {

/// "train" of "train[:500]" and of nothing.
std::string split_name(const config::DatasetConfig& dataset) {
  const std::string name = dataset.split.substr(0, dataset.split.find('['));
  return name.empty() ? "train" : name;
}

/// Words of a file name: "my-train_00" -> my, train, 00.
bool has_word(const std::string& name, std::string_view word) {
  const std::string low = ascii_lower(name);
  for (std::size_t at = low.find(word); at != std::string::npos; at = low.find(word, at + 1)) {
    const auto edge = [&](std::size_t i) {
      return i >= low.size() || !std::isalpha(static_cast<unsigned char>(low[i]));
    };
    if ((at == 0 || edge(at - 1)) && edge(at + word.size())) return true;
  }
  return false;
}

/// The files of a subset (`name`): those below a folder of that name, else those named after it.
void keep_subset(std::vector<std::string>& files, const config::DatasetConfig& dataset) {
  if (dataset.name.empty()) return;
  std::vector<std::string> found;
  for (const std::string& file : files)
    for (const std::string& name : dataset.name) {
      bool inside = false;
      for (const auto& part : fs::path(file).parent_path()) inside = inside || part == name;
      if (!inside && !has_word(fs::path(file).filename().string(), ascii_lower(name))) continue;
      found.push_back(file);
      break;
    }
  if (!found.empty()) {
    files = std::move(found);
  } else if (dataset.name.front() != "default") {
    throw Error(ErrorCode::data, "dataset '" + dataset.path + "' has no files of a subset '" +
                                     dataset.name.front() + "'")
        .at(dataset.where)
        .hint("name its files in data_files");
  }
}

/// Of the paths in a dataset's folder those with rows of its subset and split: those named after
/// the split, else those not named after another one.
std::vector<std::string> files_by_name(std::vector<std::string> all,
                                       const config::DatasetConfig& dataset) {
  // A README.txt or dataset_info.json beside real rows is not data.
  std::erase_if(all, [](const std::string& p) {
    const std::string name = fs::path(p).filename().string();
    return !kind_of_suffix(p) || name == "dataset_info.json" || name == "dataset_infos.json" ||
           name == "state.json";
  });
  const auto no_text = [](const std::string& p) { return kind_of_suffix(p) != FileKind::text; };
  if (ascii_lower(dataset.ds_type) != "text" && std::any_of(all.begin(), all.end(), no_text))
    std::erase_if(all, [&](const std::string& p) { return !no_text(p); });
  keep_subset(all, dataset);
  std::sort(all.begin(), all.end());
  const std::string split = split_name(dataset);
  std::vector<std::string> named, unnamed;
  for (const std::string& name : all) {
    if (has_word(name, split)) {
      named.push_back(name);
    } else {
      bool other = false;
      for (const char* word : {"train", "test", "valid", "validation", "dev", "eval"})
        other = other || has_word(name, word);
      if (!other) unnamed.push_back(name);
    }
  }
  return named.empty() ? unnamed : named;
}

std::vector<CardConfig> card_configs(const std::vector<std::string>& all, const TextReader& read,
                                     const std::string& card) {
  if (std::find(all.begin(), all.end(), "README.md") == all.end()) return {};
  try {
    return read_dataset_card(read("README.md"), card);
  } catch (const Error& e) {
    // Its text is somebody else's; most of what may be wrong there has nothing to do with files.
    log::warning("{}; files are chosen by their names", e.what());
    return {};
  }
}

}  // namespace

std::vector<std::string> choose_files(const std::vector<std::string>& all, const TextReader& read,
                                      const std::string& card,
                                      const config::DatasetConfig& dataset) {
  const std::vector<CardConfig> configs = card_configs(all, read, card);
  if (configs.empty()) return files_by_name(all, dataset);
  std::vector<std::string> out;
  std::vector<std::string> names = dataset.name;
  if (names.empty()) names.emplace_back();
  for (const std::string& name : names) {
    const CardConfig& chosen = choose_card_config(configs, name, dataset);
    std::vector<std::string> files;
    if (!chosen.data_files.empty()) {
      files = files_of_card_config(chosen, split_name(dataset), all, dataset);
    } else {
      std::string folder = chosen.data_dir;
      while (folder.ends_with('/')) folder.pop_back();
      if (!folder.empty()) folder += '/';
      for (const std::string& path : all)
        if (path.starts_with(folder)) files.push_back(path);
      config::DatasetConfig rest = dataset;
      rest.name.clear();
      files = files_by_name(std::move(files), rest);
    }
    for (std::string& file : files)
      if (std::find(out.begin(), out.end(), file) == out.end()) out.push_back(std::move(file));
  }
  return out;
}

}  // namespace axl::data
