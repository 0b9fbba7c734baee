#include <optional>

#include "observe/append_file.hpp"
#include "observe/metrics_file.hpp"
#include "observe/registry.hpp"

namespace axl::observe {
namespace {

/// OUTPUT/metrics.jsonl: one object a logged step or evaluation. A resumed run goes on behind the
/// lines of the steps that its checkpoint has behind it.
class MetricsSink final : public EventSink {
 public:
  void start(const RunStart& run) override {
    make_folder(run.output_dir);
    const std::string path = run.output_dir + "/metrics.jsonl";
    cut_metrics_after(path, run.start_step);
    file_.emplace(path);
  }
  void step(const StepRecord& record, bool logged) override {
    if (logged && file_) file_->write(metrics_line(record));
  }
  void eval(const EvalRecord& record) override {
    if (file_) file_->write(metrics_line(record));
  }
  void checkpoint(std::int64_t, const std::string&) override {
    if (file_) file_->sync();
  }
  void end(const RunEnd&) override {
    if (file_) file_->sync();
  }

 private:
  std::optional<AppendFile> file_;
};

}  // namespace

SinkSpec metrics_spec() {
  return {.name = "metrics",
          .summary = "metrics.jsonl: one JSON object a logged step or evaluation",
          .wanted = &SinkOptions::metrics,
          .make = [] { return std::unique_ptr<EventSink>(std::make_unique<MetricsSink>()); }};
}

}  // namespace axl::observe
