#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "core/registry.hpp"
#include "data/dataset.hpp"
#include "data/row.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::data {

/// What a format may look at. Everything outlives the converter.
struct FormatContext {
  const tokenizer::Tokenizer& tokenizer;
  const config::Config& config;
  const config::DatasetConfig& dataset;
  std::int64_t sequence_len;
  std::string style;                   ///< what follows the ':' of the type: instruct, chat, ...
  std::vector<std::string>* warnings;  ///< what the user should know before training
};

/// Turns one row into zero or more tokenised samples; called from several threads at once.
/// RowError when the row cannot be used.
using RowConverter = std::function<void(const Row&, std::vector<Sample>&)>;

/// A value of `type:`. `styled`: "NAME:style" is allowed as well.
struct FormatSpec {
  std::string_view name;
  std::string_view columns;  ///< for people: what a row must have
  bool styled = false;
  RowConverter (*make)(const FormatContext&) = nullptr;
};

/// All known values of `type:`, listed in formats/registry.cpp.
const Registry<FormatSpec>& formats();

/// The converter of a dataset's `type:`. Error{config} names the types known, or says that the
/// type exists in Axolotl but not here.
RowConverter make_converter(const config::DatasetConfig& dataset, const config::Config& config,
                            const tokenizer::Tokenizer& tokenizer, std::int64_t sequence_len,
                            std::vector<std::string>* warnings);

// formats/instruction.cpp and its tables
std::vector<FormatSpec> alpaca_specs();
std::vector<FormatSpec> system_column_specs();
std::vector<FormatSpec> question_specs();
FormatSpec user_defined_spec();
FormatSpec reflection_spec();
FormatSpec completion_spec();
FormatSpec pretrain_spec();
FormatSpec synthetic_spec();
FormatSpec llama2_chat_spec();
FormatSpec input_output_spec();
FormatSpec pretokenized_spec();
FormatSpec chat_template_spec();
FormatSpec pygmalion_spec();

}  // namespace axl::data
