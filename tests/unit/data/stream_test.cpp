// Training batches from rows that are read while training goes on.
#include "data/stream.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#include "data/batch_plan.hpp"
#include "data/source.hpp"
#include "data/stream_source.hpp"
#include "format_fixture.hpp"
#include "support/sanitizer.hpp"

namespace axl::data {
namespace {

class Stream : public testing::FormatTest {
 protected:
  Stream() {
    config.streaming = true;
    config.sequence_len = 64;
    config.micro_batch_size = 1;
    config.sample_packing = true;
    config.streaming_multipack_buffer_size = 50;
    config.dataset_prepared_path = folder.path("prepared");
    dataset.type = "completion";
  }
  void add(const std::string& name, const std::string& letter, int rows, double weight = 1.0) {
    std::string text;
    for (int i = 0; i < rows; ++i) text += "{\"text\": \"" + letter + std::to_string(i) + "\"}\n";
    dataset.path = folder.write(name, text);
    dataset.weight = weight;
    config.datasets.push_back(dataset);
  }
  std::vector<std::string> documents(const MicroBatch& batch) const {
    std::vector<std::string> out;
    for (std::size_t d = 0; d + 1 < batch.cu_seqlens.size(); ++d) {
      const std::vector<TokenId> ids(batch.input_ids.begin() + batch.cu_seqlens[d],
                                     batch.input_ids.begin() + batch.cu_seqlens[d + 1]);
      out.push_back(tokenizer.decode(ids, true));
    }
    return out;
  }
  /// The documents of so many batches, or of those that there still are.
  std::vector<std::string> take(BatchStream& stream, int batches) const {
    std::vector<std::string> out;
    for (int i = 0; i < batches; ++i) {
      const auto batch = stream.next();
      if (!batch) break;
      for (std::string& text : documents(*batch)) out.push_back(std::move(text));
    }
    return out;
  }
  std::string error_of(const std::function<void()>& body) const {
    try {
      body();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(Stream, BatchesAreFullAndEveryRowComesOnceAPass) {
  add("a.jsonl", "a", 120);
  BatchStream stream(config, tokenizer, {});
  std::multiset<std::string> seen;
  while (seen.size() < 120) {
    const MicroBatch batch = stream.next().value();
    EXPECT_LE(batch.tokens(), 64);
    EXPECT_EQ(batch.targets.size(), batch.input_ids.size());
    EXPECT_EQ(batch.positions.size(), batch.input_ids.size());
    EXPECT_EQ(batch.label_tokens, std::count_if(batch.targets.begin(), batch.targets.end(),
                                                [](TokenId t) { return t != kIgnore; }));
    for (const std::string& text : documents(batch)) seen.insert(text);
  }
  // A window goes over the end of the files: the last one holds rows of the next pass.
  std::set<std::string> distinct(seen.begin(), seen.end());
  EXPECT_GE(distinct.size(), 115U);
}

TEST_F(Stream, APositionGivesTheSameBatchesAgain) {
  add("a.jsonl", "a", 333);
  add("b.jsonl", "b", 100, 0.5);
  BatchStream stream(config, tokenizer, {});
  for (const int before : {1, 7, 30}) {
    take(stream, before);
    const StreamPosition position = StreamPosition::from_json(stream.position().to_json());
    EXPECT_EQ(position, stream.position());
    const auto expected = take(stream, 25);
    BatchStream other(config, tokenizer, {});
    other.seek(position);
    EXPECT_EQ(take(other, 25), expected);
    EXPECT_EQ(other.position(), stream.position());
  }
  EXPECT_THROW(StreamPosition::from_json("{}"), Error);
  EXPECT_THROW(stream.seek({}), Error);
  StreamPosition beyond = stream.position();
  beyond.sources[0].row = 100000;
  EXPECT_THROW(stream.seek(beyond), Error);
}

TEST_F(Stream, RowsAreThoseOfTheWholeFile) {
  const std::vector<std::pair<const char*, std::string>> files = {
      {"lines.jsonl", "\xEF\xBB\xBF{\"a\":1}\r\n\n  {\"a\":2}\n{\"a\":3}"},
      {"lines.json", "\xEF\xBB\xBF{\"a\":1}\n{\"a\":2}\n"},
      {"array.json", "\xEF\xBB\xBF [{\"a\":1},\n {\"a\":\"]\\\"\"}]\n"},
      {"array.jsonl", "[{\"a\":1}, {\"a\":2}]"},
      {"joined.json", "{\"a\":1}{\"a\":\"}{\"} {\"a\":3}\n{\"a\":4}"},
      {"broken.jsonl", "{\"a\":1}\n{\"a\": \"th\n{\"a\":3}\n{\"a\":4\n{\"a\":5}"},
      {"text.txt", "\xEF\xBB\xBFone\r\n\ntwo"},
      {"table.csv",
       "\xEF\xBB\xBF"
       "a,b\n1,2\n3\n"}};
  for (const auto& [name, text] : files) {
    config::DatasetConfig d;
    d.path = folder.write(name, text);
    std::vector<SourceFile> whole = open_sources(d);
    RowList expected;
    find_rows(whole[0], 0, expected);
    ASSERT_FALSE(expected.rows.empty()) << name;
    RowStream stream(d);
    for (const RowRef& row : expected.rows)
      EXPECT_EQ(stream.next().value().text, whole[0].bytes().substr(row.offset, row.length))
          << name;
    EXPECT_EQ(stream.position().pass, 0) << name;
    EXPECT_TRUE(stream.next()) << name;
    EXPECT_EQ(stream.position().pass, 1) << name << ": rows that the whole file does not have";
  }
}

TEST_F(Stream, RanksShareTheRows) {
  add("a.jsonl", "a", 100);
  config.streaming_multipack_buffer_size = 10;
  std::multiset<std::string> seen;
  for (std::int64_t rank = 0; rank < 3; ++rank) {
    BatchStream stream(config, tokenizer, {.rank = rank, .world_size = 3});
    std::vector<std::string> own;
    while (own.size() < 30)
      for (std::string& text : take(stream, 1)) own.push_back(std::move(text));
    seen.insert(own.begin(), own.begin() + 30);
  }
  EXPECT_EQ(seen.size(), 90U);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 90U);
}

TEST_F(Stream, DatasetsAreMixedByWeight) {
  add("a.jsonl", "a", 1000, 3.0);
  add("b.jsonl", "b", 1000, 1.0);
  config.streaming_multipack_buffer_size = 400;
  BatchStream stream(config, tokenizer, {});
  std::vector<std::string> seen = take(stream, 1);
  while (stream.position().batch < stream.batches_of_window())
    for (std::string& text : take(stream, 1)) seen.push_back(std::move(text));
  ASSERT_EQ(seen.size(), 400U);
  EXPECT_EQ(std::count_if(seen.begin(), seen.end(), [](const auto& s) { return s[0] == 'a'; }),
            300);
}

TEST_F(Stream, OrderIsKeptOnRequestAndRowsAreSkipped) {
  add("a.jsonl", "a", 40);
  config.shuffle_merged_datasets = false;
  config.datasets[0].skip = 5;
  BatchStream stream(config, tokenizer, {});
  const auto seen = take(stream, 4);
  for (std::size_t i = 0; i < std::min<std::size_t>(seen.size(), 30); ++i)
    EXPECT_EQ(seen[i], "a" + std::to_string(i + 5));
  config.datasets[0].skip = 100;
  EXPECT_NE(error_of([&] { BatchStream(config, tokenizer, {}).next(); }).find("has no rows"),
            std::string::npos);
}

TEST_F(Stream, PretrainingDatasetsAndWindowsOfText) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "word" + std::to_string(i) + " ";
  dataset.path = folder.write("long.json", "[{\"body\":\n \"" + text + "\"}]");
  dataset.type = "pretrain";
  dataset.text_column = "body";
  config.pretraining_dataset = {dataset};
  BatchStream stream(config, tokenizer, {});
  const MicroBatch batch = stream.next().value();
  EXPECT_GT(batch.tokens(), 0);
  EXPECT_LE(batch.tokens(), stream.most_tokens());
  EXPECT_GT(stream.reports().at(0).rows_kept, 10);
}

TEST_F(Stream, UnpackedAndConcatenated) {
  add("a.jsonl", "a", 40);
  config.sample_packing = false;
  config.micro_batch_size = 3;
  {
    BatchStream stream(config, tokenizer, {});
    EXPECT_EQ(stream.next().value().cu_seqlens.size(), 4U);
  }
  config.pretraining_sample_concatenation = true;
  config.micro_batch_size = 1;
  BatchStream stream(config, tokenizer, {});
  EXPECT_GT(stream.next().value().cu_seqlens.size(), 8U);
}

TEST_F(Stream, ObjectsOverSeveralLinesAndDocuments) {
  dataset.path = folder.write("pretty.json", "{\n  \"text\": \"one\"\n}\n\n{\"text\":\n\"two\"}\n");
  RowStream pretty(dataset);
  for (const auto& [text, line] :
       {std::pair{"{   \"text\": \"one\" }", 1}, {"{\"text\": \"two\"}", 5}}) {
    const auto row = pretty.next();
    EXPECT_EQ(row->text, text);
    EXPECT_EQ(row->number, line);
  }
  dataset.path = folder.write(
      "document.json", "{\"v\": 1, \"data\": [\n{\"text\": \"one\"},\n{\"text\": \"two\"}]}");
  config.datasets = {dataset};
  BatchStream refused(config, tokenizer, {});
  EXPECT_NE(error_of([&] { refused.next(); }).find("`field: data`"), std::string::npos);
  config.datasets[0].field = "data";
  BatchStream stream(config, tokenizer, {});
  const auto seen = take(stream, 10);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), (std::set<std::string>{"one", "two"}));
}

TEST_F(Stream, BrokenRowsAreCountedAndAPipeEnds) {
  const std::string pipe = folder.path("pipe.jsonl");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  dataset.path = pipe;
  config.datasets = {dataset};
  config.streaming_multipack_buffer_size = 10;
  std::thread writer([&] {
    std::ofstream out(pipe);
    for (int i = 0; i < 20; ++i)
      out << "{\"text\": \"a" << i << "\"}\n"
          << "{broken\n";
  });
  BatchStream stream(config, tokenizer, {});
  EXPECT_FALSE(stream.is_repeatable());
  EXPECT_EQ(stream.ended(), "");
  const auto seen = take(stream, 1000);
  writer.join();
  // Twenty rows and what is left of the last window, each once; then nothing, however often asked.
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 20U);
  EXPECT_EQ(stream.ended(), pipe);
  EXPECT_FALSE(stream.next());
  EXPECT_EQ(stream.reports().at(0).dropped_broken, 20);
  EXPECT_FALSE(stream.reports().at(0).examples.empty());
}

