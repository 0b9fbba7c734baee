#include "data/source.hpp"

#include <glob.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include "core/error.hpp"

namespace axl::data {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostFiles = 100000;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return text;
}

std::optional<FileKind> kind_of_suffix(const std::string& path) {
  const std::string suffix = lower(fs::path(path).extension().string());
  if (suffix == ".json") return FileKind::json;
  if (suffix == ".jsonl" || suffix == ".ndjson") return FileKind::jsonl;
  if (suffix == ".txt") return FileKind::text;
  return std::nullopt;
}

FileKind kind_of(const std::string& path, const config::DatasetConfig& dataset) {
  const std::string type = lower(dataset.ds_type);
  if (type == "json") {
    const auto suffix = kind_of_suffix(path);
    return suffix == FileKind::jsonl ? FileKind::jsonl : FileKind::json;
  }
  if (type == "text") return FileKind::text;
  if (type.empty())
    if (const auto kind = kind_of_suffix(path)) return *kind;
  const std::string what = type.empty() ? fs::path(path).extension().string() : type;
  throw Error(ErrorCode::unsupported, "cannot read rows from " + path + ": " +
                                          (what.empty() ? "it has no suffix" : what) +
                                          " is not a supported format")
      .at(dataset.where)
      .hint("read are .json, .jsonl and .txt (or ds_type: json, text); convert other files first");
}

