#include <algorithm>
#include <iterator>
#include <limits>

#include "core/json.hpp"
#include "data/format.hpp"

// Rows that say themselves what is trained: text segments with labels, or finished tokens.

namespace axl::data {
namespace {

RowConverter input_output(const FormatContext& c) {
  return [&tokenizer = c.tokenizer, train_on_inputs = c.config.train_on_inputs](
             const Row& row, std::vector<Sample>& out) {
    const nlohmann::ordered_json segments = row.value("segments");
    if (!segments.is_array())
      throw RowError{"column 'segments' is not a list; columns found: " + row.columns()};
    Sample sample;
    for (const auto& segment : segments) {
      if (!segment.is_object() || !segment.contains("text") || !segment["text"].is_string() ||
          !segment.contains("label") || !segment["label"].is_boolean())
        throw RowError{"a segment is not {text: ..., label: true or false}"};
      const std::size_t begin = sample.input_ids.size();
      tokenizer.encode_to(segment["text"].get_ref<const std::string&>(), false, sample.input_ids);
      sample.labels.resize(sample.input_ids.size(), kIgnore);
      if (segment["label"].get<bool>() || train_on_inputs)
        std::copy(sample.input_ids.begin() + static_cast<std::ptrdiff_t>(begin),
                  sample.input_ids.end(),
                  sample.labels.begin() + static_cast<std::ptrdiff_t>(begin));
    }
    out.push_back(std::move(sample));
  };
}

std::vector<TokenId> integers(const Row& row, const char* column, std::int64_t lowest,
                              std::int64_t highest) {
  const nlohmann::ordered_json values = row.value(column);
  if (!values.is_array())
    throw RowError{std::string("column '") + column +
                   "' is not a list; columns found: " + row.columns()};
  std::vector<TokenId> out;
  out.reserve(values.size());
  for (const auto& value : values) {
    if (!value.is_number_integer() || value.get<std::int64_t>() < lowest ||
        value.get<std::int64_t>() > highest)
      throw RowError{std::string("column '") + column + "' holds " + json_text(value) +
                     ", not a token id of this tokenizer"};
    out.push_back(static_cast<TokenId>(value.get<std::int64_t>()));
  }
  return out;
}

/// Tokens that attention_mask hides at either end are padding: nobody sees them, so they go.
void cut_padding(const Row& row, Sample& sample) {
  const std::vector<TokenId> mask = integers(row, "attention_mask", 0, 1);
  if (mask.size() != sample.input_ids.size())
    throw RowError{"attention_mask and input_ids differ in length"};
  const auto seen = [](TokenId m) { return m == 1; };
  const auto begin = std::find_if(mask.begin(), mask.end(), seen);
  const auto end = std::find_if(mask.rbegin(), std::make_reverse_iterator(begin), seen).base();
  if (!std::all_of(begin, end, seen)) throw RowError{"attention_mask hides tokens between others"};
  for (auto* list : {&sample.input_ids, &sample.labels}) {
    list->erase(list->begin() + (end - mask.begin()), list->end());
    list->erase(list->begin(), list->begin() + (begin - mask.begin()));
  }
}

RowConverter pretokenized(const FormatContext& c) {
  return [highest = c.tokenizer.vocab_size() - 1](const Row& row, std::vector<Sample>& out) {
    Sample sample;
    sample.input_ids = integers(row, "input_ids", 0, highest);
    sample.labels = integers(row, "labels", kIgnore, highest);
    if (sample.labels.size() != sample.input_ids.size())
      throw RowError{"labels and input_ids differ in length"};
    for (std::size_t i = 0; i < sample.labels.size(); ++i)
      if (sample.labels[i] < 0 && sample.labels[i] != kIgnore)
        throw RowError{"label " + std::to_string(i) + " is neither -100 nor a token id"};
    cut_padding(row, sample);
    out.push_back(std::move(sample));
  };
}

}  // namespace

FormatSpec input_output_spec() {
  return {"input_output", "segments[{text, label}]", false, &input_output};
}
FormatSpec pretokenized_spec() {
  return {"pretokenized", "input_ids, attention_mask, labels", false, &pretokenized};
}

}  // namespace axl::data
