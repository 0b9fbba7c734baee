#include "core/durable_file.hpp"
#include "observe/append_file.hpp"
#include "observe/registry.hpp"
#include "observe/report.hpp"

namespace axl::observe {
namespace {

/// At the end OUTPUT/report.html, loss.svg and learning_rate.svg, from metrics.jsonl: a resumed run
/// is shown from its first step.
class ReportSink final : public EventSink {
 public:
  void start(const RunStart& run) override {
    start_ = run;
    make_folder(run.output_dir);
  }
  void end(const RunEnd& run) override {
    if (start_.output_dir.empty()) return;  // failed before the start
    const MetricsHistory history = read_metrics(start_.output_dir + "/metrics.jsonl");
    write_durably(start_.output_dir + "/loss.svg", svg(loss_plot(history)));
    write_durably(start_.output_dir + "/learning_rate.svg", svg(learning_rate_plot(history)));
    write_durably(start_.output_dir + "/report.html", report_html(start_, run, history));
  }

 private:
  RunStart start_;
};

}  // namespace

SinkSpec report_spec() {
  return {.name = "report",
          .summary = "report.html, loss.svg and learning_rate.svg, at the end of the run",
          .wanted = &SinkOptions::report,
          .make = [] { return std::unique_ptr<EventSink>(std::make_unique<ReportSink>()); }};
}

}  // namespace axl::observe
