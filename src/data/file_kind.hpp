#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace axl::data {

enum class FileKind : std::uint8_t {
  json,   ///< one array of objects, or objects line by line
  jsonl,  ///< one object a line
  text,   ///< one row a line, column `text`
  csv,    ///< a header line, then rows, also separated by tabs (.tsv); decoded to JSON lines
  parquet,
  arrow  ///< IPC file or stream
};

enum class Compression : std::uint8_t { none, gzip, zstd };

/// For messages: the suffixes below.
inline constexpr const char* kFileKinds =
    ".json, .jsonl, .csv, .tsv, .txt, .parquet and .arrow, also with .gz or .zst";

/// As the suffix of a path says; in any case.
Compression compression_of(const std::string& path);
/// ".jsonl" of "a.JSONL.gz"; "" for a name without one.
std::string format_suffix(const std::string& path);
/// The suffix before that of a compression counts; nothing for one that is not read.
std::optional<FileKind> kind_of_suffix(const std::string& path);

}  // namespace axl::data
