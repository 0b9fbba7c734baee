#pragma once
#include <string>
#include <vector>

#include "observe/run_events.hpp"

namespace axl::observe {

/// One line of metrics.jsonl, with its newline. The keys are fixed: scripts rely on them. A value
/// that is not finite is null.
std::string metrics_line(const StepRecord& record);
std::string metrics_line(const EvalRecord& record);

/// What a metrics.jsonl holds; StepRecord::tokens is not in it.
struct MetricsHistory {
  std::vector<StepRecord> steps;
  std::vector<EvalRecord> evals;
};
/// Lines that are not whole (of a killed run) are left out. Empty when the file is not there.
MetricsHistory read_metrics(const std::string& path);

/// Replaces the file, at once, by its lines up to `step`; with 0 by an empty file.
void cut_metrics_after(const std::string& path, std::int64_t step);

}  // namespace axl::observe
