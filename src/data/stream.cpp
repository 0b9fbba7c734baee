#include "data/stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/rng.hpp"
#include "data/batch_plan.hpp"
#include "data/detect.hpp"
#include "data/packing.hpp"
#include "data/stream_rows.hpp"
#include "data/transforms.hpp"

namespace axl::data {
namespace {

// Streams of the run's seed: the rows of a window, its batches (core/rng.hpp), + window.
constexpr std::uint64_t kRowStream = 0x7374726d10000000;
constexpr std::uint64_t kBatchStream = 0x7374726d20000000;

/// So many rows in a row that cannot be used: the format is wrong, and waiting will not help.
constexpr std::int64_t kMostUnusable = 100000;

/// Rows that wait to be tokenised together: enough to keep every thread busy, little memory.
constexpr std::size_t kMostWaiting = 2048;
constexpr std::size_t kMostWaitingBytes = std::size_t{4} << 20;

/// Settings that act on the whole of a dataset, which a stream never sees.
void refuse_what_needs_all_rows(const config::Config& c) {
  const auto refuse = [](bool given, const std::string& key, const UserLocation& where,
                         const std::string& hint) {
    if (given)
      throw Error(ErrorCode::config, key + " needs all rows of a dataset, and a stream has no end")
          .at(where)
          .hint(hint);
  };
  const std::string prepare = "leave out streaming: the rows are then prepared beforehand";
  refuse(c.dataset_mixing_temperature.has_value(), "dataset_mixing_temperature",
         c.at("dataset_mixing_temperature"), "give the datasets a weight");
  refuse(!c.curriculum_order.empty(), "curriculum_order", c.at("curriculum_order"), prepare);
  refuse(c.dataset_near_deduplication > 0, "dataset_near_deduplication",
         c.at("dataset_near_deduplication"), prepare);
  refuse(c.dataset_shard_num.has_value(), "dataset_shard_num", c.at("dataset_shard_num"), prepare);
  for (const config::DatasetConfig& d : streamed_datasets(c)) {
    refuse(!d.preprocess_command.empty(), "preprocess_command", d.where,
           "let the program write to a pipe and stream that");
    refuse(d.shards.has_value(), "shards", d.where, prepare);
    refuse(d.split.find('[') != std::string::npos, "split '" + d.split + "'", d.where, prepare);
  }
  if (!c.rl.empty())
    throw Error(ErrorCode::unsupported, "preference rows (rl: " + c.rl + ") cannot be streamed yet")
        .at(c.at("rl"))
        .hint(prepare);
}

}  // namespace

const std::vector<config::DatasetConfig>& streamed_datasets(const config::Config& config) {
  return config.pretraining_dataset.empty() ? config.datasets : config.pretraining_dataset;
}

bool is_streaming(const config::Config& config) {
  return config.streaming || !config.pretraining_dataset.empty();
}

std::string StreamPosition::to_json() const {
  nlohmann::json list = nlohmann::json::array();
  for (const SourcePosition& s : sources)
    list.push_back({{"pass", s.pass},
                    {"file", s.file},
                    {"row", s.row},
                    {"in_pass", s.in_pass},
                    {"drawn", s.drawn}});
  return json_text(nlohmann::json({{"window", window}, {"batch", batch}, {"sources", list}}));
}

StreamPosition StreamPosition::from_json(const std::string& text) {
  try {
    const nlohmann::json j = parse_json<nlohmann::json>(text);
    StreamPosition out;
    j.at("window").get_to(out.window);
    j.at("batch").get_to(out.batch);
    for (const auto& s : j.at("sources"))
      out.sources.push_back({s.at("pass").get<std::int64_t>(), s.at("file").get<std::int64_t>(),
                             s.at("row").get<std::int64_t>(), s.at("in_pass").get<std::int64_t>(),
                             s.at("drawn").get<std::int64_t>()});
    return out;
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::checkpoint, "the position of the data stream is damaged");
  }
}

struct BatchStream::Impl {
  Impl(const config::Config& c, const tokenizer::Tokenizer& t, const StreamOptions& o)
      : config(c),
        tokenizer(t),
        options(o),
        length{c.sequence_len, c.min_sample_len, c.excess_length_strategy} {
    refuse_what_needs_all_rows(c);
    for (const config::DatasetConfig& d : streamed_datasets(c)) {
      StreamedDataset& source = sources.emplace_back();
      source.dataset = d;
      source.rows = std::make_unique<RowStream>(d);
      if (o.world_size > 1 && !source.rows->is_repeatable())
        throw Error(ErrorCode::config,
                    fmt::format("dataset '{}' is a pipe, which gives every row to one reader: {} "
                                "ranks cannot share it",
                                d.path, o.world_size))
            .at(d.where)
            .hint("train with one rank, or let the program write files");
      source.report.path = d.path;
      source.report.type = d.user_defined.empty() ? d.type : "user-defined";
    }
    if (sources.empty()) throw Error(ErrorCode::config, "no datasets given").at(c.at("datasets"));
    begin = positions();
  }

