#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/error.hpp"
#include "data/format.hpp"
#include "data/source.hpp"
#include "support/paths.hpp"
#include "temporary_folder.hpp"

namespace axl::data::testing {

/// Converts rows with the byte-level tokenizer of tests/fixtures/data and shows the result as
/// text, trained stretches in «».
class FormatTest : public ::testing::Test {
 protected:
  FormatTest() {
    config.sequence_len = 4096;
    dataset.path = "rows.jsonl";
  }

  static tokenizer::Tokenizer load_tokenizer() {
    return tokenizer::Tokenizer::load(test::source_dir() + "/tests/fixtures/data");
  }

  std::vector<Sample> samples(const std::string& rows) {
    dataset.path = folder.write("rows.jsonl", rows);
    auto files = open_sources(dataset);
    RowList list;
    for (std::size_t f = 0; f < files.size(); ++f)
      find_rows(files[f], static_cast<std::uint32_t>(f), list);
    warnings.clear();
    const RowConverter convert =
        make_converter(dataset, config, tokenizer, config.sequence_len, &warnings);
    std::vector<Sample> out;
    RowParser parser;
    for (const RowRef& ref : list.rows) {
      const Row& row = parser.parse(files[ref.file], ref);
      convert(row, out);
      notes = row.notes();
    }
    for (const Sample& s : out) EXPECT_EQ(s.input_ids.size(), s.labels.size());
    return out;
  }

  std::string show(const Sample& sample) const {
    std::string out;
    const std::size_t n = sample.input_ids.size();
    for (std::size_t i = 0; i < n;) {
      const bool trained = sample.labels[i] != kIgnore;
      std::vector<TokenId> ids;
      for (; i < n && (sample.labels[i] != kIgnore) == trained; ++i) {
        if (trained) {
          EXPECT_EQ(sample.labels[i], sample.input_ids[i]);
        }
        ids.push_back(sample.input_ids[i]);
      }
      const std::string text = tokenizer.decode(ids, false);
      out += trained ? "«" + text + "»" : text;
    }
    return out;
  }

  /// The rows of a prepared file as text, special tokens left out.
  std::vector<std::string> texts(const std::string& path) const {
    const PreparedDataset d = PreparedDataset::open(path);
    std::vector<std::string> out;
    for (std::int64_t i = 0; i < d.rows(); ++i)
      out.push_back(tokenizer.decode(d.row(i).input_ids, true));
    return out;
  }

  /// The only sample of the only row.
  std::string shown(const std::string& row) {
    const auto all = samples(row);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? "" : show(all.front());
  }

  std::string refusal(const std::string& row) {
    try {
      samples(row);
    } catch (const RowError& e) {
      return e.why;
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  TemporaryFolder folder;
  tokenizer::Tokenizer tokenizer = load_tokenizer();
  config::Config config;
  config::DatasetConfig dataset;
  std::vector<std::string> warnings;
  RowNotes notes;  ///< of the last row
};

}  // namespace axl::data::testing
