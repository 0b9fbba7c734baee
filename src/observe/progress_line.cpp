#include "observe/progress_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace axl::observe {

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e9) return "?";
  const auto s = static_cast<std::int64_t>(std::llround(seconds));
  const std::int64_t h = s / 3600, m = s / 60 % 60;
  return h > 0 ? fmt::format("{}:{:02}:{:02}", h, m, s % 60) : fmt::format("{}:{:02}", m, s % 60);
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::size_t sign = value < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > sign + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string progress_bar(const ProgressState& s, int columns, bool unicode) {
  constexpr int kShortest = 8, kLongest = 30;
  const double total = static_cast<double>(std::max<std::int64_t>(s.total_steps, 1));
  const double share = std::clamp(static_cast<double>(s.step) / total, 0.0, 1.0);
  std::vector<std::string> parts{fmt::format("{}/{}", s.step, s.total_steps)};
  if (s.last.step > 0) parts.push_back(fmt::format("loss {:.4f}", s.last.loss));
  if (s.last.tokens_per_second > 0)
    parts.push_back(grouped(std::llround(s.last.tokens_per_second)) + " tok/s");
  if (s.eta_s >= 0) parts.push_back("ETA " + duration_text(s.eta_s));
  if (s.has_eval) parts.push_back(fmt::format("eval {:.4f}", s.eval_loss));
  if (s.last.step > 0) parts.push_back(fmt::format("lr {:.2e}", s.last.learning_rate));

  const std::string percent = fmt::format("{:3.0f}%", std::floor(100 * share));
  const int room = std::max(columns, 20) - static_cast<int>(percent.size()) - 2 - kShortest;
  std::string text;
  for (const std::string& part : parts) {
    if (static_cast<int>(text.size() + part.size()) + 2 > room) break;
    text += "  " + part;
  }
  const int spare = room - static_cast<int>(text.size());
  const int length = std::clamp(kShortest + spare, kShortest, kLongest);
  const int done = static_cast<int>(std::floor(share * length));
  std::string bar;
  for (int i = 0; i < length; ++i) bar += unicode ? (i < done ? "━" : "─") : (i < done ? "#" : "-");
  return percent + " " + bar + text;
}

std::string progress_log_line(const ProgressState& s) {
  std::string line =
      fmt::format("step {}/{}  epoch {:.2f}  loss {:.4f}  grad {:.3g}  lr {:.2e}", s.step,
                  s.total_steps, s.last.epoch, s.last.loss, s.last.grad_norm, s.last.learning_rate);
  if (s.last.tokens_per_second > 0)
    line += "  " + grouped(std::llround(s.last.tokens_per_second)) + " tok/s";
  if (s.eta_s >= 0) line += "  ETA " + duration_text(s.eta_s);
  return line;
}

}  // namespace axl::observe
