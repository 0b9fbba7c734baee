#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "data/source.hpp"
#include "data/stream.hpp"

namespace axl::data {

/// One row as it stands in its file.
struct StreamedRow {
  std::string_view text;  ///< until the next call
  bool plain = false;     ///< a line of text, not JSON
  const std::string* path = nullptr;
  std::int64_t number = 0;  ///< the line it begins in, or of a table the row; from 1
};

/// The rows of one dataset's files, one at a time and over again, in constant memory.
class RowStream {
 public:
  explicit RowStream(const config::DatasetConfig& dataset);
  ~RowStream();
  RowStream(const RowStream&) = delete;
  RowStream& operator=(const RowStream&) = delete;
  /// Nothing when a pipe has ended, which cannot be read again. Error{data} when there are no rows.
  std::optional<StreamedRow> next();
  /// Whether every file can be read again and by several ranks; a pipe cannot.
  bool is_repeatable() const;
  /// Whether the last row stood in the list under the dataset's `field` (JsonRows).
  bool in_document() const;
  const SourcePosition& position() const { return position_; }
  void seek(const SourcePosition& position);

 private:
  class File;
  void open();
  std::vector<SourcePlace> places_;
  UserLocation where_;
  std::string name_;
  std::int64_t skip_ = 0;
  SourcePosition position_;
  std::unique_ptr<File> file_;
  bool ended_ = false;
};

}  // namespace axl::data
