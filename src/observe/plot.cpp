#include "observe/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace axl::observe {
namespace {

using Points = std::vector<std::pair<double, double>>;

// The picture, in pixels; the frame is what the curves are drawn in.
constexpr double kWidth = 860, kHeight = 360;
constexpr double kLeft = 78, kRight = 20, kTop = 44, kBottom = 52;
constexpr std::size_t kIntervals = 700;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double x) {
    low = std::min(low, x);
    high = std::max(high, x);
  }
  /// Never empty, so that it can be divided by.
  Range usable() const {
    if (low > high) return {0, 1};
    if (high - low > 1e-12 * std::max(std::abs(low), std::abs(high))) return *this;
    const double half = low == 0 ? 0.5 : std::abs(low) * 0.1;
    return {low - half, high + half};
  }
};

Points finite(const Points& points) {
  Points out;
  for (const auto& p : points)
    if (std::isfinite(p.first) && std::isfinite(p.second)) out.push_back(p);
  return out;
}

Points thinned(const Points& points) {
  if (points.size() <= 2 * kIntervals) return points;
  Points out;
  for (std::size_t i = 0; i < kIntervals; ++i) {
    const auto first = points.begin() + static_cast<std::ptrdiff_t>(i * points.size() / kIntervals);
    const auto last =
        points.begin() + static_cast<std::ptrdiff_t>((i + 1) * points.size() / kIntervals);
    auto [low, high] = std::minmax_element(
        first, last, [](const auto& a, const auto& b) { return a.second < b.second; });
    if (high < low) std::swap(low, high);
    out.push_back(*low);
    if (low != high) out.push_back(*high);
  }
  return out;
}

std::string tick_text(double value) {
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size >= 1e6 || size < 1e-3) return fmt::format("{:.4g}", value);
  return fmt::format("{:.6g}", value);
}

/// Maps data to pixels.
struct Frame {
  Range x, y;
  double px(double v) const {
    return kLeft + (v - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight);
  }
  double py(double v) const {
    return kHeight - kBottom - (v - y.low) / (y.high - y.low) * (kHeight - kTop - kBottom);
  }
};

std::string axes(const Plot& plot, const Frame& f) {
  std::string out;
  for (const double t : nice_ticks(f.y.low, f.y.high, 6)) {
    if (t < f.y.low || t > f.y.high) continue;
    out += fmt::format(
        "<line x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}' stroke='#e2e5ea'/>"
        "<text x='{:.1f}' y='{:.1f}' text-anchor='end'>{}</text>\n",
        kLeft, f.py(t), kWidth - kRight, f.py(t), kLeft - 8, f.py(t) + 4, tick_text(t));
  }
  for (const double t : nice_ticks(f.x.low, f.x.high, 9)) {
    if (t < f.x.low || t > f.x.high) continue;
    out += fmt::format(
        "<line x1='{0:.1f}' y1='{1:.1f}' x2='{0:.1f}' y2='{2:.1f}' stroke='#8a909a'/>"
        "<text x='{0:.1f}' y='{3:.1f}' text-anchor='middle'>{4}</text>\n",
        f.px(t), kHeight - kBottom, kHeight - kBottom + 5, kHeight - kBottom + 19, tick_text(t));
  }
  out += fmt::format(
      "<polyline points='{0:.1f},{1:.1f} {0:.1f},{2:.1f} {3:.1f},{2:.1f}' fill='none' "
      "stroke='#8a909a'/>\n",
      kLeft, kTop, kHeight - kBottom, kWidth - kRight);
  out += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='middle'>{}</text>\n",
                     (kLeft + kWidth - kRight) / 2, kHeight - 12, xml_escaped(plot.x_label));
  out += fmt::format(
      "<text x='18' y='{0:.1f}' text-anchor='middle' transform='rotate(-90 18 "
      "{0:.1f})'>{1}</text>\n",
      (kTop + kHeight - kBottom) / 2, xml_escaped(plot.y_label));
  return out;
}

std::string legend(const Plot& plot) {
  std::string out;
  double x = kWidth - kRight;
  for (auto curve = plot.curves.rbegin(); curve != plot.curves.rend(); ++curve) {
    if (curve->points.empty()) continue;
    x -= 7.2 * static_cast<double>(curve->label.size());
    out += fmt::format("<text x='{:.1f}' y='26'>{}</text>", x, xml_escaped(curve->label));
    out += fmt::format(
        "<line x1='{:.1f}' y1='22' x2='{:.1f}' y2='22' stroke='{}' stroke-width='3'/>\n", x - 24,
        x - 6, xml_escaped(curve->color));
    x -= 42;
  }
  return out;
}

}  // namespace

std::string xml_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else if (byte >= 0x20 || c == '\n' || c == '\t')
      out += c;
  }
  return out;
}

std::vector<double> nice_ticks(double low, double high, int count) {
  const double rough = (high - low) / std::max(count, 1);
  if (!(rough > 0) || !std::isfinite(rough)) return {low};
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  std::vector<double> out;
  const auto first = static_cast<std::int64_t>(std::ceil(low / step - 1e-9));
  const auto last = static_cast<std::int64_t>(std::floor(high / step + 1e-9));
  for (std::int64_t i = first; i <= last; ++i) out.push_back(static_cast<double>(i) * step);
  return out;
}

std::string svg(const Plot& plot) {
  Plot drawn = plot;
  Frame frame;
  for (Curve& c : drawn.curves) {
    c.points = thinned(finite(c.points));
    for (const auto& [x, y] : c.points) {
      frame.x.add(x);
      frame.y.add(y);
    }
  }
  frame.x = frame.x.usable();
  frame.y = frame.y.usable();
  const double margin = 0.05 * (frame.y.high - frame.y.low);
  const bool from_zero = frame.y.low >= 0 && frame.y.low - margin < 0;
  frame.y = {from_zero ? 0 : frame.y.low - margin, frame.y.high + margin};

  std::string out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "role='img' font-family='system-ui, sans-serif' font-size='12' fill='#3c434d'>\n"
      "<title>{2}</title>\n<rect width='{0}' height='{1}' fill='#ffffff'/>\n"
      "<text x='{3}' y='26' font-size='16' font-weight='600'>{2}</text>\n",
      kWidth, kHeight, xml_escaped(plot.title), kLeft);
  out += axes(plot, frame);
  bool empty = true;
  for (const Curve& c : drawn.curves) {
    if (c.points.empty()) continue;
    empty = false;
    std::string points;
    for (const auto& [x, y] : c.points)
      points += fmt::format("{:.1f},{:.1f} ", frame.px(x), frame.py(y));
    out += fmt::format(
        "<polyline points='{}' fill='none' stroke='{}' stroke-width='1.8' "
        "stroke-linejoin='round'/>\n",
        points, xml_escaped(c.color));
    if (c.markers || c.points.size() == 1)
      for (const auto& [x, y] : c.points)
        out += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='3.2' fill='{}'/>\n", frame.px(x),
                           frame.py(y), xml_escaped(c.color));
  }
  if (empty)
    out += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='middle'>nothing logged</text>\n",
                       (kLeft + kWidth - kRight) / 2, kHeight / 2);
  return out + legend(drawn) + "</svg>\n";
}

}  // namespace axl::observe