  std::vector<SourcePosition> positions() const {
    std::vector<SourcePosition> out;
    for (const StreamedDataset& s : sources) out.push_back(s.rows->position());
    return out;
  }

  /// The dataset whose share is furthest behind its weight.
  std::size_t next_source() const {
    const auto progress = [](const StreamedDataset& s) {
      return (static_cast<double>(s.rows->position().drawn) + 0.5) / s.dataset.weight;
    };
    const auto furthest = std::min_element(sources.begin(), sources.end(),
                                           [&](const StreamedDataset& a, const StreamedDataset& b) {
                                             return progress(a) < progress(b);
                                           });
    return static_cast<std::size_t>(furthest - sources.begin());
  }

  /// The format of a dataset, from its first row where the configuration does not say.
  void set_format(StreamedDataset& source, const StreamedRow& row) {
    if (source.rows->in_document()) source.dataset.field = config::DatasetConfig{}.field;
    if (source.dataset.type.empty() && source.dataset.user_defined.empty()) {
      const Row& parsed = parser.parse_text(row.text, row.plain);
      const auto found = detect_format(parsed, source.dataset);
      if (!found || found->needs_rl)
        throw Error(ErrorCode::data, "dataset '" + source.dataset.path +
                                         "' has no type, and its first row fits no format that can "
                                         "be streamed; its columns: " +
                                         parsed.columns())
            .at(source.dataset.where);
      source.dataset = found->dataset;
      source.report.type = found->dataset.type;
      warnings.push_back("dataset " + source.dataset.path + " has no type: " + found->why +
                         ", so they are read as " + found->yaml);
    }
    source.convert = with_transforms(
        source.dataset,
        make_converter(source.dataset, config, tokenizer, config.sequence_len, &warnings));
  }

  void count_unusable(const StreamedDataset& source, std::int64_t rows) {
    unusable += rows;
    if (unusable <= kMostUnusable) return;
    throw Error(
        ErrorCode::data,
        fmt::format(
            "dataset '{}': {} rows one after another cannot be used{}", source.dataset.path,
            unusable,
            source.report.examples.empty() ? "" : "; the first: " + source.report.examples.front()))
        .at(source.dataset.where);
  }

  /// Says once of every dataset and field what its rows lose; the end of the run tells the counts.
  void tell_notes() {
    for (StreamedDataset& source : sources)
      for (const auto& [field, rows] : source.report.notes.unread)
        if (source.told.insert(field).second)
          warnings.push_back("dataset " + source.dataset.path +
                             ": the chat template never writes what rows have under " + field +
                             ": it is not trained");
  }

  /// Tokenises what waits.
  void work_off() {
    if (waiting.empty()) return;
    const std::size_t before = store.rows.size();
    tokenize_waiting(waiting, sources, length, options.threads, store);
    tell_notes();
    const auto count = static_cast<std::int64_t>(waiting.size());
    const std::size_t source = waiting.back().dataset;
    waiting.clear();
    waiting_bytes = 0;
    if (store.rows.size() > before)
      unusable = 0;
    else
      count_unusable(sources[source], count);
  }

  /// Reads the rows of the window `window`, of which every rank keeps its own.
  void fill() {
    begin = positions();
    store = {};
    const std::int64_t rows = config.streaming_multipack_buffer_size * options.world_size;
    for (std::int64_t i = 0; i < rows || (waiting.empty() && store.rows.empty()); ++i) {
      if (static_cast<std::int64_t>(store.tokens.size()) >= options.most_window_tokens) break;
      const std::size_t d = next_source();
      StreamedDataset& source = sources[d];
      const std::optional<StreamedRow> row = source.rows->next();
      if (!row) {
        ended = source.dataset.path;
        break;
      }
      // By the row's number in the whole stream: windows of other ranks may end elsewhere.
      if (rows_drawn++ % options.world_size == options.rank) {
        ++source.report.rows_read;
        try {
          if (!source.convert) set_format(source, *row);
          waiting.push_back({d, std::string(row->text), row->plain, row->path, row->number});
          waiting_bytes += row->text.size();
        } catch (const RowError& e) {
          count_broken(source.report,
                       *row->path + ":" + std::to_string(row->number) + ": " + e.why);
          count_unusable(source, 1);
        }
      }
      const bool last = i + 1 >= rows;
      if (waiting.size() >= kMostWaiting || waiting_bytes >= kMostWaitingBytes || last) work_off();
    }
    work_off();
    plan();
  }

