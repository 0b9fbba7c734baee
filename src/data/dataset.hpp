#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace axl::data {

using tokenizer::TokenId;
inline constexpr TokenId kIgnore = -100;  ///< no loss on this position (Hugging Face's convention)

/// One tokenised row: labels[i] is input_ids[i] where the token is trained, else kIgnore; only rows
/// that come with labels of their own may have others.
struct Sample {
  std::vector<TokenId> input_ids;
  std::vector<TokenId> labels;
  std::int64_t lost_tokens = 0;  ///< of the row's text that are in none of its samples
  bool pair = false;             ///< two documents, each as long as a row may be
  std::int64_t too_long = 0;     ///< tokens of a row that cannot be used for their number
};

/// A stretch of a row that has labels; everything else is kIgnore.
struct LabelRun {
  std::uint32_t start = 0;
  std::uint32_t length = 0;
  bool operator==(const LabelRun&) const = default;
};

/// A prepared row. The tokens are borrowed from the file; the labels are unpacked from its runs.
struct SampleView {
  std::span<const TokenId> input_ids;
  std::vector<TokenId> labels;
};

/// What a row of a prepared file holds: one document, or a pair of them (preference.hpp).
enum class RowLayout : std::uint8_t { document, pair };

/// What a rank feeds to the model at once: documents one after another, no padding anywhere.
/// Position i predicts targets[i] (already shifted inside its document; the last token of a
/// document has none).
struct MicroBatch {
  std::vector<TokenId> input_ids;        ///< (T)
  std::vector<TokenId> targets;          ///< (T), kIgnore = no loss
  std::vector<std::int32_t> positions;   ///< (T), restart at 0 in every document
  std::vector<std::int32_t> cu_seqlens;  ///< documents + 1 offsets, first 0, last T
  std::int64_t label_tokens = 0;         ///< targets that are not kIgnore
  std::int64_t tokens() const { return static_cast<std::int64_t>(input_ids.size()); }
};

/// The prepared dataset: one memory-mapped file, keyed by a content hash, written once.
class PreparedDataset {
 public:
  /// Maps the file and checks its header and blocks (all of them up to 16 MiB, beyond that an even
  /// sample: `verify` checks the rest), in a time that does not grow with the rows. Error{input}
  /// says what is wrong with the file.
  static PreparedDataset open(const std::string& path);
  /// Checks every checksum; Error{input}.
  void verify() const;
  PreparedDataset(PreparedDataset&&) noexcept;
  PreparedDataset& operator=(PreparedDataset&&) noexcept;
  ~PreparedDataset();
  std::int64_t rows() const;
  SampleView row(std::int64_t index) const;
  std::int64_t length(std::int64_t index) const;  ///< tokens of a row, from the index alone
  /// Labels of a row that have a position to be predicted from: all but one on its first token.
  std::int64_t label_tokens(std::int64_t index) const;
  /// Of all rows, as BatchPlan takes them; checks the whole row index. Error{input}.
  std::vector<std::int32_t> lengths() const;
  std::int64_t total_tokens() const;
  std::int64_t total_label_tokens() const;
  std::uint64_t fingerprint() const;
  const std::string& path() const;

 private:
  struct Impl;
  explicit PreparedDataset(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace axl::data
