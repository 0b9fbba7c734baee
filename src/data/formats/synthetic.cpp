#include "core/rng.hpp"
#include "data/format.hpp"

// Random tokens, all of them trained: for measuring speed and memory.

namespace axl::data {
namespace {

constexpr std::uint64_t kSyntheticStream = 0x73796e7400000001;

RowConverter synthetic(const FormatContext& c) {
  const std::int64_t low = c.dataset.min_input_id;
  const std::int64_t high = c.dataset.max_input_id.value_or(c.tokenizer.vocab_size());
  const std::int64_t length = c.dataset.sequence_length.value_or(c.sequence_len);
  if (low >= high || high > c.tokenizer.vocab_size())
    throw Error(ErrorCode::config, "min_input_id " + std::to_string(low) + " and max_input_id " +
                                       std::to_string(high) +
                                       " leave no token: the tokenizer has " +
                                       std::to_string(c.tokenizer.vocab_size()))
        .at(c.dataset.where);
  return [low, high, length,
          seed = static_cast<std::uint64_t>(c.dataset.seed.value_or(c.config.seed))](
             const Row& row, std::vector<Sample>& out) {
    const std::uint64_t first = static_cast<std::uint64_t>(std::stoll(row.required("row"))) *
                                static_cast<std::uint64_t>(length);
    Sample& sample = out.emplace_back();
    for (std::int64_t i = 0; i < length; ++i)
      sample.input_ids.push_back(static_cast<TokenId>(
          low + static_cast<std::int64_t>(random_below(static_cast<std::uint64_t>(high - low), seed,
                                                       kSyntheticStream,
                                                       first + static_cast<std::uint64_t>(i)))));
    sample.labels = sample.input_ids;
  };
}

}  // namespace

FormatSpec synthetic_spec() { return {"_synthetic", "none", false, &synthetic}; }

}  // namespace axl::data