bool has_glob(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> expand(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> out;
  if (::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0)
    out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::erase_if(out, [](const std::string& p) { return fs::is_directory(p); });
  return out;  // glob() sorts
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// `path` as it is, or seen from the folder of the YAML; "" when neither is there.
std::string locate(const std::string& path, const config::DatasetConfig& dataset) {
  const auto there = [](const std::string& p) {
    return has_glob(p) && !exists(p) ? !expand(p).empty() : exists(p);
  };
  if (there(path)) return path;
  if (fs::path(path).is_relative() && !dataset.where.file.empty()) {
    const std::string beside = (fs::path(dataset.where.file).parent_path() / path).string();
    if (there(beside)) return beside;
  }
  return "";
}

/// Words of a file name: "my-train_00" -> my, train, 00.
bool has_word(const std::string& name, std::string_view word) {
  const std::string low = lower(name);
  for (std::size_t at = low.find(word); at != std::string::npos; at = low.find(word, at + 1)) {
    const auto edge = [&](std::size_t i) {
      return i >= low.size() || !std::isalpha(static_cast<unsigned char>(low[i]));
    };
    if ((at == 0 || edge(at - 1)) && edge(at + word.size())) return true;
  }
  return false;
}

/// Files of a folder that belong to a split: those named after it, else those not named after
/// another one.
std::vector<std::string> files_of_folder(const std::string& folder,
                                         const config::DatasetConfig& dataset) {
  std::vector<std::string> all;
  std::error_code failed;
  for (fs::recursive_directory_iterator it(folder, failed), end; !failed && it != end;
       it.increment(failed)) {
    if (it.depth() > 4 || all.size() > kMostFiles) break;
    const std::string name = it->path().filename().string();
    if (name.starts_with(".") || !it->is_regular_file(failed)) continue;
    if (kind_of_suffix(name)) all.push_back(it->path().string());
  }
  if (failed)
    throw Error(ErrorCode::input, "cannot list " + folder + ": " + failed.message())
        .at(dataset.where);
  // A README.txt or dataset_info.json beside real rows is not data.
  const auto no_text = [](const std::string& p) { return kind_of_suffix(p) != FileKind::text; };
  if (lower(dataset.ds_type) != "text" && std::any_of(all.begin(), all.end(), no_text))
    std::erase_if(all, [&](const std::string& p) { return !no_text(p); });
  std::erase_if(all, [](const std::string& p) {
    const std::string name = fs::path(p).filename().string();
    return name == "dataset_info.json" || name == "dataset_infos.json" || name == "state.json";
  });
  std::sort(all.begin(), all.end());
  const std::string split = dataset.split.substr(0, dataset.split.find('['));
  std::vector<std::string> named, unnamed;
  for (const std::string& p : all) {
    const std::string name = fs::relative(p, folder).string();
    if (has_word(name, split.empty() ? "train" : split)) {
      named.push_back(p);
    } else {
      bool other = false;
      for (const char* word : {"train", "test", "valid", "validation", "dev", "eval"})
        other = other || has_word(name, word);
      if (!other) unnamed.push_back(p);
    }
  }
  return named.empty() ? unnamed : named;
}

bool is_remote(const std::string& path) { return path.find("://") != std::string::npos; }

[[noreturn]] void not_found(const std::string& path, const config::DatasetConfig& dataset) {
  const bool hub = !is_remote(path) && std::count(path.begin(), path.end(), '/') == 1 &&
                   !path.starts_with(".") && !path.starts_with("/") && !kind_of_suffix(path);
  std::string hint = "paths are taken from the working directory (" + fs::current_path().string() +
                     "), then from the YAML's folder";
  if (is_remote(path) || hub)
    hint = "remote datasets are not downloaded: fetch the files first and give their folder";
  throw Error(ErrorCode::data, "dataset '" + path + "' is not on this machine")
      .at(dataset.where)
      .hint(hint);
}

std::vector<std::string> list_files(const config::DatasetConfig& dataset) {
  const std::string type = lower(dataset.path);
  const bool loader = type == "json" || type == "text" || type == "csv" || type == "parquet";
  std::vector<std::string> out;
  if (!dataset.data_files.empty()) {
    const std::string base = loader && !exists(dataset.path) ? "" : dataset.path;
    const std::string folder = base.empty() ? "" : locate(base, dataset);
    if (!base.empty() && folder.empty()) not_found(base, dataset);
    for (const std::string& file : dataset.data_files) {
      const std::string joined = folder.empty() ? file : (fs::path(folder) / file).string();
      const std::string found = locate(joined, dataset);
      if (found.empty()) not_found(joined, dataset);
      if (has_glob(found) && !exists(found))
        for (std::string& p : expand(found)) out.push_back(std::move(p));
      else
        out.push_back(found);
    }
    return out;
  }
  const std::string found = locate(dataset.path, dataset);
  if (found.empty()) not_found(dataset.path, dataset);
  if (has_glob(found) && !exists(found)) return expand(found);
  if (!fs::is_directory(found)) return {found};
  out = files_of_folder(found, dataset);
  if (out.empty())
    throw Error(ErrorCode::data,
                "no .json, .jsonl or .txt file of split '" + dataset.split + "' in " + found)
        .at(dataset.where);
  return out;
}

// ---- rows ---------------------------------------------------------------------------------------

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::string place(const SourceFile& file, std::uint64_t line) {
  return file.path + ":" + std::to_string(line) + ": ";
}

void find_lines(const SourceFile& file, std::uint32_t file_index, bool keep_blank, RowList& out) {
  const std::string_view text = file.bytes();
  std::uint32_t line = 0;
  std::size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (begin < text.size()) {
    ++line;
    std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    std::size_t first = begin, last = end;
    if (keep_blank) {
      if (last > first && text[last - 1] == '\r') --last;
    } else {
      while (first < last && is_space(text[first])) ++first;
      while (last > first && is_space(text[last - 1])) --last;
    }
    if (last > first || keep_blank) out.rows.push_back({first, last - first, file_index, line});
    begin = end + 1;
  }
}

/// Elements of a top-level array by bracket depth; the rows themselves are parsed later, so that a
/// broken one spoils only itself.
void find_elements(const SourceFile& file, std::uint32_t file_index, std::size_t begin,
                   RowList& out) {
  const std::string_view text = file.bytes();
  std::uint32_t line = 1;
  for (std::size_t i = 0; i < begin; ++i) line += text[i] == '\n';
  std::size_t row_begin = 0;
  std::uint32_t row_line = 0;
  bool in_row = false, closed = false;
  int depth = 0;
  const auto finish = [&](std::size_t end) {
    if (!in_row) return;
    while (end > row_begin && is_space(text[end - 1])) --end;
    out.rows.push_back({row_begin, end - row_begin, file_index, row_line});
    in_row = false;
  };
  std::size_t i = begin + 1;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      continue;
    }
    if (is_space(c)) continue;
    if (depth == 0 && c == ']') {
      finish(i);
      closed = true;
      break;
    }
    if (depth == 0 && c == ',') {
      finish(i);
      continue;
    }
    if (!in_row) {
      in_row = true;
      row_begin = i;
      row_line = line;
    }
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
        if (i < text.size() && text[i] == '\n') ++line;
      }
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  if (!closed) {
    // Cut off: what was complete counts, the rest is one broken row.
    out.broken.push_back(place(file, in_row ? row_line : line) +
                         (in_row ? "the file ends inside of this row" : "the array is not closed"));
    return;
  }
  for (++i; i < text.size(); ++i) {
    line += text[i] == '\n';
    if (!is_space(text[i])) {
      out.broken.push_back(place(file, line) + "text after the end of the array");
      return;
    }
  }
}

}  // namespace

