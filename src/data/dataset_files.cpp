#include "data/dataset_files.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <tuple>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "data/dataset_card.hpp"
#include "data/file_kind.hpp"
#include "data/file_patterns.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {
namespace fs = std::filesystem;
namespace {

/// "train" of "train[:500]" and of nothing.
std::string split_name(const config::DatasetConfig& dataset) {
  const std::string name = dataset.split.substr(0, dataset.split.find_first_of("[("));
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

using Words = std::vector<std::string_view>;

bool has_any(const std::string& name, const Words& words) {
  return std::any_of(words.begin(), words.end(),
                     [&name](std::string_view word) { return has_word(name, word); });
}

/// How files of the usual splits are called, as Hugging Face's library reads their names.
const std::vector<std::pair<std::string, Words>>& split_words() {
  static const std::vector<std::pair<std::string, Words>> list{
      {"train", {"train", "training"}},
      {"validation", {"validation", "valid", "dev", "val"}},
      {"test", {"test", "testing", "eval", "evaluation"}}};
  return list;
}

std::string loader_of(const std::string& path) {
  switch (*kind_of_suffix(path)) {
    case FileKind::json:
    case FileKind::jsonl:
      return "json";
    case FileKind::text:
      return "text";
    case FileKind::csv:
      return "csv";
    case FileKind::parquet:
      return "parquet";
    case FileKind::arrow:
      break;
  }
  return "arrow";
}

bool is_read_here(const std::string& path) {
  const std::string loader = loader_of(path);
  return has_arrow() || (loader != "parquet" && loader != "arrow");
}

/// Keeps the files of one format, as Hugging Face's library does: of that whose suffix most of them
/// have; of a draw .parquet, .jsonl, .json, .csv and then the last in the alphabet. A named format
/// (ds_type) is that one. Formats that this build reads are preferred to others, and texts to none:
/// a licence or notes beside rows are no data.
void keep_format(std::vector<std::string>& files, const config::DatasetConfig& dataset) {
  const auto is_text = [](const std::string& path) {
    return kind_of_suffix(path) == FileKind::text;
  };
  if (ascii_lower(dataset.ds_type) != "text" && !std::all_of(files.begin(), files.end(), is_text))
    std::erase_if(files, is_text);
  if (files.empty()) return;
  std::map<std::string, std::int64_t> counts;
  const bool any_read = std::any_of(files.begin(), files.end(), is_read_here);
  for (const std::string& file : files)
    if (is_read_here(file) || !any_read) ++counts[format_suffix(file)];
  const auto rank = [](const std::pair<const std::string, std::int64_t>& c) {
    return std::tuple(c.second, c.first == ".parquet", c.first == ".jsonl", c.first == ".json",
                      c.first == ".csv", c.first);
  };
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  const auto example = std::find_if(files.begin(), files.end(), [&](const std::string& file) {
    return format_suffix(file) == most->first;
  });
  std::string loader = loader_of(*example);
  const std::string named = ascii_lower(dataset.ds_type);
  if (!named.empty()) {
    const bool there = std::any_of(files.begin(), files.end(),
                                   [&](const std::string& f) { return loader_of(f) == named; });
    if (!there) return;  // a named format is also that of files with other suffixes
    loader = named;
  }
  const std::size_t before = files.size();
  std::string other;
  for (const std::string& file : files)
    if (loader_of(file) != loader && other.empty()) other = file;
  std::erase_if(files, [&](const std::string& file) { return loader_of(file) != loader; });
  if (files.size() < before)
    log::warning(
        "dataset '{}': of its files with rows the {} of format {} are read, {} of other formats "
        "are not, such as {}; an entry of its own with data_files reads them",
        dataset.path, files.size(), loader, before - files.size(), other);
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
/// the split; else those not named after one, for `train` or where none is named.
std::vector<std::string> files_by_name(std::vector<std::string> all,
                                       const config::DatasetConfig& dataset) {
  // What Hugging Face's library keeps beside rows, and files of other kinds, are not data.
  std::erase_if(all, [](const std::string& p) {
    return !kind_of_suffix(p) || is_about_data(fs::path(p).filename().string());
  });
  keep_subset(all, dataset);
  std::sort(all.begin(), all.end());
  const std::string split = split_name(dataset);
  Words wanted{split}, all_words;
  for (const auto& [name, words] : split_words()) {
    if (name == split) wanted = words;
    all_words.insert(all_words.end(), words.begin(), words.end());
  }
  // Where folders are named after splits, the names of the files in them say nothing.
  const auto folder_of = [](const std::string& p) { return fs::path(p).parent_path().string(); };
  const bool by_folder = std::any_of(all.begin(), all.end(), [&](const std::string& p) {
    return has_any(folder_of(p), all_words);
  });
  std::vector<std::string> named, unnamed;
  for (const std::string& path : all) {
    const std::string name = by_folder ? folder_of(path) : path;
    if (has_any(name, wanted))
      named.push_back(path);
    else if (!has_any(name, all_words))
      unnamed.push_back(path);
  }
  // Beside files of other splits, those without a name are the training rows.
  const bool all_unnamed = unnamed.size() == all.size();
  std::vector<std::string> out =
      named.empty() && (all_unnamed || split == "train") ? unnamed : named;
  keep_format(out, dataset);
  return out;
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
