#include <algorithm>
#include <string_view>

#include "core/json.hpp"
#include "data/preference.hpp"

// Preference rows of single columns in a fixed frame: ChatML, Llama 3, Zephyr. The frames are
// interchange data.

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

struct Frame {
  std::string_view before, between, after;  ///< around a message: before ROLE between TEXT after
  std::string prompt(const std::string& system, const std::string& question) const {
    std::string out;
    if (!system.empty()) out += turn("system", system);
    out += turn("user", question);
    return out + opening("assistant");
  }
  std::string opening(std::string_view role) const {
    return std::string(before).append(role).append(between);
  }
  std::string turn(std::string_view role, std::string_view text) const {
    return opening(role).append(text).append(after);
  }
  /// An answer ends with the marker, not with the line break after it.
  std::string answer(std::string text) const {
    return text.append(after.substr(0, after.find('\n')));
  }
};

constexpr Frame kChatml{"<|im_start|>", "\n", "<|im_end|>\n"};
constexpr Frame kLlama3{"<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>"};

/// The first of several columns that the row has.
std::string first_of(const Row& row, std::initializer_list<const char*> columns) {
  for (const char* column : columns)
    if (!row.is_null(column)) return row.text(column);
  return row.required(*columns.begin());
}

std::string system_of(const Row& row) { return row.has("system") ? row.text("system") : ""; }

/// column[index].content
std::string content_of(const Row& row, const char* column, std::size_t index) {
  const json value = row.value(column);
  if (!value.is_array() || value.size() <= index || !value[index].is_object() ||
      !value[index].contains("content") || !value[index]["content"].is_string())
    throw RowError{std::string("column '") + column + "' has no message " + std::to_string(index) +
                   " with a content; columns found: " + row.columns()};
  return value[index]["content"].get<std::string>();
}

bool label_of(const Row& row) {
  const json label = row.value("label");
  if (label.is_boolean()) return label.get<bool>();
  if (label.is_number_integer() && (label == 0 || label == 1)) return label == 1;
  throw RowError{"column 'label' is not true or false; columns found: " + row.columns()};
}

Comparison pair(const Frame& frame, const std::string& system, const std::string& question,
                std::string chosen, std::string rejected) {
  Comparison out;
  out.prompt = frame.prompt(system, question);
  out.chosen = frame.answer(std::move(chosen));
  out.rejected = frame.answer(std::move(rejected));
  return out;
}

template <const Frame& frame>
ComparisonReader plain(const FormatContext& c) {
  return [chosen = c.dataset.field_chosen, rejected = c.dataset.field_rejected](const Row& row) {
    const auto answer = [&row](const std::string& column, const char* other) {
      return row.is_null(column) && !row.is_null(other) ? row.text(other) : row.required(column);
    };
    return pair(frame, system_of(row),
                first_of(row, {"prompt", "input", "question", "instruction"}),
                answer(chosen, "chosen_response"), answer(rejected, "rejected_response"));
  };
}

template <const Frame& frame>
ComparisonReader argilla_columns(const FormatContext&) {
  return [](const Row& row) {
    return pair(frame, system_of(row), row.required("instruction"), row.required("chosen_response"),
                row.required("rejected_response"));
  };
}

/// `column` is the question's.
template <const Frame& frame, const char* const& column>
ComparisonReader question_in(const FormatContext&) {
  return [](const Row& row) {
    return pair(frame, system_of(row), row.required(column), row.required("chosen"),
                row.required("rejected"));
  };
}

template <const Frame& frame>
ComparisonReader ultra(const FormatContext&) {
  return [](const Row& row) {
    return pair(frame, system_of(row), row.required("prompt"), content_of(row, "chosen", 1),
                content_of(row, "rejected", 1));
  };
}

template <const Frame& frame>
ComparisonReader argilla_chat(const FormatContext&) {
  return [](const Row& row) {
    return pair(frame, "", content_of(row, "chosen", 0), content_of(row, "chosen", 1),
                content_of(row, "rejected", 1));
  };
}

ComparisonReader nectar(const FormatContext& c) {
  if (c.warnings)
    c.warnings->push_back("dataset " + c.dataset.path +
                          ": zephyr.nectar takes the answer of the highest rank as chosen, as "
                          "Axolotl does; in Nectar rank 1 is the best");
  return [](const Row& row) {
    json answers = row.value("answers");
    if (!answers.is_array() || answers.size() < 2)
      throw RowError{"column 'answers' is not a list of at least two answers; columns found: " +
                     row.columns()};
    for (const json& a : answers)
      if (!a.is_object() || !a.contains("answer") || !a["answer"].is_string() ||
          !a.contains("rank") || !a["rank"].is_number())
        throw RowError{"an answer is not {answer, rank}"};
    std::stable_sort(answers.begin(), answers.end(), [](const json& a, const json& b) {
      return a["rank"].get<double>() < b["rank"].get<double>();
    });
    Comparison out;
    out.prompt = "<|system|>\n</s>\n<|user|>\n" + row.required("prompt") + "</s>\n<|assistant|>\n";
    out.chosen = answers.back()["answer"].get<std::string>();
    out.rejected = answers[answers.size() - 2]["answer"].get<std::string>();
    return out;
  };
}

