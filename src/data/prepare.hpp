#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "data/dataset.hpp"
#include "data/row.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::data {

/// Rows by what RowNotes says of them.
struct NoteCounts {
  std::int64_t duplicate_keys = 0;
  std::map<std::string, std::int64_t> unread, only_here;  ///< by the field's name

  void add(const RowNotes& notes);
  void add(const NoteCounts& others);
};

/// What happened to the rows of one dataset.
struct DatasetReport {
  std::string path, type;
  std::int64_t rows_read = 0, rows_kept = 0;
  std::int64_t dropped_broken = 0, dropped_too_long = 0, dropped_too_short = 0,
               dropped_no_labels = 0;
  std::int64_t dropped_empty = 0;  ///< rows without text, such as a blank line of a text file
  std::int64_t lost_tokens = 0;    ///< cut off: in no sample
  std::int64_t truncated = 0, deduplicated = 0, near_duplicates = 0;
  std::int64_t rows_used = 0;  ///< in the training file: without held-out rows, with repetitions
  std::int64_t tokens = 0, label_tokens = 0;
  NoteCounts notes;
  std::vector<std::string> examples;  ///< "file:line: why" of broken rows, up to a limit

  /// Adds what happened to other rows of the same dataset.
  void add(const DatasetReport& part);
};

struct PrepareResult {
  std::string train_path;  ///< prepared file
  std::string eval_path;   ///< "" when there is no validation set
  bool from_cache = false;
  std::vector<DatasetReport> reports;  ///< also read back from a cache hit's manifest
  std::vector<std::string> warnings;   ///< "no EOS is ever a label", ...
};

/// Loads, formats, tokenises, filters, splits and writes the prepared dataset, or finds it in the
/// cache. Runs on one rank of a file system; the others open the files afterwards.
/// `progress(done, total)` may be empty. Error{data}/Error{config} on what the user can mend.
PrepareResult prepare(const config::Config& config, const tokenizer::Tokenizer& tokenizer,
                      const std::function<void(std::int64_t, std::int64_t)>& progress);

/// Prepares test_datasets alone, as the evaluation rows of a run whose training rows are streamed;
/// their file is `eval_path`. Nothing is done without test_datasets.
PrepareResult prepare_test_rows(const config::Config& config,
                                const tokenizer::Tokenizer& tokenizer);

/// The tokenizer of a configuration: tokenizer_config or base_model, special_tokens and tokens
/// applied, chat_template resolved.
tokenizer::Tokenizer load_tokenizer(const config::Config& config);

}  // namespace axl::data
