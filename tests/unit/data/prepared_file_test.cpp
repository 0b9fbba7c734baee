#include "data/prepared_file.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "temporary_folder.hpp"

namespace axl::data {
namespace {

using testing::read_bytes;
using testing::TemporaryFolder;

std::vector<Sample> random_samples(std::size_t n) {
  std::vector<Sample> out;
  for (std::size_t i = 0; i < n; ++i) {
    Sample s;
    const std::size_t length = random_below(50, 1, i, 0) + 1;
    for (std::size_t t = 0; t < length; ++t) {
      s.input_ids.push_back(static_cast<TokenId>(random_below(50000, 2, i, t)));
      const TokenId label = s.input_ids.back() + (i % 7 == 0 && t % 3 == 0);  // some of their own
      s.labels.push_back(random_below(3, 3, i, t / 4) == 0 ? label : kIgnore);
    }
    out.push_back(std::move(s));
  }
  return out;
}

void write(const std::string& path, const std::vector<Sample>& samples, std::uint64_t key = 77) {
  TokenStore store;
  for (const Sample& s : samples) store.add(s);
  std::vector<PreparedRow> rows;
  for (const StoredRow& row : store.rows) rows.push_back(store.row(row));
  write_prepared_file(path, rows, key);
}

std::string refusal(const std::string& path) {
  try {
    PreparedDataset::open(path);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::input);
    return e.what();
  }
  return "";
}

TEST(PreparedFile, GivesBackEveryTokenAndLabel) {
  TemporaryFolder folder;
  const auto samples = random_samples(500);
  write(folder.path("a"), samples);
  const PreparedDataset d = PreparedDataset::open(folder.path("a"));
  ASSERT_EQ(d.rows(), 500);
  EXPECT_EQ(d.fingerprint(), 77U);
  std::int64_t tokens = 0, labels = 0;
  for (std::int64_t i = 0; i < d.rows(); ++i) {
    const Sample& s = samples[static_cast<std::size_t>(i)];
    const SampleView v = d.row(i);
    EXPECT_EQ(std::vector<TokenId>(v.input_ids.begin(), v.input_ids.end()), s.input_ids);
    EXPECT_EQ(v.labels, s.labels);
    EXPECT_EQ(d.length(i), static_cast<std::int64_t>(s.input_ids.size()));
    std::int64_t predicted = 0;
    for (std::size_t t = 1; t < s.labels.size(); ++t) predicted += s.labels[t] != kIgnore;
    EXPECT_EQ(d.label_tokens(i), predicted);
    tokens += d.length(i);
    labels += predicted;
  }
  EXPECT_EQ(d.total_tokens(), tokens);
  EXPECT_EQ(d.total_label_tokens(), labels);
  EXPECT_NO_THROW(d.verify());
  EXPECT_ANY_THROW(d.row(500));
  EXPECT_ANY_THROW(d.row(-1));
}

TEST(PreparedFile, AnyChangedByteIsNoticed) {
  TemporaryFolder folder;
  write(folder.path("a"), random_samples(20));
  const std::string good = read_bytes(folder.path("a"));
  for (std::size_t at = 0; at < good.size(); at += 11) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    folder.write("b", bad);
    EXPECT_NE(refusal(folder.path("b")), "") << "byte " << at;
  }
}

TEST(PreparedFile, AnyTruncationIsNoticed) {
  TemporaryFolder folder;
  write(folder.path("a"), random_samples(20));
  const std::string good = read_bytes(folder.path("a"));
  for (std::size_t n = 1; n < good.size(); n += 7) {
    folder.write("b", good.substr(0, n));
    EXPECT_NE(refusal(folder.path("b")), "") << n << " bytes";
  }
  folder.write("b", good + "x");
  EXPECT_NE(refusal(folder.path("b")), "");
}

// Opening a large file looks at a part of it; what is read later may not lead outside of it.
TEST(PreparedFile, DamageThatOpeningDoesNotSeeIsNoticedInUse) {
  constexpr std::size_t kRows = 40000;
  constexpr std::size_t kEntryBytes = 32, kBlockBytes = 1 << 20;
  TemporaryFolder folder;
  const std::vector<TokenId> tokens(120, 7);
  const std::vector<LabelRun> runs = {{10, 20}};
  write_prepared_file(folder.path("a"), std::vector<PreparedRow>(kRows, {tokens, runs}), 1);
  std::string bytes = read_bytes(folder.path("a"));
  const std::size_t index = bytes.size() - kRows * (kEntryBytes + 120 * sizeof(TokenId) + 8);
  const std::size_t row = kBlockBytes / kEntryBytes + 5;
  bytes[index + row * kEntryBytes + 7] = 1;  // the highest byte of where its tokens begin
  folder.write("a", bytes);
  const PreparedDataset d = PreparedDataset::open(folder.path("a"));
  EXPECT_EQ(d.row(0).input_ids.size(), 120U);
  EXPECT_THROW(d.row(static_cast<std::int64_t>(row)), Error);
  EXPECT_THROW(d.lengths(), Error);
  EXPECT_THROW(d.verify(), Error);
}

TEST(PreparedFile, SaysWhatIsWrong) {
  TemporaryFolder folder;
  folder.write("text", std::string(200, 'x'));
  EXPECT_NE(refusal(folder.path("text")).find("not a prepared dataset"), std::string::npos);
  EXPECT_NE(refusal(folder.path("absent")).find("absent"), std::string::npos);
}

TEST(PreparedFile, EmptyRowsAndNoLabelsAreFine) {
  TemporaryFolder folder;
  write(folder.path("a"), {{{1}, {kIgnore}}, {{2}, {2}}});
  const PreparedDataset d = PreparedDataset::open(folder.path("a"));
  EXPECT_EQ(d.label_tokens(0), 0);
  EXPECT_EQ(d.label_tokens(1), 0);  // nothing predicts a first token
  EXPECT_EQ(d.row(1).labels, (std::vector<TokenId>{2}));
}

}  // namespace
}  // namespace axl::data