TEST_F(Stream, APipeIsNotSharedByRanks) {
  const std::string pipe = folder.path("pipe.jsonl");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  dataset.path = pipe;
  config.datasets = {dataset};
  const std::string why =
      error_of([&] { BatchStream(config, tokenizer, {.rank = 1, .world_size = 2}); });
  EXPECT_NE(why.find("is a pipe"), std::string::npos) << why;
}

TEST_F(Stream, ThreadsChangeNothing) {
  add("a.jsonl", "a", 1500);
  dataset.path = folder.write("b.jsonl", "{\"text\": \"b0\"}\n{broken\n{\"text\": \"b1\"}\n");
  config.datasets.push_back(dataset);
  config.streaming_multipack_buffer_size = 1000;
  BatchStream one(config, tokenizer, {.threads = 1}), four(config, tokenizer, {.threads = 4});
  EXPECT_EQ(take(one, 300), take(four, 300));
  EXPECT_EQ(one.position(), four.position());
  for (std::size_t d : {0U, 1U}) {
    const DatasetReport a = one.reports()[d], b = four.reports()[d];
    EXPECT_EQ(a.rows_read, b.rows_read);
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_EQ(a.dropped_broken, b.dropped_broken);
    EXPECT_EQ(a.examples, b.examples);
  }
  EXPECT_GT(one.reports()[1].dropped_broken, 100);
}

