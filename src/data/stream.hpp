#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "data/dataset.hpp"
#include "data/prepare.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::data {

/// Where one dataset of a stream stands.
struct SourcePosition {
  std::int64_t pass = 0;     ///< times its files were read to the end
  std::int64_t file = 0;     ///< in their order
  std::int64_t row = 0;      ///< lines of the file that were read
  std::int64_t in_pass = 0;  ///< rows of this pass, skipped ones too
  std::int64_t drawn = 0;    ///< rows taken in all, which the mixture goes by
  bool operator==(const SourcePosition&) const = default;
};

/// Where a rank's stream stands: small, and enough to give the same batches again after a restart.
struct StreamPosition {
  std::int64_t window = 0;              ///< the window that the next batch comes from
  std::int64_t batch = 0;               ///< batches of it that were given out
  std::vector<SourcePosition> sources;  ///< where that window's rows begin
  bool operator==(const StreamPosition&) const = default;
  std::string to_json() const;
  static StreamPosition from_json(const std::string& text);  ///< Error{checkpoint}
};

struct StreamOptions {
  std::int64_t rank = 0;
  std::int64_t world_size = 1;
  /// A window closes when it holds this many tokens, however few rows they are: what bounds the
  /// memory of a stream, at 4 bytes each.
  std::int64_t most_window_tokens = std::int64_t{8} << 20;
  std::int64_t threads = 1;  ///< that tokenise
};

/// Training batches from rows that are read, tokenised, shuffled and packed while training goes
/// on, in constant memory: `pretraining_dataset`, or `datasets` with `streaming`. Files, pipes and
/// compressed files are read piece by piece; when the files of a dataset end they begin again,
/// shuffled differently. A window of streaming_multipack_buffer_size rows is shuffled and packed
/// at a time; ranks take turns with the rows, so that no two train on the same.
class BatchStream {
 public:
  BatchStream(const config::Config& config, const tokenizer::Tokenizer& tokenizer,
              const StreamOptions& options);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  /// The next micro-batch of this rank: documents packed up to micro_batch_size * sequence_len
  /// tokens with sample_packing, else micro_batch_size rows. Nothing when a source that cannot be
  /// read again (a pipe) has ended and all of its rows were given out. Error{data} when a source
  /// has no rows or none that could be used.
  std::optional<MicroBatch> next();
  /// The path of the dataset that has ended; "" while none has.
  std::string ended() const;
  /// Whether the rows can be read again: false when there is a pipe among the sources.
  bool is_repeatable() const;
  StreamPosition position() const;
  /// Goes on at a position of the same configuration, rank count and files.
  void seek(const StreamPosition& position);
  /// What happened to the rows so far; one report a dataset.
  std::vector<DatasetReport> reports() const;
  std::vector<std::string> warnings() const;
  /// Batches of the window that the last one came from.
  std::int64_t batches_of_window() const;
  /// Most tokens that a micro-batch can have.
  std::int64_t most_tokens() const;
  /// The same for a single document.
  std::int64_t most_tokens_of_document() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The datasets that a configuration streams.
const std::vector<config::DatasetConfig>& streamed_datasets(const config::Config& config);
bool is_streaming(const config::Config& config);

/// The first window of a stream as a prepared file in a folder of its own under
/// dataset_prepared_path: what preview and preprocess show of it.
PrepareResult prepare_stream_sample(const config::Config& config,
                                    const tokenizer::Tokenizer& tokenizer);

}  // namespace axl::data
