#pragma once
#include <string>
#include <utility>
#include <vector>

namespace axl::observe {

/// One line of a plot; points with a value that is not finite are left out.
struct Curve {
  std::string label;
  std::string color;                              ///< CSS
  std::vector<std::pair<double, double>> points;  ///< (x, y), x ascending
  bool markers = false;                           ///< a dot on every point
};

struct Plot {
  std::string title, x_label, y_label;
  std::vector<Curve> curves;
};

/// At most about `count` round numbers (1, 2 or 5 times a power of ten) that cover [low, high].
std::vector<double> nice_ticks(double low, double high, int count);

/// A complete SVG image, also without anything to draw. Long curves are thinned to the lowest and
/// highest point of each of some hundred intervals, so that no spike is lost.
std::string svg(const Plot& plot);

/// &, <, > and quotes as entities; bytes that XML does not allow are dropped.
std::string xml_escaped(const std::string& text);

}  // namespace axl::observe
