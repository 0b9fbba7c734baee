#include "core/json.hpp"
#include "data/formats/instruction.hpp"

// Questions with choices or context, summaries, and Metharme: single-turn formats with fields of
// their own.

namespace axl::data {
namespace {

InstructionFields choice_fields(const Row& row) {
  InstructionFields f;
  f.instruction = row.required("question");
  const nlohmann::ordered_json choices = row.value("choices");
  if (!choices.is_array()) throw RowError{"column 'choices' is not a list of texts"};
  for (const auto& choice : choices) {
    if (!f.input.empty()) f.input += '\n';
    f.input += "- \"" + (choice.is_string() ? choice.get<std::string>() : json_text(choice)) + "\"";
  }
  f.output = row.has("solution") ? row.text("solution") : row.required("explanation");
  return f;
}

RowConverter explainchoice(const FormatContext& c) {
  const char* system =
      "Choose the answer that best answers the question. Explain your reasoning.\n";
  return instruction_converter(
      c,
      {.style = prompt_style(c.style.empty() ? "instruct" : c.style, c.dataset.where),
       .system = system,
       .system_without_input = system},
      &choice_fields);
}

// The layouts of the next two are fixed: a style may stand after their names and changes nothing,
// as in Axolotl.
RowConverter concisechoice(const FormatContext& c) {
  const char* system =
      "Choose the answer that best answers the question. Be concise in your response.\n\n";
  PromptStyle style = prompt_style("chat", c.dataset.where);
  style.system = "{system}";
  return instruction_converter(
      c, {.style = std::move(style), .system = system, .system_without_input = system},
      &choice_fields);
}

RowConverter summarizetldr(const FormatContext& c) {
  PromptStyle style = prompt_style("chat", c.dataset.where);
  style.turn_without_input =
      "USER: Summarize the following article as a TL;DR.\n{instruction}\nASSISTANT:";
  return instruction_converter(c, {.style = std::move(style)}, [](const Row& row) {
    return InstructionFields{row.required("article"), "", row.required("summary"), ""};
  });
}

RowConverter context_qa_with(const FormatContext& c, const char* question, const char* answer) {
  const char* system =
      "Use the following contextual information to concisely answer the question.\n";
  const std::string fixed =
      "The context provided does not contain any information about your inquiry. Therefore, I'm "
      "unable to answer your question based on the given context.";
  return instruction_converter(c,
                               {.style = prompt_style("chat", c.dataset.where),
                                .system = system,
                                .system_without_input = system},
                               [=](const Row& row) {
                                 return InstructionFields{
                                     row.required("article") + "\n===\n" + row.required(question),
                                     "", answer ? row.required(answer) : fixed, ""};
                               });
}
RowConverter context_qa(const FormatContext& c) { return context_qa_with(c, "question", "answer"); }
RowConverter context_qa_404(const FormatContext& c) {
  return context_qa_with(c, "unanswerable_question", nullptr);
}
RowConverter context_qa_v2(const FormatContext& c) {
  PromptStyle style{"{instruction}\n{input}", "{instruction}", "{system}"};
  return instruction_converter(c, {.style = std::move(style)}, [](const Row& row) {
    return InstructionFields{
        "Context: " + row.required("context") + "\nQuestion: " + row.required("question") + "\n",
        "", "Answer: " + row.required("answer"), ""};
  });
}

RowConverter metharme(const FormatContext& c) {
  PromptStyle style{"{instruction}", "{instruction}", ""};
  return instruction_converter(c, {.style = std::move(style), .eos_count = 3}, [](const Row& row) {
    return InstructionFields{row.required("prompt"), "", row.required("generation"), ""};
  });
}

}  // namespace

std::vector<FormatSpec> question_specs() {
  return {
      {"explainchoice", "question, choices[], solution or explanation", true, &explainchoice},
      {"concisechoice", "question, choices[], solution or explanation", true, &concisechoice},
      {"summarizetldr", "article, summary", true, &summarizetldr},
      {"context_qa", "article, question, answer", false, &context_qa},
      {"context_qa.load_404", "article, unanswerable_question", false, &context_qa_404},
      {"context_qa.load_v2", "context, question, answer", false, &context_qa_v2},
      {"metharme", "prompt, generation", false, &metharme},
  };
}

}  // namespace axl::data
