#pragma once
#include <cstdint>
#include <string>

#include "observe/run_events.hpp"

namespace axl::observe {

/// "1:02:03", "4:05"; "?" when it is negative or not finite.
std::string duration_text(double seconds);
/// "1,234,567".
std::string grouped(std::int64_t value);

/// What the progress bar shows.
struct ProgressState {
  std::int64_t step = 0, total_steps = 0;
  StepRecord last;
  double eta_s = -1;  ///< -1: not known yet
  bool has_eval = false;
  double eval_loss = 0;
};

/// One line of at most `columns` characters: percentage, bar, step/total, loss, tokens/s, ETA. What
/// does not fit is left out from the right, the bar shrinks first. `unicode`: the bar is drawn with
/// block characters.
std::string progress_bar(const ProgressState& state, int columns, bool unicode);
/// The same figures as a line of a log.
std::string progress_log_line(const ProgressState& state);

}  // namespace axl::observe
