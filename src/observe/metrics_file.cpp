#include "observe/metrics_file.hpp"

#include <fstream>
#include <limits>

#include "core/durable_file.hpp"
#include "core/json.hpp"

namespace axl::observe {
namespace {

/// Calls `visit(line, object)` for every whole line that is an object with a step.
template <class Visit>
void for_each_line(const std::string& path, Visit visit) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    if (in.eof()) break;  // no newline: the writer was killed in the middle
    const auto object = try_parse_json<nlohmann::json>(line);
    if (object.is_object() && object.contains("step") && object["step"].is_number_integer())
      visit(line, object);
  }
}

double number(const nlohmann::json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number() ? at->get<double>()
                                               : std::numeric_limits<double>::quiet_NaN();
}

std::int64_t integer(const nlohmann::json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

}  // namespace

std::string metrics_line(const StepRecord& r) {
  nlohmann::ordered_json line;
  line["step"] = r.step;
  line["epoch"] = r.epoch;
  line["loss"] = r.loss;
  line["grad_norm"] = r.grad_norm;
  line["learning_rate"] = r.learning_rate;
  line["label_tokens"] = r.label_tokens;
  line["tokens_per_second"] = r.tokens_per_second;
  line["memory_bytes"] = r.memory_bytes;
  line["seconds"] = r.seconds;
  for (const auto& [name, value] : r.measures) line[name] = value;
  return json_text(line) + "\n";
}

std::string metrics_line(const EvalRecord& r) {
  nlohmann::ordered_json line;
  line["step"] = r.step;
  line["epoch"] = r.epoch;
  line["eval_loss"] = r.eval_loss;
  line["label_tokens"] = r.label_tokens;
  line["seconds"] = r.seconds;
  for (const auto& [name, value] : r.measures) line["eval_" + name] = value;
  return json_text(line) + "\n";
}

MetricsHistory read_metrics(const std::string& path) {
  MetricsHistory out;
  for_each_line(path, [&](const std::string&, const nlohmann::json& object) {
    const std::int64_t step = integer(object, "step"), labels = integer(object, "label_tokens");
    const double epoch = number(object, "epoch"), seconds = number(object, "seconds");
    if (object.contains("eval_loss")) {
      out.evals.push_back({.step = step,
                           .epoch = epoch,
                           .eval_loss = number(object, "eval_loss"),
                           .label_tokens = labels,
                           .seconds = seconds});
    } else {
      out.steps.push_back({.step = step,
                           .epoch = epoch,
                           .loss = number(object, "loss"),
                           .grad_norm = number(object, "grad_norm"),
                           .learning_rate = number(object, "learning_rate"),
                           .label_tokens = labels,
                           .tokens_per_second = number(object, "tokens_per_second"),
                           .memory_bytes = integer(object, "memory_bytes"),
                           .seconds = seconds});
    }
  });
  return out;
}

void cut_metrics_after(const std::string& path, std::int64_t step) {
  std::string kept;
  if (step > 0)
    for_each_line(path, [&](const std::string& line, const nlohmann::json& object) {
      if (integer(object, "step") <= step) kept += line + "\n";
    });
  write_durably(path, kept);
}

}  // namespace axl::observe