TEST_F(Stream, RowsOfWhichNoneCanBeUsedEndTheRun) {
  std::string text;
  for (int i = 0; i < 10000; ++i) text += "{broken\n";
  dataset.path = folder.write("a.jsonl", text);
  for (const char* type : {"completion", ""}) {
    dataset.type = type;
    config.datasets = {dataset};
    BatchStream stream(config, tokenizer, {});
    EXPECT_NE(error_of([&] { stream.next(); }).find("rows one after another cannot be used"),
              std::string::npos)
        << type;
  }
}

TEST_F(Stream, WhatNeedsAllRowsIsRefused) {
  add("a.jsonl", "a", 10);
  const auto refused = [&](const std::function<void(config::Config&)>& change) {
    config::Config c = config;
    change(c);
    return error_of([&] { BatchStream(c, tokenizer, {}); });
  };
  EXPECT_EQ(refused([](config::Config&) {}), "");
  EXPECT_NE(refused([](auto& c) { c.curriculum_order = "length"; }), "");
  EXPECT_NE(refused([](auto& c) { c.dataset_near_deduplication = 0.5; }), "");
  EXPECT_NE(refused([](auto& c) { c.dataset_shard_num = 2; }), "");
  EXPECT_NE(refused([](auto& c) { c.dataset_mixing_temperature = 2; }), "");
  EXPECT_NE(refused([](auto& c) { c.datasets[0].shards = 2; }), "");
  EXPECT_NE(refused([](auto& c) { c.datasets[0].split = "train[:5]"; }), "");
  EXPECT_NE(refused([](auto& c) { c.rl = "dpo"; }), "");
}

TEST_F(Stream, ASampleIsPreparedForPreview) {
  add("a.jsonl", "a", 30);
  const PrepareResult r = prepare_stream_sample(config, tokenizer);
  const PreparedDataset d = PreparedDataset::open(r.train_path);
  EXPECT_EQ(d.rows(), 50);  // one window, over the end of the file
  EXPECT_EQ(tokenizer.decode(d.row(0).input_ids, true), "a0");
  EXPECT_FALSE(r.warnings.empty());
}

