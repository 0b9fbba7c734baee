#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/sources/spool.hpp"

// Files that are not text to begin with. Every decoder pushes its text in pieces, so that a file
// of any size goes through in constant memory. Error{data} or Error{input} names the file and
// what is wrong in it.
namespace axl::data {

void decode_gzip(std::string_view bytes, const std::string& path, const TextSink& out);
void decode_zstd(std::string_view bytes, const std::string& path, const TextSink& out);

/// Comma-separated values (RFC 4180) with a header line, given in pieces of any size, as JSON
/// lines. Numbers stay text: what a column means is the format's business.
class CsvDecoder {
 public:
  CsvDecoder(std::string path, TextSink out);
  void append(std::string_view text);
  void finish();  ///< Error{data} when a quote is open

 private:
  void end_field();
  void end_record();
  enum class State { field_start, plain, quoted, quote_in_quoted };
  std::string path_;
  TextSink out_;
  State state_ = State::field_start;
  std::string field_;
  std::vector<std::string> header_, fields_;
  bool has_header_ = false, skip_line_feed_ = false;
  std::uint64_t line_ = 1, record_line_ = 1;
};

/// Whether this build reads .parquet and .arrow (AXL_ENABLE_ARROW).
bool has_arrow();
/// The rows of a Parquet file or of an Arrow IPC file or stream as JSON lines.
void decode_parquet(const std::string& path, const TextSink& out);
void decode_arrow(const std::string& path, const TextSink& out);

/// Appends `text` as a JSON string, broken UTF-8 replaced by U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace axl::data
