#include <filesystem>

#include "data/prepared_file.hpp"
#include "data/stream.hpp"
#include "data/summary.hpp"
#include "data/workers.hpp"

namespace axl::data {
namespace fs = std::filesystem;

PrepareResult prepare_stream_sample(const config::Config& config,
                                    const tokenizer::Tokenizer& tokenizer) {
  // Unpacked, a batch a row: the rows as they are.
  config::Config one = config;
  one.sample_packing = false;
  one.pretraining_sample_concatenation = false;
  one.micro_batch_size = 1;
  one.shuffle_merged_datasets = false;
  BatchStream stream(one, tokenizer, {.threads = available_threads()});
  TokenStore store;
  do {
    const std::optional<MicroBatch> batch = stream.next();
    if (!batch) break;
    Sample sample;
    sample.input_ids = batch->input_ids;
    // Targets are the labels one position earlier; no label stands on the first token.
    sample.labels.push_back(kIgnore);
    sample.labels.insert(sample.labels.end(), batch->targets.begin(), batch->targets.end() - 1);
    store.add(sample);
  } while (stream.position().batch < stream.batches_of_window());
  std::vector<PreparedRow> rows;
  for (const StoredRow& row : store.rows) rows.push_back(store.row(row));

  PrepareResult out;
  const fs::path folder = fs::path(config.dataset_prepared_path) / "stream-sample";
  std::error_code failed;
  fs::create_directories(folder, failed);
  out.train_path = (folder / "train.axlprep").string();
  write_prepared_file(out.train_path, rows, 0);
  out.reports = stream.reports();
  out.warnings = stream.warnings();
  for (const DatasetReport& r : out.reports)
    for (const std::string& note : note_lines(r.notes))
      out.warnings.push_back("dataset " + r.path + ": " + note);
  out.warnings.push_back("a stream: these are its first " + std::to_string(rows.size()) +
                         " samples (streaming_multipack_buffer_size rows are read at a time)");
  return out;
}

}  // namespace axl::data