  /// Which rows of the window go into which batch.
  void plan() {
    batches.clear();
    const std::uint64_t seed = static_cast<std::uint64_t>(config.seed);
    const std::uint64_t w = static_cast<std::uint64_t>(window);
    std::vector<std::int64_t> order(store.rows.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    const bool keep_order = !config.shuffle_merged_datasets || config.curriculum_sampling;
    if (!keep_order) shuffle(order, seed, kRowStream + w);
    if (!config.sample_packing && !config.pretraining_sample_concatenation) {
      const std::size_t micro = static_cast<std::size_t>(config.micro_batch_size);
      for (std::size_t i = 0; i < order.size(); i += micro)
        batches.emplace_back(
            order.begin() + static_cast<std::ptrdiff_t>(i),
            order.begin() + static_cast<std::ptrdiff_t>(std::min(i + micro, order.size())));
      return;
    }
    std::vector<std::int32_t> lengths;
    for (const std::int64_t i : order)
      lengths.push_back(static_cast<std::int32_t>(store.rows[static_cast<std::size_t>(i)].length));
    const std::int64_t members = config.micro_batch_size * config.sample_packing_bin_size;
    batches = keep_order || !config.sample_packing ? pack_in_order(lengths, capacity(), members)
                                                   : pack_best_fit(lengths, capacity(), members);
    for (Bin& bin : batches)
      for (std::int64_t& item : bin) item = order[static_cast<std::size_t>(item)];
    if (!keep_order) shuffle(batches, seed, kBatchStream + w);
  }

  std::int64_t capacity() const { return config.micro_batch_size * config.sequence_len; }

  const config::Config& config;
  const tokenizer::Tokenizer& tokenizer;
  StreamOptions options;
  LengthRule length;
  std::vector<StreamedDataset> sources;
  std::vector<std::string> warnings;
  RowParser parser;
  std::vector<WaitingRow> waiting;
  std::size_t waiting_bytes = 0;
  std::int64_t unusable = 0;  ///< rows one after another that gave no sample
  std::string ended;

  std::int64_t window = 0, batch = 0, rows_drawn = 0;
  std::vector<SourcePosition> begin;
  bool filled = false;
  TokenStore store;
  std::vector<Bin> batches;
};

BatchStream::BatchStream(const config::Config& config, const tokenizer::Tokenizer& tokenizer,
                         const StreamOptions& options)
    : impl_(std::make_unique<Impl>(config, tokenizer, options)) {}
BatchStream::~BatchStream() = default;

std::optional<MicroBatch> BatchStream::next() {
  Impl& m = *impl_;
  if (m.filled && m.batch == static_cast<std::int64_t>(m.batches.size())) {
    ++m.window;
    m.batch = 0;
    m.filled = false;
  }
  if (!m.filled) {
    m.fill();
    m.filled = true;
  }
  if (m.batches.empty()) return std::nullopt;
  MicroBatch out;
  out.cu_seqlens.push_back(0);
  std::vector<TokenId> labels;
  for (const std::int64_t i : m.batches[static_cast<std::size_t>(m.batch)]) {
    const PreparedRow row = m.store.row(m.store.rows[static_cast<std::size_t>(i)]);
    row.unpack_labels(labels);
    append_document(out, row.tokens, labels);
  }
  ++m.batch;
  return out;
}

StreamPosition BatchStream::position() const { return {impl_->window, impl_->batch, impl_->begin}; }

void BatchStream::seek(const StreamPosition& position) {
  Impl& m = *impl_;
  if (position.sources.size() != m.sources.size() || position.batch < 0)
    throw Error(ErrorCode::checkpoint,
                "the data stream has other datasets than when its position was saved");
  m.ended.clear();
  for (std::size_t i = 0; i < m.sources.size(); ++i) m.sources[i].rows->seek(position.sources[i]);
  m.rows_drawn = 0;
  for (const SourcePosition& source : position.sources) m.rows_drawn += source.drawn;
  m.window = position.window;
  m.fill();
  m.filled = true;
  if (position.batch > static_cast<std::int64_t>(m.batches.size()))
    throw Error(ErrorCode::checkpoint,
                "the data stream gives other batches than when its position was saved");
  m.batch = position.batch;
}

std::vector<DatasetReport> BatchStream::reports() const {
  std::vector<DatasetReport> out;
  for (const StreamedDataset& s : impl_->sources) out.push_back(s.report);
  return out;
}

std::vector<std::string> BatchStream::warnings() const { return impl_->warnings; }

std::int64_t BatchStream::batches_of_window() const {
  return static_cast<std::int64_t>(impl_->batches.size());
}

std::int64_t BatchStream::most_tokens() const { return impl_->capacity(); }

std::int64_t BatchStream::most_tokens_of_document() const { return impl_->config.sequence_len; }

std::string BatchStream::ended() const { return impl_->ended; }

bool BatchStream::is_repeatable() const {
  return std::all_of(impl_->sources.begin(), impl_->sources.end(),
                     [](const StreamedDataset& s) { return s.rows->is_repeatable(); });
}

}  // namespace axl::data
