#pragma once
#include <string>

#include "observe/metrics_file.hpp"
#include "observe/plot.hpp"
#include "observe/run_events.hpp"

namespace axl::observe {

/// Training loss by step, evaluation loss over it.
Plot loss_plot(const MetricsHistory& history);
Plot learning_rate_plot(const MetricsHistory& history);

/// One HTML page that needs nothing beside it: summary, both plots, evaluations, configuration.
std::string report_html(const RunStart& start, const RunEnd& end, const MetricsHistory& history);

}  // namespace axl::observe
