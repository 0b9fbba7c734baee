#include "observe/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "observe/progress_line.hpp"

namespace axl::observe {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2rem auto; padding: 0 1rem;
       background: Canvas; color: CanvasText; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
svg { width: 100%; height: auto; border: 1px solid #8884; border-radius: 6px; }
table { border-collapse: collapse; } td, th { padding: .2rem 1.2rem .2rem 0; text-align: left; }
th { font-weight: 600; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
tr { border-bottom: 1px solid #8883; }
pre { overflow-x: auto; padding: .8rem; background: #8881; border-radius: 6px; font-size: 13px; }
)";

std::string bytes_text(std::int64_t bytes) {
  const double mib = static_cast<double>(bytes) / (1 << 20);
  return mib >= 1024 ? fmt::format("{:.2f} GiB", mib / 1024) : fmt::format("{:.0f} MiB", mib);
}

std::string loss_text(double loss) {
  return std::isfinite(loss) ? fmt::format("{:.4f}", loss) : "not finite";
}

Rows summary(const RunStart& s, const RunEnd& e, const MetricsHistory& h) {
  Rows rows{
      {"Status", fmt::format("{} after {} of {} steps", e.status, e.steps, s.total_steps)},
      {"Time", duration_text(e.seconds)},
      {"Model", s.model},
      {"Configuration", s.config_path},
      {"Adapter", s.adapter.empty() ? "none (full fine-tune)" : s.adapter},
      {"Trained parameters", s.total_parameters > 0
                                 ? fmt::format("{} of {} ({:.3g} %)", grouped(s.trained_parameters),
                                               grouped(s.total_parameters),
                                               100.0 * static_cast<double>(s.trained_parameters) /
                                                   static_cast<double>(s.total_parameters))
                                 : grouped(s.trained_parameters)},
      {"Number type", s.dtype},
      {"Layout", fmt::format("{} rank{} × {} thread{}", s.ranks, s.ranks == 1 ? "" : "s",
                             s.threads_per_rank, s.threads_per_rank == 1 ? "" : "s")}};
  if (s.start_step > 0) rows.emplace_back("Resumed after", fmt::format("step {}", s.start_step));
  if (!h.steps.empty()) {
    std::vector<double> speeds;
    std::int64_t memory = 0;
    for (const StepRecord& r : h.steps) {
      if (r.tokens_per_second > 0) speeds.push_back(r.tokens_per_second);
      memory = std::max(memory, r.memory_bytes);
    }
    rows.emplace_back("Loss",
                      loss_text(h.steps.front().loss) + " → " + loss_text(h.steps.back().loss));
    rows.emplace_back("Mean training loss", loss_text(e.train_loss));
    if (!speeds.empty()) {
      const auto middle = speeds.begin() + static_cast<std::ptrdiff_t>(speeds.size() / 2);
      std::nth_element(speeds.begin(), middle, speeds.end());
      rows.emplace_back("Median speed", grouped(std::llround(*middle)) + " tokens/s");
    }
    if (memory > 0) rows.emplace_back("Peak memory of a rank", bytes_text(memory));
  }
  if (!h.evals.empty())
    rows.emplace_back("Evaluation loss", loss_text(h.evals.front().eval_loss) + " → " +
                                             loss_text(h.evals.back().eval_loss));
  if (!e.adapter_dir.empty()) rows.emplace_back("Weights", e.adapter_dir);
  return rows;
}

std::string table(const Rows& rows) {
  std::string out = "<table>\n";
  for (const auto& [name, value] : rows)
    if (!value.empty())
      out += "<tr><th>" + xml_escaped(name) + "</th><td>" + xml_escaped(value) + "</td></tr>\n";
  return out + "</table>\n";
}

std::string evaluations(const MetricsHistory& h) {
  if (h.evals.empty()) return "";
  std::string out =
      "<h2>Evaluations</h2>\n<table>\n<tr><th>Step</th><th>Epoch</th><th>Loss</th>"
      "<th>Label tokens</th></tr>\n";
  for (const EvalRecord& r : h.evals)
    out += fmt::format(
        "<tr><td class='n'>{}</td><td class='n'>{:.2f}</td><td class='n'>{}</td>"
        "<td class='n'>{}</td></tr>\n",
        r.step, r.epoch, loss_text(r.eval_loss), grouped(r.label_tokens));
  return out + "</table>\n";
}

std::string configuration(const RunStart& s) {
  if (s.effective_config_json.empty()) return "";
  const auto parsed = try_parse_json<nlohmann::ordered_json>(s.effective_config_json);
  const std::string text = parsed.is_discarded() ? s.effective_config_json : json_text(parsed, 2);
  return "<h2>Effective configuration</h2>\n<pre>" + xml_escaped(text) + "</pre>\n";
}

}  // namespace

Plot loss_plot(const MetricsHistory& history) {
  Curve train{.label = "training", .color = "#2563eb"};
  Curve eval{.label = "evaluation", .color = "#d9480f", .markers = true};
  for (const StepRecord& r : history.steps)
    train.points.emplace_back(static_cast<double>(r.step), r.loss);
  for (const EvalRecord& r : history.evals)
    eval.points.emplace_back(static_cast<double>(r.step), r.eval_loss);
  return {.title = "Loss",
          .x_label = "step",
          .y_label = "loss (nats per token)",
          .curves = {train, eval}};
}

Plot learning_rate_plot(const MetricsHistory& history) {
  Curve rate{.label = "learning rate", .color = "#2f9e44"};
  for (const StepRecord& r : history.steps)
    rate.points.emplace_back(static_cast<double>(r.step), r.learning_rate);
  return {
      .title = "Learning rate", .x_label = "step", .y_label = "learning rate", .curves = {rate}};
}

std::string report_html(const RunStart& start, const RunEnd& end, const MetricsHistory& history) {
  std::string name = start.model.substr(0, start.model.find_last_not_of('/') + 1);
  name = name.substr(name.find_last_of('/') + 1);
  const std::string title = xml_escaped("Fine-tuning " + (name.empty() ? "run" : name));
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
         title + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n<h1>" + title +
         "</h1>\n" + table(summary(start, end, history)) + "<h2>Loss</h2>\n" +
         svg(loss_plot(history)) + "<h2>Learning rate</h2>\n" + svg(learning_rate_plot(history)) +
         evaluations(history) + configuration(start) + "</body>\n</html>\n";
}

}  // namespace axl::observe