std::vector<SourceFile> open_sources(const config::DatasetConfig& dataset) {
  std::vector<SourceFile> out;
  for (std::string& path : list_files(dataset)) {
    SourceFile file;
    file.kind = kind_of(path, dataset);
    std::error_code failed;
    if (fs::file_size(path, failed) > 0 || failed)
      file.map = std::make_unique<weights::MappedFile>(path);
    file.path = std::move(path);
    out.push_back(std::move(file));
  }
  return out;
}

std::uint64_t content_hash(const std::vector<SourceFile>& files) {
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  for (const SourceFile& file : files) {
    const std::string name = fs::path(file.path).filename().string();
    const std::uint64_t sizes[2] = {name.size(), file.bytes().size()};
    XXH3_64bits_update(state, sizes, sizeof sizes);
    XXH3_64bits_update(state, name.data(), name.size());
    XXH3_64bits_update(state, file.bytes().data(), file.bytes().size());
  }
  const std::uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

void find_rows(const SourceFile& file, std::uint32_t file_index, RowList& out) {
  const std::string_view text = file.bytes();
  if (file.kind == FileKind::text) return find_lines(file, file_index, true, out);
  std::size_t first = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (first < text.size() && is_space(text[first])) ++first;
  if (first < text.size() && text[first] == '[') {
    // A .jsonl line may not be an array, so this is an array in a file of the wrong name.
    return find_elements(file, file_index, first, out);
  }
  find_lines(file, file_index, false, out);
}

std::pair<std::size_t, std::size_t> split_range(const std::string& split, std::size_t rows,
                                                const UserLocation& where) {
  const auto bad = [&](const std::string& why) -> Error {
    return Error(ErrorCode::config, "split '" + split + "' " + why)
        .at(where)
        .hint("allowed: train, train[:500], train[100:], train[10%:20%], train[-50:]");
  };
  const std::size_t open = split.find('[');
  if (split.find('+') != std::string::npos)
    throw bad("joins several splits, which is not supported: list the dataset once for each");
  if (open == std::string::npos) return {0, rows};
  if (split.back() != ']') throw bad("has no closing bracket");
  const std::string inside = split.substr(open + 1, split.size() - open - 2);
  const std::size_t colon = inside.find(':');
  if (colon == std::string::npos) throw bad("has no ':' between its brackets");
  const auto bound = [&](std::string text, std::size_t missing) -> std::size_t {
    if (text.empty()) return missing;
    const bool percent = text.back() == '%';
    if (percent) text.pop_back();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
      throw bad("has a bound that is not a whole number or percentage: '" + text + "'");
    if (percent && (value > 100 || value < -100)) throw bad("has a percentage above 100");
    if (percent)
      value = std::llrint(static_cast<double>(value) * static_cast<double>(rows) / 100.0);
    if (value < 0) value = std::max<std::int64_t>(0, value + static_cast<std::int64_t>(rows));
    return std::min(static_cast<std::size_t>(value), rows);
  };
  const std::size_t begin = bound(inside.substr(0, colon), 0);
  const std::size_t end = bound(inside.substr(colon + 1), rows);
  return {begin, std::max(begin, end)};
}

}  // namespace axl::data