TEST_F(Stream, WithoutATypeTheFirstRowDecides) {
  dataset.type.clear();
  dataset.path = folder.write("r.jsonl", "{\"instruction\": \"a\", \"output\": \"b\"}\n");
  config.datasets = {dataset};
  config.sequence_len = 1000;
  BatchStream stream(config, tokenizer, {});
  stream.next();
  EXPECT_EQ(stream.reports().at(0).type, "alpaca");
}

/// Not the numbers of the rows: cells have line ends, lines may be blank.
TEST_F(Stream, RowsOfACsvFileKnowTheirLines) {
  std::string text = "text,note\n";
  for (int i = 0; i < 6000; ++i) text += "\"two\nlines\",x\n\n";
  text += "a,b,c\n";
  dataset.path = folder.write("a.csv", text);
  config.datasets = {dataset};
  config.streaming_multipack_buffer_size = 6001;
  BatchStream stream(config, tokenizer, {});
  stream.next();
  ASSERT_EQ(stream.reports().at(0).examples.size(), 1u);
  EXPECT_NE(stream.reports()[0].examples[0].find("a.csv:18002: the row has 3 cells"),
            std::string::npos)
      << stream.reports()[0].examples[0];
}

TEST_F(Stream, PlaceholdersAndOtherEncodingsAreRefused) {
  const auto refused = [&](const std::string& name, const std::string& bytes) {
    dataset.path = folder.write(name, bytes);
    config.datasets = {dataset};
    return error_of([&] { BatchStream(config, tokenizer, {}).next(); });
  };
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
  for (const char* name : {"p.txt", "p.jsonl", "p.csv", "p.parquet", "p.arrow", "p.txt.gz"})
    EXPECT_NE(refused(name, pointer).find("is a Git LFS pointer"), std::string::npos) << name;
  const std::string marked("\xFF\xFE{\0}\0\n\0", 8), unmarked("a\0\n\0b\0\n\0", 8);
  for (const char* name : {"w.txt", "w.jsonl", "w.json", "w.csv"})
    for (const std::string& bytes : {marked, unmarked})
      EXPECT_NE(refused(name, bytes).find("UTF-16 (little-endian)"), std::string::npos) << name;
  EXPECT_NE(refused("l.txt", "one\ncaf\xE9\n").find("l.txt:2:4: not UTF-8"), std::string::npos);
}

std::int64_t peak_kib() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6));
  return 0;
}

/// An endless stream: what it needs does not grow with what went through.
TEST_F(Stream, MemoryStaysConstantOverAnEndlessPipe) {
  const std::string pipe = folder.path("endless.jsonl");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string row = "{\"text\": \"" + std::string(400, 'x') + "\"}";
  const std::string command = "yes '" + row + "' > " + pipe + " 2>/dev/null &";
  ASSERT_EQ(std::system(command.c_str()), 0);
  dataset.path = pipe;
  config.datasets = {dataset};
  config.sequence_len = 2048;
  config.streaming_multipack_buffer_size = 2000;
  BatchStream stream(config, tokenizer, {});
  std::int64_t tokens = 0;
  while (tokens < 5'000'000) tokens += stream.next()->tokens();
  const std::int64_t early = peak_kib();
  while (tokens < 60'000'000) tokens += stream.next()->tokens();
  EXPECT_LT(peak_kib() - early, 8 * 1024) << "grew with the stream";
  if (!test::kSanitized) {
    EXPECT_LT(peak_kib(), 300 * 1024);
  }
}

TEST(DropTokens, HidesPromptTokensAlone) {
  MicroBatch batch;
  batch.cu_seqlens = {0};
  std::vector<TokenId> ids(2000), labels(2000, kIgnore);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>(i + 10);
  std::copy(ids.begin() + 1000, ids.end(), labels.begin() + 1000);
  append_document(batch, ids, labels);
  const MicroBatch before = batch;
  drop_tokens(batch, 3, 0.25, 7);
  EXPECT_EQ(batch.targets, before.targets);
  EXPECT_EQ(batch.input_ids[0], ids[0]);
  const auto dropped = std::count(batch.input_ids.begin(), batch.input_ids.begin() + 1000, 3);
  EXPECT_GT(dropped, 190);
  EXPECT_LT(dropped, 310);
  EXPECT_EQ(std::count(batch.input_ids.begin() + 1000, batch.input_ids.end(), 3), 0);
  MicroBatch again = before;
  drop_tokens(again, 3, 0.25, 7);
  EXPECT_EQ(again.input_ids, batch.input_ids);
  drop_tokens(again = before, 3, 0.25, 8);
  EXPECT_NE(again.input_ids, batch.input_ids);
}

}  // namespace
}  // namespace axl::data
