#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "data/file_kind.hpp"
#include "data/sources/decode.hpp"
#include "data/sources/spool.hpp"
#include "weights/weight_file.hpp"

namespace axl::data {

/// A file that rows come from.
struct SourcePlace {
  std::string path;
  FileKind kind = FileKind::json;
  Compression compression = Compression::none;
  std::string
      field;  ///< of a JSON file that is one object: the key of the list that holds the rows
};

/// The same, memory-mapped.
struct SourceFile : SourcePlace {
  std::unique_ptr<weights::MappedFile> map;  ///< null for an empty file
  std::unique_ptr<Spool> decoded;            ///< the rows' text where the file itself is not
  std::vector<std::uint32_t> lines;          ///< of a CSV file: where each decoded row begins
  /// The file as it lies on the disk.
  std::string_view raw() const {
    if (!map) return {};
    return {reinterpret_cast<const char*>(map->bytes().data()), map->bytes().size()};
  }
  /// The text that rows are found in.
  std::string_view bytes() const { return decoded ? decoded->view() : raw(); }
  bool needs_decoding() const {
    return !decoded && (compression != Compression::none || kind == FileKind::csv ||
                        kind == FileKind::parquet || kind == FileKind::arrow);
  }
};

/// The files of a dataset as open_sources() takes them, not opened; pipes may be among them.
std::vector<SourcePlace> list_sources(const config::DatasetConfig& dataset);

/// The files of a dataset in a fixed order: `path` as a file, a folder, a glob, or a loader's name
/// (json, text) with data_files; globs allowed in both. Relative paths are taken from the working
/// directory, then from the folder of the YAML. Error{data} says what was looked for, and names
/// formats and remote places that are not read.
std::vector<SourceFile> open_sources(const config::DatasetConfig& dataset);

/// Unpacks a compressed file and turns a table into JSON lines; `file` is then of kind json, jsonl
/// or text. Error{input} or Error{data} when it is damaged.
void decode(SourceFile& file);

/// The stages between a file's bytes and the text that rows are found in.
/// Tables (parquet, arrow) have none: they are opened by their path. `lines`: where a CSV
/// stage notes the line of every row; may be nullptr.
std::vector<std::unique_ptr<Decoder>> decoders(const SourcePlace& place,
                                               std::vector<std::uint32_t>* lines = nullptr);
/// Sends a piece through the stages from number `from` on.
void run_decoders(const std::vector<std::unique_ptr<Decoder>>& chain, std::size_t from,
                  std::string_view piece, const TextSink& out);
void finish_decoders(const std::vector<std::unique_ptr<Decoder>>& chain, const TextSink& out);

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
  bool of_field = false;            ///< rows of the list under SourcePlace::field
};

/// Finds the rows of a file, decoded first where needed, without parsing them. What is wrong in
/// its text is reported in `broken`.
void find_rows(SourceFile& file, std::uint32_t file_index, RowList& out);

/// For the reason why a row cannot be used: where the row is all of its file and has a list of
/// objects, "; ..." says how `field` reads that list. Else "".
std::string hint_of_document(const SourceFile& file, const RowRef& ref);

/// Row numbers [first, second) of "train", "train[:500]", "train[10%:20%]", "train[-50:]"
/// (percentages are rounded to the nearest row). Error{config} on anything else.
std::pair<std::size_t, std::size_t> split_range(const std::string& split, std::size_t rows,
                                                const UserLocation& where);

}  // namespace axl::data
