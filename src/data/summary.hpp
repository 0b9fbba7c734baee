#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/prepare.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::data {

/// One line of a histogram of row lengths.
struct LengthClass {
  std::int64_t from = 0, to = 0;  ///< tokens, both included
  std::int64_t rows = 0;
};

/// Row lengths in at most `classes` classes of equal width up to `longest`; empty for no rows.
std::vector<LengthClass> length_histogram(const PreparedDataset& dataset, std::int64_t longest,
                                          std::int64_t classes);

/// The histogram as a complete SVG image.
std::string histogram_svg(const std::vector<LengthClass>& classes, const std::string& title);

/// "; dropped: 5 broken, 20 too long; 3 truncated, 120 tokens cut off"; "" when nothing was lost.
std::string losses(const DatasetReport& report);

/// "rows 999 read, 974 samples kept; dropped: ..." and the rest of a report as text lines.
std::vector<std::string> report_lines(const DatasetReport& report);

/// What notes say, a sentence each without the dataset's name: "12 rows have ...".
std::vector<std::string> note_lines(const NoteCounts& notes);

/// A stretch of a row that is trained as a whole or not at all.
struct MaskedText {
  std::string text;
  bool trained = false;
};

/// The row as text, cut where its label mask changes.
std::vector<MaskedText> masked_text(const SampleView& row, const tokenizer::Tokenizer& tokenizer);

}  // namespace axl::data
