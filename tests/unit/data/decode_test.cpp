// Compressed files, tables, hooks.
#include "data/sources/decode.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <chrono>
#include <filesystem>

#include "data/hook.hpp"
#include "data/inputs.hpp"
#include "data/source.hpp"
#include "format_fixture.hpp"

namespace axl::data {
namespace {

using testing::TemporaryFolder;

std::string gzipped(const std::string& text) {
  std::string out(::compressBound(text.size()) + 64, '\0');
  z_stream z{};
  EXPECT_EQ(::deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - z.avail_out);
  ::deflateEnd(&z);
  return out;
}

std::string zstandard(const std::string& text) {
  std::string out(::ZSTD_compressBound(text.size()), '\0');
  out.resize(::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string text_of(std::unique_ptr<Decoder> (*make)(std::string), const std::string& bytes,
                    std::size_t piece = 1 << 20) {
  std::string out;
  const TextSink keep = [&](std::string_view text) { out += text; };
  const auto decoder = make("f");
  for (std::size_t i = 0; i < bytes.size(); i += piece)
    decoder->append(std::string_view(bytes).substr(i, piece), keep);
  decoder->finish(keep);
  return out;
}

std::string csv(const std::string& text, std::size_t piece = 1000) {
  return text_of([](std::string path) { return csv_decoder(std::move(path), nullptr); }, text,
                 piece);
}

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

std::string long_text() {
  std::string out;
  for (int i = 0; i < 50000; ++i) out += "line " + std::to_string(i * 7919) + "\n";
  return out;
}

TEST(Decode, GzipMembersAndDamage) {
  const std::string text = long_text();
  const std::string packed = gzipped(text);
  EXPECT_EQ(text_of(&gzip_decoder, packed), text);
  EXPECT_EQ(text_of(&gzip_decoder, packed, 1), text);
  EXPECT_EQ(text_of(&gzip_decoder, packed + gzipped("end")), text + "end");
  EXPECT_NE(error_of([&] { text_of(&gzip_decoder, packed.substr(0, packed.size() / 2)); }), "");
  EXPECT_NE(error_of([&] { text_of(&gzip_decoder, "no gzip at all"); }), "");
}

TEST(Decode, ZstdFramesAndDamage) {
  const std::string text = long_text();
  const std::string packed = zstandard(text);
  EXPECT_EQ(text_of(&zstd_decoder, packed), text);
  EXPECT_EQ(text_of(&zstd_decoder, packed, 1), text);
  EXPECT_EQ(text_of(&zstd_decoder, packed + zstandard("end")), text + "end");
  EXPECT_NE(error_of([&] { text_of(&zstd_decoder, packed.substr(0, packed.size() / 2)); }), "");
  EXPECT_NE(error_of([&] { text_of(&zstd_decoder, "no zstd at all"); }), "");
}

// A buffer of output that is full when the frame ends says nothing about more to come.
TEST(Decode, ZstdFramesThatFillTheBuffer) {
  for (const std::size_t buffers : {1, 2, 3}) {
    const std::string text = long_text().substr(0, buffers * ::ZSTD_DStreamOutSize());
    ASSERT_EQ(text.size(), buffers * ::ZSTD_DStreamOutSize());
    const std::string packed = zstandard(text);
    EXPECT_EQ(text_of(&zstd_decoder, packed), text);
    EXPECT_EQ(text_of(&zstd_decoder, packed, 1), text);
    EXPECT_EQ(text_of(&zstd_decoder, packed + zstandard("end")), text + "end");
    EXPECT_NE(error_of([&] { text_of(&zstd_decoder, packed.substr(0, packed.size() - 1)); }), "");
  }
}

TEST(Decode, CsvOfRfc4180) {
  const std::string text =
      "\xEF\xBB\xBFinstruction,output\r\n\"say \"\"hi\"\"\",\"two\nlines, one comma\"\r\nplain,\n"
      "\nshort\n1,2,3\n";
  const std::string expected =
      "{\"instruction\": \"say \\\"hi\\\"\", \"output\": \"two\\nlines, one comma\"}\n"
      "{\"instruction\": \"plain\", \"output\": null}\n"
      "{\"instruction\": \"short\", \"output\": null}\n"
      "\"\xEF\xB7\x90no row: the row has 3 cells, the header has 2\"\n";
  for (const std::size_t piece : {1U, 2U, 7U, 1000U}) EXPECT_EQ(csv(text, piece), expected);
  EXPECT_NE(error_of([] { csv("a\n\"open"); }).find("a quoted field does not end"),
            std::string::npos);
  EXPECT_EQ(csv("a,b\n"), "");
  EXPECT_EQ(csv("a\nx"), "{\"a\": \"x\"}\n");
}

/// The default na_values of pandas, in quotes or not; what is only like them is text.
TEST(Decode, CsvCellsThatPandasTakesForMissing) {
  for (const char* cell : {"NaN",  "nan",  "null",   "NULL",     "None",   "NA",      "N/A",
                           "n/a",  "<NA>", "#N/A",   "#N/A N/A", "#NA",    "-1.#IND", "-1.#QNAN",
                           "-NaN", "-nan", "1.#IND", "1.#QNAN",  "\"NA\"", "\"\""})
    EXPECT_EQ(csv(std::string("a,b\nx,") + cell + "\n"), "{\"a\": \"x\", \"b\": null}\n") << cell;
  for (const char* cell : {"none", "Null", "Na", "NAN", "N/a", " NA", "NA ", "007", "1.50"})
    EXPECT_EQ(csv(std::string("a,b\nx,") + cell + "\n"),
              std::string("{\"a\": \"x\", \"b\": \"") + cell + "\"}\n");
}

TEST(Decode, CsvOfAnotherEncodingIsRefused) {
  EXPECT_NE(error_of([] {
              csv("a,b\nx,y\n\"two\nlines\",caf\xE9\n");
            }).find("f:3: not UTF-8: byte 0xE9 at column 4; it looks like Latin-1, in cell 2"),
            std::string::npos);
  EXPECT_NE(error_of([] { csv("a\xFC\n1\n"); }).find("f:1: not UTF-8"), std::string::npos);
  TemporaryFolder folder;
  for (const std::string& bytes : {std::string("\xFF\xFE"
                                               "a\0\n\0b\0",
                                               8),
                                   std::string("a\0\n\0b\0\n\0", 8)})
    for (const bool packed : {false, true}) {
      config::DatasetConfig d;
      d.path = folder.write(packed ? "a.csv.gz" : "a.csv", packed ? gzipped(bytes) : bytes);
      EXPECT_NE(error_of([&] { decode(open_sources(d)[0]); }).find("UTF-16 (little-endian)"),
                std::string::npos);
    }
}

/// Somebody packed what a checkout without Git LFS leaves.
TEST(Decode, PackedPlaceholdersSayWhatTheyAre) {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
  TemporaryFolder folder;
  for (const char* name : {"a.txt", "a.jsonl", "a.csv"})
    for (const bool gzip : {false, true}) {
      config::DatasetConfig d;
      d.path = folder.write(std::string(name) + (gzip ? ".gz" : ".zst"),
                            gzip ? gzipped(pointer) : zstandard(pointer));
      EXPECT_NE(error_of([&] { decode(open_sources(d)[0]); }).find("is a Git LFS pointer"),
                std::string::npos)
          << d.path;
    }
}

TEST(Decode, TabsSeparateTheCellsOfTsvFiles) {
  TemporaryFolder folder;
  for (const bool packed : {false, true}) {
    config::DatasetConfig d;
    const std::string text = "a\tb\n1,5\t\"x\ty\"\n\tNA\n";
    d.path = folder.write(packed ? "a.TSV.gz" : "a.tsv", packed ? gzipped(text) : text);
    SourceFile file = std::move(open_sources(d)[0]);
    decode(file);
    EXPECT_EQ(file.bytes(), "{\"a\": \"1,5\", \"b\": \"x\\ty\"}\n{\"a\": null, \"b\": null}\n");
  }
}

TEST(Decode, TablesNeedTheArrowLibrary) {
  if (has_arrow()) GTEST_SKIP() << "this build has it: see ArrowTest";
  EXPECT_NE(error_of([] { open_parquet("f.parquet"); }).find("AXL_ENABLE_ARROW"),
            std::string::npos);
}

TEST(Decode, TablesByTheArrowLibrary) {
  if (!has_arrow()) GTEST_SKIP() << "this build has no Arrow library";
  const std::string folder = test::source_dir() + "/tests/fixtures/data/";
  const std::string expected =
      R"({"text": "one", "number": 1, "share": 0.5, "good": true, "messages": [{"role": "user", )"
      R"("content": "hi"}, {"role": "assistant", "content": null}], "kind": "a", "tags": {"k": 1}})"
      "\n"
      R"({"text": "two \"quoted\"\n", "number": -2, "share": null, "good": false, "messages": [], )"
      R"("kind": "b", "tags": {}})"
      "\n"
      R"({"text": null, "number": 3, "share": 2, "good": null, "messages": null, "kind": "a", )"
      R"("tags": null})"
      "\n";
  const auto all = [](const TextSource& source) {
    std::string out;
    for (std::string piece; source(piece);) out += piece;
    return out;
  };
  EXPECT_EQ(all(open_parquet(folder + "rows.parquet")), expected);
  EXPECT_EQ(all(open_arrow(folder + "rows.arrow")), expected);
  EXPECT_EQ(all(open_arrow(folder + "rows_file.arrow")), expected);
  TemporaryFolder scratch;
  std::string bytes = testing::read_bytes(folder + "rows.parquet");
  const std::string cut = scratch.write("cut.parquet", bytes.substr(0, bytes.size() / 2));
  EXPECT_NE(error_of([&] { all(open_parquet(cut)); }).find("cut.parquet"), std::string::npos);
  for (std::size_t i = 0; i < bytes.size(); i += 7) {  // damage anywhere is an error or no matter
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5A);
    error_of([&] { all(open_parquet(scratch.write("damaged.parquet", damaged))); });
  }
}

TEST(Decode, SpoolGoesToAFileWhenItIsLarge) {
  Spool spool(1000);
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    spool.append("piece " + std::to_string(i));
    expected += "piece " + std::to_string(i);
  }
  EXPECT_EQ(spool.finish(), expected);
}

class Files : public testing::FormatTest {
 protected:
  std::vector<std::string> rows(const std::string& path) {
    dataset.path = path;
    Input input = std::move(open_inputs({dataset}).front());
    read_rows(input, 1);
    RowParser parser;
    std::vector<std::string> out;
    for (const RowRef& ref : input.rows.rows) try {
        out.push_back(parser.parse(input.files[ref.file], ref).text("text"));
      } catch (const RowError& e) {
        out.push_back("broken: " + e.why);
      }
    return out;
  }
};

TEST_F(Files, EverySuffixGivesTheSameRows) {
  const std::vector<std::string> expected{"one", "two"};
  const std::string lines = "{\"text\": \"one\"}\n{\"text\": \"two\"}\n";
  EXPECT_EQ(rows(folder.write("a.jsonl", lines)), expected);
  EXPECT_EQ(rows(folder.write("a.jsonl.gz", gzipped(lines))), expected);
  EXPECT_EQ(rows(folder.write("a.jsonl.zst", zstandard(lines))), expected);
  EXPECT_EQ(rows(folder.write("a.json.gz",
                              gzipped("[" + lines.substr(0, 15) + "," + lines.substr(16) + "]"))),
            expected);
  EXPECT_EQ(rows(folder.write("a.csv", "text\none\ntwo\n")), expected);
  EXPECT_EQ(rows(folder.write("a.csv.gz", gzipped("text\none\ntwo\n"))), expected);
  EXPECT_EQ(rows(folder.write("a.txt.zst", zstandard("one\ntwo\n"))), expected);
  dataset.ds_type = "csv";
  EXPECT_EQ(rows(folder.write("a.data", "text\none\ntwo\n")), expected);
}

TEST_F(Files, HookMapsJsonLines) {
  dataset.preprocess_command = "sed s/one/1/";
  EXPECT_EQ(rows(folder.write("a.json", "[{\"text\":\n \"one\"}, {\"text\": \"two\"}]")),
            (std::vector<std::string>{"1", "two"}));
  EXPECT_EQ(rows(folder.write("a.txt", "one\ntwo\n")), (std::vector<std::string>{"1", "two"}));
  dataset.preprocess_command = "head -n 1";
  std::string many;
  for (int i = 0; i < 100000; ++i) many += "{\"text\": \"" + std::to_string(i) + "\"}\n";
  EXPECT_EQ(rows(folder.write("many.jsonl", many)), (std::vector<std::string>{"0"}));
  dataset.preprocess_command = "cat; exit 3";
  EXPECT_NE(error_of([&] { rows(folder.path("a.txt")); }).find("ended with exit code 3"),
            std::string::npos);
}

}  // namespace
}  // namespace axl::data
