#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/fit_sample.hpp"
#include "data/format.hpp"
#include "data/prepare.hpp"
#include "data/prepared_file.hpp"
#include "data/source.hpp"

namespace axl::data {

struct TokenizeOptions {
  LengthRule length;
  std::int64_t threads = 1;
  TokenId eos = -1;  ///< -1: the tokenizer has none
};

/// The kept rows of one dataset in file order, and what happened to the others.
struct TokenizedDataset {
  std::vector<TokenStore> parts;
  DatasetReport report;
  std::int64_t rows_with_eos_label = 0;
};

/// Parses and converts rows on several threads; the result does not depend on their number.
/// `done(n)` is called from the calling thread with the rows finished so far. Error{data} when a
/// row is too long under `raise`.
TokenizedDataset tokenize_rows(const std::vector<SourceFile>& files,
                               const std::vector<RowRef>& rows, const RowConverter& convert,
                               const TokenizeOptions& options,
                               const std::function<void(std::int64_t)>& done);

/// Whether the row has the columns of already tokenised data; false when it cannot be parsed.
bool is_pretokenized(const std::vector<SourceFile>& files, const RowRef& row);

}  // namespace axl::data
