
#include "core/json.hpp"
#include "data/preference.hpp"

// Rows of process reward models: an answer in steps, each of them right or wrong.

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

ComparisonReader stepwise(const FormatContext& c) {
  return [last_only = c.dataset.train_on_last_step_only](const Row& row) {
    const json texts = row.value("completions"), labels = row.value("labels");
    if (!texts.is_array() || !labels.is_array())
      throw RowError{"columns 'completions' and 'labels' are not lists; columns found: " +
                     row.columns()};
    if (texts.empty() || texts.size() != labels.size())
      throw RowError{"there are " + std::to_string(texts.size()) + " completions and " +
                     std::to_string(labels.size()) + " labels"};
    Comparison out;
    out.prompt = row.required("prompt");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (!texts[i].is_string()) throw RowError{"a completion is not text"};
      std::int64_t label = 0;
      if (labels[i].is_boolean())
        label = labels[i].get<bool>();
      else if (labels[i].is_number_integer() && (labels[i] == 0 || labels[i] == 1))
        label = labels[i].get<std::int64_t>();
      else
        throw RowError{"a label is not true or false"};
      if (last_only && i + 1 < texts.size()) label = kIgnore;
      out.steps.push_back({texts[i].get<std::string>(), label});
    }
    return out;
  };
}

}  // namespace

Sample stepwise_tokens(const Comparison& row, const config::DatasetConfig& dataset,
                       const tokenizer::Tokenizer& tokenizer, std::int64_t sequence_len) {
  Sample out;
  if (tokenizer.bos_id()) out.input_ids.push_back(*tokenizer.bos_id());
  tokenizer.encode_to(row.prompt, false, out.input_ids);
  const std::size_t prompt = out.input_ids.size();
  out.labels.assign(prompt, kIgnore);
  for (const Step& step : row.steps) {
    tokenizer.encode_to(step.text, false, out.input_ids);
    tokenizer.encode_to(dataset.step_separator, false, out.input_ids);
    if (out.input_ids.size() == out.labels.size()) continue;
    out.labels.resize(out.input_ids.size(), kIgnore);
    out.labels.back() = static_cast<TokenId>(step.label);
  }
  std::size_t longest = static_cast<std::size_t>(sequence_len);
  if (dataset.max_completion_length)
    longest = std::min(longest, prompt + static_cast<std::size_t>(*dataset.max_completion_length));
  out.input_ids.resize(std::min(out.input_ids.size(), longest));
  out.labels.resize(out.input_ids.size());
  return out;
}

PreferenceSpec stepwise_spec() {
  return {"stepwise_supervised", "prompt, completions[], labels[]", &stepwise};
}

}  // namespace axl::data
