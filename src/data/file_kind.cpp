#include "data/file_kind.hpp"

#include <filesystem>

#include "core/ascii.hpp"

namespace axl::data {
namespace fs = std::filesystem;
namespace {

std::string suffix_of(const std::string& path) {
  return ascii_lower(fs::path(path).extension().string());
}

}  // namespace

Compression compression_of(const std::string& path) {
  const std::string suffix = suffix_of(path);
  if (suffix == ".gz") return Compression::gzip;
  if (suffix == ".zst" || suffix == ".zstd") return Compression::zstd;
  return Compression::none;
}

std::string format_suffix(const std::string& path) {
  return suffix_of(compression_of(path) == Compression::none ? path
                                                             : fs::path(path).stem().string());
}

std::optional<FileKind> kind_of_suffix(const std::string& path) {
  const std::string suffix = format_suffix(path);
  if (suffix == ".json") return FileKind::json;
  if (suffix == ".jsonl" || suffix == ".ndjson") return FileKind::jsonl;
  if (suffix == ".txt") return FileKind::text;
  if (suffix == ".csv" || suffix == ".tsv") return FileKind::csv;
  if (suffix == ".parquet") return FileKind::parquet;
  if (suffix == ".arrow") return FileKind::arrow;
  return std::nullopt;
}

}  // namespace axl::data