Comparison judged(const Frame& frame, const std::string& system, const std::string& question,
                  std::string completion, bool desirable) {
  Comparison out;
  out.prompt = frame.prompt(system, question);
  out.chosen = frame.answer(std::move(completion));
  out.desirable = desirable;
  return out;
}

template <const Frame& frame, const char* const& column>
ComparisonReader judged_question(const FormatContext&) {
  return [](const Row& row) {
    return judged(frame, system_of(row), row.required(column), row.required("completion"),
                  label_of(row));
  };
}

/// All turns but the last are the prompt, whoever speaks.
template <const Frame& frame>
ComparisonReader judged_argilla_chat(const FormatContext&) {
  return [](const Row& row) {
    const json turns = row.value("completion");
    const std::size_t count = turns.is_array() ? turns.size() : 0;
    Comparison out;
    out.chosen = frame.answer(content_of(row, "completion", std::max<std::size_t>(count, 1) - 1));
    for (std::size_t i = 0; i + 1 < count; ++i) {
      const auto role = turns[i].find("role");
      if (role == turns[i].end() || !role->is_string())
        throw RowError{"a message of column 'completion' has no role"};
      out.prompt +=
          frame.turn(role->get_ref<const std::string&>(), content_of(row, "completion", i));
    }
    out.prompt += frame.opening("assistant");
    out.desirable = label_of(row);
    return out;
  };
}

constexpr const char* kInput = "input";
constexpr const char* kQuestion = "question";
constexpr const char* kPrompt = "prompt";
constexpr const char* kInstruction = "instruction";
constexpr std::string_view kPairs =
    "prompt (or input, question, instruction), chosen, rejected, "
    "[system]";

}  // namespace

std::vector<PreferenceSpec> framed_pairs_specs() {
  return {
      {"chatml", kPairs, &plain<kChatml>},
      {"chatml.argilla", "instruction, chosen_response, rejected_response, [system]",
       &argilla_columns<kChatml>},
      {"chatml.argilla_chat", "chosen[2], rejected[2]: messages", &argilla_chat<kChatml>},
      {"chatml.icr", "input, chosen, rejected, [system]", &question_in<kChatml, kInput>},
      {"chatml.intel", "question, chosen, rejected, [system]", &question_in<kChatml, kQuestion>},
      {"chatml.prompt_pairs", "prompt, chosen, rejected, [system]", &question_in<kChatml, kPrompt>},
      {"chatml.ultra", "prompt, chosen[2], rejected[2]: messages", &ultra<kChatml>},
      {"llama3", kPairs, &plain<kLlama3>},
      {"llama3.argilla", "instruction, chosen_response, rejected_response, [system]",
       &argilla_columns<kLlama3>},
      {"llama3.argilla_chat", "chosen[2], rejected[2]: messages", &argilla_chat<kLlama3>},
      {"llama3.icr", "input, chosen, rejected, [system]", &question_in<kLlama3, kInput>},
      {"llama3.intel", "question, chosen, rejected, [system]", &question_in<kLlama3, kQuestion>},
      {"llama3.prompt_pairs", "prompt, chosen, rejected, [system]", &question_in<kLlama3, kPrompt>},
      {"llama3.ultra", "prompt, chosen[2], rejected[2]: messages", &ultra<kLlama3>},
      {"zephyr.nectar", "prompt, answers[{answer, rank}]", &nectar},
  };
}

std::vector<PreferenceSpec> framed_kto_specs() {
  return {
      {"chatml.argilla", "instruction, completion, label, [system]",
       &judged_question<kChatml, kInstruction>},
      {"chatml.argilla_chat", "completion[]: messages, label", &judged_argilla_chat<kChatml>},
      {"chatml.intel", "question, completion, label, [system]",
       &judged_question<kChatml, kQuestion>},
      {"chatml.prompt_pairs", "prompt, completion, label, [system]",
       &judged_question<kChatml, kPrompt>},
      {"chatml.ultra", "prompt, completion, label, [system]", &judged_question<kChatml, kPrompt>},
      {"llama3.argilla", "instruction, completion, label, [system]",
       &judged_question<kLlama3, kInstruction>},
      {"llama3.argilla_chat", "completion[]: messages, label", &judged_argilla_chat<kLlama3>},
      {"llama3.intel", "question, completion, label, [system]",
       &judged_question<kLlama3, kQuestion>},
      {"llama3.prompt_pairs", "prompt, completion, label, [system]",
       &judged_question<kLlama3, kPrompt>},
      {"llama3.ultra", "prompt, completion, label, [system]", &judged_question<kLlama3, kPrompt>},
  };
}

}  // namespace axl::data
