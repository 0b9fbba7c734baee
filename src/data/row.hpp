#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace axl::data {

struct SourceFile;
struct RowRef;

/// Why one row cannot be used. Caught by the reader, counted, and shown with the row's file:line.
struct RowError {
  std::string why;
};

/// What reading a row met that does not spoil it: counted in the dataset's report.
struct RowNotes {
  bool duplicate_keys = false;         ///< an object has a key twice: the last one counts
  std::vector<std::string> unread;     ///< fields with a value that the chat template never reads
  std::vector<std::string> only_here;  ///< fields that Axolotl would keep from the template
};

/// One parsed row: an object of a JSON file, or a line of a text file as its column `text`.
class Row {
 public:
  virtual ~Row() = default;
  virtual bool has(std::string_view column) const = 0;
  /// Text of a column: "" when it is missing or null; numbers and truth values as JSON writes
  /// them, NaN and infinities "" (in a column of texts they stand for a missing one). RowError for
  /// a list or an object.
  virtual std::string text(std::string_view column) const = 0;
  /// The column's JSON value (integers beyond 64 bits as big_integer()), nulls inside of objects
  /// removed (they stem from unified table
  /// schemas and mean "not there"); null when it is missing.
  virtual nlohmann::ordered_json value(std::string_view column) const = 0;
  virtual std::vector<std::string> column_names() const = 0;
  std::string columns() const;  ///< "a, b, c"
  virtual bool is_null(std::string_view column) const = 0;

  /// `text`, but RowError naming the columns found when the column is missing or null.
  std::string required(std::string_view column) const;

  /// Readers of the row add to them.
  RowNotes& notes() const { return notes_; }

 private:
  mutable RowNotes notes_;
};

/// For the reason why the first row of a file cannot be used: "; ..." says that `field` reads the
/// list of objects that it holds, "" when there is none.
std::string hint_of_list(const Row& row);

/// A row that was put together from JSON: an object.
class ValueRow final : public Row {
 public:
  explicit ValueRow(nlohmann::ordered_json object);
  ~ValueRow() override;
  bool has(std::string_view column) const override;
  bool is_null(std::string_view column) const override;
  std::string text(std::string_view column) const override;
  nlohmann::ordered_json value(std::string_view column) const override;
  std::vector<std::string> column_names() const override;

 private:
  std::unique_ptr<nlohmann::ordered_json> object_;
};

/// Parses rows of mapped files as Python's json module would; one a thread.
class RowParser {
 public:
  RowParser();
  ~RowParser();
  RowParser(const RowParser&) = delete;
  RowParser& operator=(const RowParser&) = delete;
  /// The row lives until the next call. RowError when it is not one JSON object.
  const Row& parse(const SourceFile& file, const RowRef& ref);
  /// The same for a row's text alone: one JSON object, or with `plain` a line of text.
  const Row& parse_text(std::string_view text, bool plain);

 private:
  /// `text` is followed by readable bytes (SIMDJSON_PADDING).
  const Row& parse_padded(const char* text, std::size_t length);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axl::data
