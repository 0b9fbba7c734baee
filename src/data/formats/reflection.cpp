#include "data/formats/instruction.hpp"
#include "data/prompt_layout.hpp"
#include "data/text_tokens.hpp"

// Answer, reflection, corrected answer. Prompt and response are one text, tokenised once; the
// prompt is masked by its own token count.

namespace axl::data {
namespace {

RowConverter reflection(const FormatContext& c) {
  // The chat style exists in Axolotl's table too; its system sentence is empty in both.
  if (!c.style.empty() && c.style != "instruct")
    throw Error(ErrorCode::config, "type reflection has no style '" + c.style + "'")
        .at(c.dataset.where)
        .hint("allowed: reflection, reflection:instruct");
  return [&tokenizer = c.tokenizer, length = c.sequence_len,
          style = prompt_style("instruct", c.dataset.where),
          train_on_inputs = c.config.train_on_inputs](const Row& row, std::vector<Sample>& out) {
    const std::string instruction = row.required("instruction"), input = row.text("input");
    const std::string prompt = fill(input.empty() ? style.turn_without_input : style.turn,
                                    {{"instruction", instruction}, {"input", input}});
    const std::string first = row.required("output"), reflected = row.required("reflection"),
                      corrected = row.required("corrected");
    std::string text = prompt;
    if (!first.empty() && !reflected.empty() && !corrected.empty())
      text += fill(
          "### Thought:\n{output}\n\n### Agent Reflection:\n{reflection}\n\n"
          "### Final Response:\n{corrected}",
          {{"output", first}, {"reflection", reflected}, {"corrected", corrected}});
    Sample& sample = out.emplace_back();
    sample.lost_tokens =
        append_piece(tokenizer, text, {.max_length = length, .add_eos = true}, sample.input_ids);
    sample.labels = sample.input_ids;
    if (train_on_inputs) return;
    std::vector<TokenId> alone;
    append_piece(tokenizer, prompt, {.max_length = length}, alone);
    std::fill_n(sample.labels.begin(), std::min(alone.size(), sample.labels.size()), kIgnore);
  };
}

}  // namespace

FormatSpec reflection_spec() {
  return {"reflection", "instruction, [input], output, reflection, corrected", true, &reflection};
}

}  // namespace axl::data
