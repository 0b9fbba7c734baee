#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/sources/spool.hpp"

// Files that are not text to begin with. Everything here takes and gives text in pieces, so that a
// file of any size goes through in constant memory. Error{data} or Error{input} names the file and
// what is wrong in it.
namespace axl::data {

/// One stage between a file's bytes and its rows.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual void append(std::string_view piece, const TextSink& out) = 0;
  /// Ends the input; Error when it stops too early.
  virtual void finish(const TextSink& out) = 0;
};

std::unique_ptr<Decoder> gzip_decoder(std::string path);
std::unique_ptr<Decoder> zstd_decoder(std::string path);
/// Lets text through; Error{data} when it begins as no UTF-8 does (wide_encoding), or, `unpacked`
/// from a compressed file, like what stands in a file's place (refuse_placeholder, with `text`).
std::unique_ptr<Decoder> beginning_decoder(std::string path, bool unpacked, bool text);
/// Values separated by `separator` (RFC 4180) with a header line as JSON lines. Numbers stay text,
/// with their leading zeros: what a column means is the format's business. Cells that pandas takes
/// for missing ("", NA, nan, null, ...) are null. Error{data} for text that is not UTF-8. `lines`
/// gets the line that every row begins in; may be nullptr.
std::unique_ptr<Decoder> csv_decoder(std::string path, std::vector<std::uint32_t>* lines,
                                     char separator = ',');

/// A JSON text that begins so stands for a row that is none; what follows says why.
inline constexpr std::string_view kNoRow = "\xEF\xB7\x90no row: ";
/// The rows of JSON text (JsonRows, with its `field`) as one line each. `in_document` becomes true
/// when they are those of the list under `field`.
std::unique_ptr<Decoder> json_decoder(std::string path, std::string field = "",
                                      bool* in_document = nullptr);

/// Gives the next piece of text; false at the end.
using TextSource = std::function<bool(std::string&)>;

/// Whether this build reads .parquet and .arrow (AXL_ENABLE_ARROW).
bool has_arrow();
/// The rows of a Parquet file or of an Arrow IPC file or stream as JSON lines.
TextSource open_parquet(const std::string& path);
TextSource open_arrow(const std::string& path);

/// Appends `text` as a JSON string, broken UTF-8 replaced by U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace axl::data
