#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/pattern.hpp"

namespace axl {

/// Rows of a matrix, or elements of a vector: [begin, end).
using RowRange = std::pair<std::int64_t, std::int64_t>;

/// An entry of unfrozen_parameters, as Axolotl reads it: a regular expression on the beginning of a
/// parameter's name in which a dot is a dot (but not in .* and .+), and behind it, if only some
/// rows are trained, which: `^model.embed_tokens.weight$[:32000]`, `[5]`, `[32000:]`.
class ParameterPattern {
 public:
  /// Error{input} says what is wrong with it.
  explicit ParameterPattern(const std::string& text);
  const std::string& text() const { return text_; }
  bool match(const std::string& name) const { return pattern_.match(name); }
  /// Of a parameter with so many; nothing where all of them are meant. Error{input} when the range
  /// leads beyond them.
  std::optional<RowRange> rows(std::int64_t all) const;

 private:
  struct Parts {
    std::string name;
    bool ranged = false;
    std::int64_t begin = 0;
    std::optional<std::int64_t> end;
  };
  explicit ParameterPattern(const std::string& text, Parts parts);
  static Parts split(const std::string& text);

  std::string text_;
  Parts parts_;
  Pattern pattern_;
};

/// What is left of [0, all) without `ranges`, in order.
std::vector<RowRange> rows_outside(std::vector<RowRange> ranges, std::int64_t all);

}  // namespace axl
