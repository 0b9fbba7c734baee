#include "data/source.hpp"

#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/log.hpp"
#include "data/dataset_files.hpp"
#include "data/file_patterns.hpp"
#include "data/sources/decode.hpp"
#include "hub/names.hpp"
#include "hub/snapshot.hpp"

namespace axl::data {
namespace fs = std::filesystem;
namespace {

FileKind kind_of(const std::string& path, const config::DatasetConfig& dataset) {
  const std::string type = ascii_lower(dataset.ds_type);
  const auto by_suffix = kind_of_suffix(path);
  if (type == "json") return by_suffix == FileKind::jsonl ? FileKind::jsonl : FileKind::json;
  if (type == "text") return FileKind::text;
  if (type == "csv") return FileKind::csv;
  if (type == "parquet") return FileKind::parquet;
  if (type == "arrow") return FileKind::arrow;
  if (type.empty() && by_suffix) return *by_suffix;
  const std::string what = type.empty() ? fs::path(path).extension().string() : type;
  throw Error(ErrorCode::unsupported,
              "cannot read rows from " + path + ": " +
                  (what.empty() ? "its name has no suffix that tells its format"
                                : "'" + what + "' is not a supported format"))
      .at(dataset.where)
      .hint(std::string("read are ") + kFileKinds + "; ds_type names the format of other suffixes");
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool exists_or_matches(const std::string& path) {
  return is_pattern(path) && !exists(path) ? !match_files(path).files.empty() : exists(path);
}

/// The files of a pattern with rows: of what "*" means in a folder only formats that are read.
std::vector<std::string> rows_of_pattern(const std::string& pattern,
                                         const config::DatasetConfig& dataset) {
  FolderFiles found = match_files(pattern);
  if (dataset.ds_type.empty() && !fs::path(pattern).has_extension()) {
    const auto other = [](const std::string& path) { return !kind_of_suffix(path); };
    if (!std::all_of(found.files.begin(), found.files.end(), other)) {
      std::copy_if(found.files.begin(), found.files.end(), std::back_inserter(found.skipped),
                   other);
      std::erase_if(found.files, other);
    }
  }
  tell_skipped(pattern, found.skipped);
  return found.files;
}

/// `path` as it is, or seen from the folder of the YAML; "" when neither is there.
std::string locate(const std::string& path, const config::DatasetConfig& dataset) {
  if (exists_or_matches(path)) return path;
  if (fs::path(path).is_relative() && !dataset.where.file.empty()) {
    const std::string beside = (fs::path(dataset.where.file).parent_path() / path).string();
    if (exists_or_matches(beside)) return beside;
  }
  return "";
}

std::vector<std::string> files_of_folder(const std::string& folder,
                                         const config::DatasetConfig& dataset) {
  FolderFiles found = list_folder(folder, dataset.where);
  const std::string card = (fs::path(folder) / "README.md").string();
  const auto read = [&](const std::string& name) {
    return read_or_nothing(fs::path(folder) / name);
  };
  std::vector<std::string> out = choose_files(found.files, read, card, dataset);
  for (const std::string& name : found.files)
    if (std::find(out.begin(), out.end(), name) == out.end()) found.skipped.push_back(name);
  tell_skipped(folder, found.skipped);
  for (std::string& name : out) name = (fs::path(folder) / name).string();
  return out;
}

/// The files of a dataset on the Hugging Face Hub, downloaded into its cache.
std::vector<std::string> files_of_hub(const config::DatasetConfig& dataset) {
  const auto choose = [&](const std::vector<std::string>& all, const hub::Reader& read) {
    std::vector<std::string> files;
    if (!dataset.data_files.empty()) {
      for (const std::string& file : all)
        for (const std::string& pattern : dataset.data_files)
          if (hub::matches(pattern, file)) {
            files.push_back(file);
            break;
          }
      return files;
    }
    files = choose_files(all, read, dataset.path + "/README.md", dataset);
    // The same rows may be there in several formats.
    const auto is_table = [](const std::string& p) {
      const auto kind = kind_of_suffix(p);
      return kind == FileKind::parquet || kind == FileKind::arrow;
    };
    const auto tables = std::count_if(files.begin(), files.end(), is_table);
    const bool mixed = tables > 0 && tables < static_cast<std::ptrdiff_t>(files.size());
    if (mixed)
      std::erase_if(files, [&](const std::string& p) { return is_table(p) != has_arrow(); });
    return files;
  };
  try {
    const hub::Snapshot snapshot =
        hub::fetch(hub::RepositoryKind::dataset, dataset.path, dataset.revision, choose);
    if (snapshot.files.empty())
      throw Error(ErrorCode::data, "the Hub's dataset '" + dataset.path +
                                       "' has no file with rows of split '" + dataset.split + "'")
          .hint(std::string("read are ") + kFileKinds + "; data_files names files");
    std::vector<std::string> out;
    for (const std::string& file : snapshot.files)
      out.push_back((fs::path(snapshot.folder) / file).string());
    return out;
  } catch (const Error& e) {
    if (e.code() == ErrorCode::io) throw;
    throw Error(ErrorCode::data, e.message()).at(dataset.where).hint(e.hint());
  }
}

[[noreturn]] void not_found(const std::string& path, const config::DatasetConfig& dataset) {
  std::string hint = "paths are taken from the working directory (" + fs::current_path().string() +
                     "), then from the YAML's folder";
  if (const std::string remote = hub::hint_of_remote(path); !remote.empty()) hint = remote;
  throw Error(ErrorCode::data, "dataset '" + path + "' is not on this machine")
      .at(dataset.where)
      .hint(hint);
}

std::vector<std::string> list_files(const config::DatasetConfig& dataset) {
  const std::string type = ascii_lower(dataset.path);
  const bool loader =
      type == "json" || type == "text" || type == "csv" || type == "parquet" || type == "arrow";
  std::vector<std::string> out;
  if (dataset.path.starts_with("https://") || dataset.path.starts_with("http://"))
    return {hub::fetch_url(dataset.path)};
  const bool here = !locate(dataset.path, dataset).empty();
  if (!here && !loader && hub::is_repository_name(dataset.path)) return files_of_hub(dataset);
  if (!dataset.data_files.empty()) {
    const std::string base = loader && !exists(dataset.path) ? "" : dataset.path;
    const std::string folder = base.empty() ? "" : locate(base, dataset);
    if (!base.empty() && folder.empty()) not_found(base, dataset);
    if (!is_pattern(folder) && fs::is_regular_file(folder)) {
      log::warning("{}: data_files is not read: path '{}' is a file", dataset.where.key, base);
      return {folder};
    }
    for (const std::string& file : dataset.data_files) {
      const std::string joined = folder.empty() ? file : (fs::path(folder) / file).string();
      std::string found = exists_or_matches(file) ? file : locate(joined, dataset);
      if (found.empty()) found = locate(file, dataset);
      if (found.empty()) not_found(joined, dataset);
      if (is_pattern(found) && !exists(found))
        for (std::string& p : rows_of_pattern(found, dataset)) out.push_back(std::move(p));
      else
        out.push_back(found);
    }
    return out;
  }
  const std::string found = locate(dataset.path, dataset);
  if (found.empty()) not_found(dataset.path, dataset);
  if (is_pattern(found) && !exists(found)) return rows_of_pattern(found, dataset);
  if (!fs::is_directory(found)) return {found};
  out = files_of_folder(found, dataset);
  if (out.empty())
    throw Error(ErrorCode::data, "no file with rows of split '" + dataset.split + "' in " + found)
        .at(dataset.where)
        .hint(std::string("read are ") + kFileKinds);
  return out;
}

/// {"row": 0}, {"row": 1}, ...
SourceFile numbered_rows(std::int64_t count) {
  SourceFile file;
  file.path = "_synthetic";
  file.kind = FileKind::jsonl;
  file.decoded = std::make_unique<Spool>();
  for (std::int64_t i = 0; i < count; ++i)
    file.decoded->append("{\"row\": " + std::to_string(i) + "}\n");
  file.decoded->finish();
  return file;
}

}  // namespace

std::vector<SourcePlace> list_sources(const config::DatasetConfig& dataset) {
  std::vector<SourcePlace> out;
  // The default names a column of texts.
  const std::string field = dataset.field == config::DatasetConfig{}.field ? "" : dataset.field;
  for (std::string& path : list_files(dataset)) {
    const FileKind kind = kind_of(path, dataset);
    const Compression compression = compression_of(path);
    out.push_back({std::move(path), kind, compression, field});
  }
  return out;
}

std::vector<SourceFile> open_sources(const config::DatasetConfig& dataset) {
  std::vector<SourceFile> out;
  if (dataset.type == "_synthetic") {
    out.push_back(numbered_rows(dataset.length));
    return out;
  }
  for (SourcePlace& place : list_sources(dataset)) {
    SourceFile file;
    static_cast<SourcePlace&>(file) = std::move(place);
    std::error_code failed;
    if (!fs::is_regular_file(file.path, failed))
      throw Error(ErrorCode::data, file.path + " is not a regular file")
          .at(dataset.where)
          .hint("pipes can only be streamed: streaming: true, or pretraining_dataset");
    if (fs::file_size(file.path, failed) > 0 || failed)
      file.map = std::make_unique<weights::MappedFile>(file.path, file.kind == FileKind::text);
    out.push_back(std::move(file));
  }
  return out;
}

std::vector<std::unique_ptr<Decoder>> decoders(const SourcePlace& place,
                                               std::vector<std::uint32_t>* lines) {
  std::vector<std::unique_ptr<Decoder>> out;
  const bool table = place.kind == FileKind::parquet || place.kind == FileKind::arrow;
  if (table && place.compression != Compression::none)
    throw Error(ErrorCode::unsupported, place.path + ": a compressed table is not supported")
        .hint("unpack it first: Parquet is compressed inside");
  if (place.compression == Compression::gzip) out.push_back(gzip_decoder(place.path));
  if (place.compression == Compression::zstd) out.push_back(zstd_decoder(place.path));
  if (!table)
    out.push_back(beginning_decoder(place.path, place.compression != Compression::none,
                                    place.kind == FileKind::text));
  if (place.kind == FileKind::csv)
    out.push_back(csv_decoder(place.path, lines, format_suffix(place.path) == ".tsv" ? '\t' : ','));
  return out;
}

void run_decoders(const std::vector<std::unique_ptr<Decoder>>& chain, std::size_t from,
                  std::string_view piece, const TextSink& out) {
  if (from == chain.size()) return out(piece);
  chain[from]->append(piece,
                      [&](std::string_view text) { run_decoders(chain, from + 1, text, out); });
}

void finish_decoders(const std::vector<std::unique_ptr<Decoder>>& chain, const TextSink& out) {
  for (std::size_t i = 0; i < chain.size(); ++i)
    chain[i]->finish([&](std::string_view text) { run_decoders(chain, i + 1, text, out); });
}

void decode(SourceFile& file) {
  auto spool = std::make_unique<Spool>();
  const TextSink keep = [&](std::string_view text) { spool->append(text); };
  if (file.kind == FileKind::parquet || file.kind == FileKind::arrow) {
    const TextSource rows =
        file.kind == FileKind::parquet ? open_parquet(file.path) : open_arrow(file.path);
    for (std::string text; rows(text);) keep(text);
  } else if (!file.raw().empty()) {
    const auto chain = decoders(file, &file.lines);
    run_decoders(chain, 0, file.raw(), keep);
    finish_decoders(chain, keep);
  }
  spool->finish();
  if (file.kind == FileKind::csv || file.kind == FileKind::parquet || file.kind == FileKind::arrow)
    file.kind = FileKind::jsonl;
  file.decoded = std::move(spool);
}

}  // namespace axl::data
