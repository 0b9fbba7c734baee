#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/log.hpp"
#include "observe/progress_line.hpp"
#include "observe/registry.hpp"

namespace axl::observe {
namespace {

using Clock = std::chrono::steady_clock;

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool wants_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text(value);
    return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos;
  }
  return false;
}

/// On a terminal one line that is redrawn in place; otherwise a line a logged step.
class ProgressSink final : public EventSink {
 public:
  ~ProgressSink() override { take_away(); }

  void start(const RunStart& run) override {
    const char* term = std::getenv("TERM");
    terminal_ = ::isatty(STDERR_FILENO) != 0 && term != nullptr && std::string_view(term) != "dumb";
    unicode_ = wants_unicode();
    state_ = {.step = run.start_step, .total_steps = run.total_steps};
    first_step_ = run.start_step;
    if (!terminal_) return;
    log::before_each_line([this] { erase(); });
    draw(true);
  }

  void step(const StepRecord& r, bool logged) override {
    state_.step = r.step;
    state_.last = r;
    state_.eta_s = eta(r.step);
    if (terminal_)
      draw(logged || r.step >= state_.total_steps);
    else if (logged)
      log::info("{}", progress_log_line(state_));
  }

  void eval(const EvalRecord& r) override {
    state_.has_eval = true;
    state_.eval_loss = r.eval_loss;
    log::info("step {}  eval loss {:.4f} over {} label tokens", r.step, r.eval_loss,
              grouped(r.label_tokens));
    if (terminal_) draw(true);
  }

  void checkpoint(std::int64_t step, const std::string& path) override {
    log::info("step {}  checkpoint {}", step, path);
    if (terminal_) draw(true);
  }

  void end(const RunEnd& run) override {
    if (terminal_) {
      draw(true);
      std::fputs("\n", stderr);
      drawn_ = false;
    }
    take_away();
    log::info("{} after {} steps in {}: mean loss {:.4f}{}", run.status, run.steps,
              duration_text(run.seconds), run.train_loss,
              run.adapter_dir.empty() ? "" : ", written to " + run.adapter_dir);
  }

 private:
  /// From the mean pace since the first step, which warms caches up; evaluations and checkpoints in
  /// between count, as they will later on.
  double eta(std::int64_t step) {
    const auto now = Clock::now();
    if (step <= first_step_ + 1) {
      begun_ = now;
      return -1;
    }
    const double pace_s = std::chrono::duration<double>(now - begun_).count() /
                          static_cast<double>(step - first_step_ - 1);
    return pace_s * static_cast<double>(std::max<std::int64_t>(state_.total_steps - step, 0));
  }

  void draw(bool now) {
    constexpr auto kEvery = std::chrono::milliseconds(100);
    const auto time = Clock::now();
    if (!now && time - last_draw_ < kEvery) return;
    last_draw_ = time;
    // The last column stays free: some terminals wrap when it is filled.
    const std::string line = progress_bar(state_, terminal_columns() - 1, unicode_);
    std::fputs(("\r\x1b[2K" + line).c_str(), stderr);
    std::fflush(stderr);
    drawn_ = true;
  }

  void erase() {
    if (!drawn_) return;
    std::fputs("\r\x1b[2K", stderr);
    std::fflush(stderr);
    drawn_ = false;
  }

  void take_away() {
    if (!terminal_) return;
    erase();
    log::before_each_line({});
    terminal_ = false;
  }

  ProgressState state_;
  std::int64_t first_step_ = 0;
  Clock::time_point begun_, last_draw_;
  bool terminal_ = false, unicode_ = false, drawn_ = false;
};

}  // namespace

SinkSpec progress_spec() {
  return {.name = "progress",
          .summary = "a bar on standard error, or a line a logged step where that is no terminal",
          .wanted = &SinkOptions::progress,
          .make = [] { return std::unique_ptr<EventSink>(std::make_unique<ProgressSink>()); }};
}

}  // namespace axl::observe
