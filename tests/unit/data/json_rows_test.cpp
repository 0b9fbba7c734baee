#include "data/sources/json_rows.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "core/error.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {
namespace {

struct Found {
  std::vector<std::string> rows;
  std::vector<std::uint32_t> lines;
  std::string trouble;
};

Found rows_of(const std::string& text, const std::string& field = "") {
  Found out;
  JsonRows rows(field);
  std::size_t at = 0;
  while (const auto row = rows.next(text, at, true)) {
    out.rows.push_back(text.substr(row->begin, row->length));
    out.lines.push_back(row->line);
  }
  out.trouble = rows.trouble();
  return out;
}

/// The lines that a stream of `text` in pieces gives; an error as its message.
std::string streamed(const std::string& text, std::size_t piece, const std::string& field = "") {
  std::string out;
  const TextSink keep = [&](std::string_view more) { out += more; };
  try {
    const auto decoder = json_decoder("f", field);
    for (std::size_t i = 0; i < text.size(); i += piece)
      decoder->append(std::string_view(text).substr(i, piece), keep);
    decoder->finish(keep);
  } catch (const Error& e) {
    out += std::string("error: ") + e.what();
  }
  return out;
}

using Rows = std::vector<std::string>;
using Lines = std::vector<std::uint32_t>;

TEST(JsonRows, AnObjectALine) {
  const Found f = rows_of("\xEF\xBB\xBF{\"a\":1}\r\n\n  {\"a\":\"}{\"} \n{\"a\":{}}");
  EXPECT_EQ(f.rows, (Rows{"{\"a\":1}", "{\"a\":\"}{\"}", "{\"a\":{}}"}));
  EXPECT_EQ(f.lines, (Lines{1, 3, 4}));
}

TEST(JsonRows, ObjectsOverSeveralLines) {
  const Found f = rows_of("{\n \"a\": {\"b\": 1},\n \"c\": \"}\"\n}\n{\n}\n{\"d\":1}\n");
  EXPECT_EQ(f.rows, (Rows{"{\n \"a\": {\"b\": 1},\n \"c\": \"}\"\n}", "{\n}", "{\"d\":1}"}));
  EXPECT_EQ(f.lines, (Lines{1, 5, 7}));
  // A line that looks like a whole object and is none.
  EXPECT_EQ(rows_of("{\"a\": {\"b\": 1}\n, \"c\": {}}\n{\"d\": 1}").rows,
            (Rows{"{\"a\": {\"b\": 1}\n, \"c\": {}}", "{\"d\": 1}"}));
}

TEST(JsonRows, JoinedObjects) {
  const Found f = rows_of("{\"a\":1}{\"a\":\"}{\"}\t{\"a\":3}\n{\"a\":4}{\n\"a\":5}{\"a\":6}");
  EXPECT_EQ(f.rows, (Rows{"{\"a\":1}", "{\"a\":\"}{\"}", "{\"a\":3}", "{\"a\":4}", "{\n\"a\":5}",
                          "{\"a\":6}"}));
  EXPECT_EQ(f.lines, (Lines{1, 1, 1, 2, 2, 3}));
}

TEST(JsonRows, ABrokenRowSpoilsOnlyItself) {
  // Cut off inside of a string, a number, an object, a list; too many brackets; no object.
  for (const char* broken : {"{\"a\": \"th", "{\"a\": 1", "{\"a\": {\"b\": 1}", "{\"a\": [1, 2",
                             "{\"a\": 1}}", "hello", "{\"a\": 1}, ", "{\"a\" 1}", "{\"a\": 1]",
                             "{\"a\": \"x\\", "]", "}", "{\"a\": 1} x", "{\"a\":1,", "{\"a\""}) {
    const Found f = rows_of("{\"n\":1}\n" + std::string(broken) + "\n{\"n\":2}\n{\"n\":3}\n");
    ASSERT_EQ(f.rows.size(), 4U) << broken;
    EXPECT_EQ(f.rows[0], "{\"n\":1}");
    EXPECT_EQ(f.rows[2], "{\"n\":2}") << broken;
    EXPECT_EQ(f.rows[3], "{\"n\":3}") << broken;
    EXPECT_EQ(f.lines, (Lines{1, 2, 3, 4})) << broken;
  }
}

TEST(JsonRows, OneDocumentIsOneRowUnlessItsFieldIsNamed) {
  const std::string document =
      "{\"version\":1,\"data\":[\n{\"n\":1},\n{\"n\":[\"]\"]},\n{\"n\":3}\n], \"x\": "
      "{\"data\":[]}}\n";
  EXPECT_EQ(rows_of(document).rows.size(), 1U);
  EXPECT_EQ(rows_of(document, "version").rows.size(), 1U);
  const Found f = rows_of(document, "data");
  EXPECT_EQ(f.rows, (Rows{"{\"n\":1}", "{\"n\":[\"]\"]}", "{\"n\":3}"}));
  EXPECT_EQ(f.lines, (Lines{2, 3, 4}));
  EXPECT_EQ(f.trouble, "");
  EXPECT_EQ(rows_of(document + document, "data").trouble, "text after the end of the document");
  EXPECT_EQ(rows_of(document.substr(0, 40), "data").trouble, "the file ends inside of this row");
  // A column of texts is no list of rows: `field` has its other meaning there.
  EXPECT_EQ(rows_of("{\"text\": \"a\"}\n{\"text\": \"b\"}", "text").rows.size(), 2U);
  EXPECT_EQ(rows_of("{\"text\": [\"a\"]}", "text").rows.size(), 1U);
}

TEST(JsonRows, ArraysAndWhatIsWrongWithThem) {
  EXPECT_EQ(rows_of("[ {\"a\":1},\n{\"a\":\"]\"} ] \n").rows, (Rows{"{\"a\":1}", "{\"a\":\"]\"}"}));
  EXPECT_TRUE(rows_of("[ ]").rows.empty());
  EXPECT_EQ(rows_of("[{}, {").trouble, "the file ends inside of this row");
  EXPECT_EQ(rows_of("[{}, {}").trouble, "the file ends inside of this row");
  EXPECT_EQ(rows_of("[{},").trouble, "the array is not closed");
  EXPECT_EQ(rows_of("[{}]\n{}").trouble, "text after the end of the array");
}

TEST(JsonRows, PiecesChangeNothing) {
  const std::string texts[] = {
      "\xEF\xBB\xBF{\"a\":1}\r\n\n  {\"a\":\"}{\"} \n{\"a\":{}}",
      "{\n \"a\": {\"b\": 1},\n \"c\": \"}\"\n}\n{\n}\n{\"d\":1}\n",
      "{\"a\":1}{\"a\":\"}{\"}\t{\"a\":3}\n{\"a\":4}{\n\"a\":5}{\"a\":6}",
      "{\"a\": \"th\n{\"a\": 1\nhello\n{\"a\": 1}}\n{\"b\": 2}\n{\"a\": [",
      "{\"v\":1,\"data\":[\n{\"n\":1},\n{\"n\":[\"]\"]}\n], \"x\": \"]}\"}\n",
      "[ {\"a\":\n [1, \"]\\\"\"]}, 2 ,\n{} ] \n",
      "[{}, {",
      "[{}] x",
      "{\"data\": [{}]} {}",
      "  ",
      ""};
  for (const std::string& text : texts)
    for (const char* field : {"", "data"}) {
      const std::string whole = streamed(text, text.size() + 1, field);
      for (const std::size_t piece : {1U, 2U, 3U, 7U, 20U})
        EXPECT_EQ(streamed(text, piece, field), whole) << text << " in pieces of " << piece;
      // The same rows as those of a mapped file.
      const Found f = rows_of(text, field);
      std::string expected, lines;
      for (std::string row : f.rows) {
        for (char& c : row) c = c == '\n' ? ' ' : c;
        expected += row + "\n";
      }
      bool row_before = false;
      for (const char c : whole.substr(0, whole.find("error: "))) {
        if (c != '\n' || row_before) lines += c;
        row_before = c != '\n';
      }
      EXPECT_EQ(lines, expected) << text;
    }
}

TEST(JsonRows, StreamedRowsKeepTheirLines) {
  EXPECT_EQ(streamed("\n{\"a\":\n1}\n\n{\"b\":2}\n", 100), "\n{\"a\": 1}\n\n\n{\"b\":2}\n");
  // A line break inside of a string is no JSON, and must not become a blank.
  EXPECT_EQ(streamed("[{\"a\": \"x\ny\"}]", 100), "{\"a\": \"x\fy\"}\n");
}

}  // namespace
}  // namespace axl::data
