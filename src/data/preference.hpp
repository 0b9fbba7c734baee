#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/registry.hpp"
#include "data/format.hpp"
#include "data/row.hpp"

namespace axl::data {

/// One step of an answer and whether it is right.
struct Step {
  std::string text;
  std::int64_t label = 0;
};

/// What preference and reward training read from a row, as text: the trainer tokenises it.
struct Comparison {
  std::string prompt;
  std::string chosen;             ///< the better answer; under KTO the only one
  std::string rejected;           ///< the worse one; empty under KTO and for steps
  std::optional<bool> desirable;  ///< KTO: whether `chosen` is a good answer
  std::vector<Step> steps;        ///< stepwise_supervised: `prompt` and these, nothing else
};

/// Turns a row into a comparison; RowError when it cannot be used. Thread-safe.
using ComparisonReader = std::function<Comparison(const Row&)>;

/// Which kind of training a type belongs to.
enum class PreferenceKind : std::uint8_t { pairs, kto, orpo, reward };

/// A value of `type:` under `rl`, or of a reward model.
struct PreferenceSpec {
  std::string_view name;
  std::string_view columns;  ///< for people: what a row must have
  ComparisonReader (*make)(const FormatContext&) = nullptr;
};

/// The types of one kind, listed in preference/registry.cpp.
const Registry<PreferenceSpec>& preference_types(PreferenceKind kind);

/// Whether the rows of a dataset are compared rather than learned as they are: under `rl`, or of a
/// reward model's type.
bool is_comparison(const config::Config& config, const config::DatasetConfig& dataset);

/// The reader of a dataset's `type:`. Error{config} names the types known.
ComparisonReader make_comparison_reader(const config::DatasetConfig& dataset,
                                        const config::Config& config,
                                        const tokenizer::Tokenizer& tokenizer,
                                        std::vector<std::string>* warnings);

/// Tokens of a comparison's texts, and those that were cut off.
struct ComparisonLengths {
  std::int64_t prompt = 0, chosen = 0, rejected = 0, lost = 0;
  std::int64_t longest() const { return prompt + (chosen > rejected ? chosen : rejected); }
};
enum class Fit : std::uint8_t { fits, cut, too_long };
/// Axolotl's rule: a row is too long when its prompt and its longer answer exceed `sequence_len`;
/// under `truncate` answers are cut to what the prompt leaves.
Fit fit_comparison(Comparison& row, const tokenizer::Tokenizer& tokenizer,
                   std::int64_t sequence_len, const std::string& strategy,
                   ComparisonLengths& lengths);

/// Rows of rl: dpo, one sample each: the prompt with the chosen answer, then the prompt with the
/// rejected one, the answers with labels. Since an answer reaches to the end of its document, the
/// labels tell where the second one begins.
RowConverter make_pair_converter(const FormatContext& context);
std::size_t second_document(std::span<const TokenId> labels);

/// The tokens of a row with steps, as a process reward model reads them: BOS, the prompt and the
/// steps, each followed by step_separator; a step's last token carries its label (0 or 1), all
/// others kIgnore. Cut to max_completion_length and sequence_len.
Sample stepwise_tokens(const Comparison& row, const config::DatasetConfig& dataset,
                       const tokenizer::Tokenizer& tokenizer, std::int64_t sequence_len);

// preference/chat.cpp, framed.cpp, columns.cpp, stepwise.cpp
PreferenceSpec chat_pairs_spec();
PreferenceSpec argilla_chat_pairs_spec();
PreferenceSpec orpo_argilla_spec();
PreferenceSpec chat_kto_spec();
PreferenceSpec bradley_terry_spec();
std::vector<PreferenceSpec> framed_pairs_specs();
std::vector<PreferenceSpec> framed_kto_specs();
PreferenceSpec passthrough_pairs_spec();
PreferenceSpec passthrough_kto_spec();
PreferenceSpec user_defined_pairs_spec();
PreferenceSpec user_defined_kto_spec();
PreferenceSpec stepwise_spec();

}  // namespace axl::data
