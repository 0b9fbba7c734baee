#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace axl::data {

/// A stretch of text that is one row, or stands where one should be.
struct JsonRow {
  std::size_t begin = 0;
  std::size_t length = 0;
  std::uint32_t line = 0;  ///< 1-based
};

/// Finds the rows of JSON text without parsing them, so that a broken one spoils only itself:
///
/// - values one after another: an object a line, objects over several lines, joined objects;
/// - the elements of an array, when the text begins with one;
/// - the elements of the list under the key `field`, when the text is one object with a list of
///   objects there (the `field` of Hugging Face's JSON loader).
///
/// Text may come in pieces: what is before the place reached is not looked at again.
class JsonRows {
 public:
  explicit JsonRows(std::string field = "") : field_(std::move(field)) {}
  /// The next row of `text` from `at` on, which moves behind it; nothing at the end, or, unless the
  /// text is the `last` there is, where more must follow.
  std::optional<JsonRow> next(std::string_view text, std::size_t& at, bool last);
  /// Once next() gave nothing of the last text: what is wrong with its end, at line(); else "".
  const char* trouble() const { return trouble_; }
  std::uint32_t line() const { return line_; }
  bool in_list() const { return mode_ != Mode::start && mode_ != Mode::values; }
  /// Whether the rows are those of the list under `field`.
  bool in_document() const { return document_; }

 private:
  enum class Mode : std::uint8_t {
    start,
    values,
    list,           ///< inside of the array whose elements are the rows
    document_tail,  ///< behind it, inside of the object that holds it
    ended
  };
  bool begin(std::string_view text, std::size_t& at, bool last);
  std::optional<JsonRow> next_value(std::string_view text, std::size_t& at, bool last);
  std::optional<JsonRow> next_element(std::string_view text, std::size_t& at, bool last);
  void skip_tail(std::string_view text, std::size_t& at, bool last);
  void skip_space(std::string_view text, std::size_t& at);
  JsonRow row(std::string_view text, std::size_t begin, std::size_t end);

  std::string field_;
  Mode mode_ = Mode::start;
  std::uint32_t line_ = 1;
  const char* trouble_ = "";
  bool document_ = false, tail_in_string_ = false, tail_escaped_ = false;
  int tail_depth_ = 1;
};

}  // namespace axl::data
