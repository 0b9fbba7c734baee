#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "weights/weight_file.hpp"

namespace axl::data {

enum class FileKind : std::uint8_t {
  json,   ///< one array of objects, or objects line by line
  jsonl,  ///< one object a line
  text    ///< one row a line, column `text`
};

/// A file that rows come from, memory-mapped.
struct SourceFile {
  std::string path;
  FileKind kind = FileKind::json;
  std::unique_ptr<weights::MappedFile> map;  ///< null for an empty file
  std::string_view bytes() const {
    if (!map) return {};
    return {reinterpret_cast<const char*>(map->bytes().data()), map->bytes().size()};
  }
};

/// The files of a dataset in a fixed order: `path` as a file, a folder, a glob, or a loader's name
/// (json, text) with data_files; globs allowed in both. Relative paths are taken from the working
/// directory, then from the folder of the YAML. Error{data} says what was looked for, and names
/// formats and remote places that are not read.
std::vector<SourceFile> open_sources(const config::DatasetConfig& dataset);

/// XXH3 of all bytes of the files and of their names' last parts.
std::uint64_t content_hash(const std::vector<SourceFile>& files);

/// Where a row stands.
struct RowRef {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint32_t file = 0;
  std::uint32_t line = 0;  ///< 1-based
};

struct RowList {
  std::vector<RowRef> rows;
  std::vector<std::string> broken;  ///< "file:line: why" of what is no row at all
};

/// Finds the rows of a file without parsing them. Never throws for what is wrong in the file.
void find_rows(const SourceFile& file, std::uint32_t file_index, RowList& out);

/// Row numbers [first, second) of "train", "train[:500]", "train[10%:20%]", "train[-50:]"
/// (percentages are rounded to the nearest row). Error{config} on anything else.
std::pair<std::size_t, std::size_t> split_range(const std::string& split, std::size_t rows,
                                                const UserLocation& where);

}  // namespace axl::data
