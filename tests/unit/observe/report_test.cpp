// The plots and the report: well formed, complete, and safe with odd values.
#include "observe/report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "observe_testing.hpp"

namespace axl::test {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Plot, TicksAreRoundAndCoverTheRange) {
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](double x, double y) { return std::abs(x - y) < 1e-12; });
  };
  EXPECT_TRUE(near(observe::nice_ticks(0, 10, 5), {0, 2, 4, 6, 8, 10}));
  EXPECT_TRUE(near(observe::nice_ticks(0.13, 0.31, 4), {0.15, 0.2, 0.25, 0.3}));
  EXPECT_EQ(observe::nice_ticks(3, 3, 5), std::vector<double>{3});
  EXPECT_LE(observe::nice_ticks(0, 1e-4, 6).size(), 7u);
}

TEST(Plot, PointsThatAreNotFiniteAreLeftOut) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string image = observe::svg(
      {.title = "t",
       .curves = {{.label = "a", .color = "red", .points = {{1, 2}, {2, nan}, {3, 4}}}}});
  EXPECT_EQ(image.find("nan"), std::string::npos);
  EXPECT_EQ(count(image, "stroke='red'"), 2u);  // curve and legend
}

TEST(Plot, DrawsNothingOnePointAndAFlatLine) {
  EXPECT_NE(observe::svg({.title = "t"}).find("nothing logged"), std::string::npos);
  for (const auto& points : {std::vector<std::pair<double, double>>{{5, 0}},
                             std::vector<std::pair<double, double>>{{1, 7}, {2, 7}}}) {
    const std::string image =
        observe::svg({.curves = {{.label = "a", .color = "red", .points = points}}});
    EXPECT_EQ(image.find("nan"), std::string::npos);
    EXPECT_EQ(image.find("inf"), std::string::npos);
    EXPECT_NE(image.find("</svg>"), std::string::npos);
  }
}

TEST(Plot, ALongCurveIsThinnedButKeepsItsSpike) {
  observe::Curve curve{.label = "a", .color = "red"};
  for (int i = 0; i < 100000; ++i) curve.points.emplace_back(i, i == 54321 ? 100.0 : 1.0);
  const std::string image = observe::svg({.curves = {curve}});
  EXPECT_LT(image.size(), 60000u);
  // The spike stands where 100 of [0, 104.95] does.
  EXPECT_NE(image.find(",56."), std::string::npos);
}

TEST(Plot, TextIsEscaped) {
  EXPECT_EQ(observe::xml_escaped("a<b>&\"'\x01"), "a&lt;b&gt;&amp;&quot;&#39;");
}

TEST(Report, IsSelfContainedAndShowsTheWholeRun) {
  const TemporaryFolder folder;
  play(*observe::make_sinks({.tensorboard = false, .progress = false}), folder.path(), 0, 4);
  play(*observe::make_sinks({.tensorboard = false, .progress = false}), folder.path(), 4, 8);
  const std::string page = read_text(folder.path() + "/report.html");
  EXPECT_EQ(count(page, "<svg"), 2u);
  EXPECT_EQ(count(page, "src="), 0u);
  EXPECT_EQ(count(page, "href="), 0u);
  for (const char* part :
       {"Fine-tuning tiny", "done after 8 of 8 steps", "1.5000 → 0.3750", "10 of 1,000 (1 %)",
        "&lt;b&gt;&amp;", "&quot;lora_r&quot;: 8", "Resumed after", "evaluation", "1,235 tokens/s"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  for (const char* image : {"/loss.svg", "/learning_rate.svg"})
    EXPECT_EQ(read_text(folder.path() + image).substr(0, 4), "<svg") << image;
}

TEST(Report, ARunWithoutALineStillHasOne) {
  const std::string page = observe::report_html({.model = "m"}, {.status = "failed"}, {});
  EXPECT_NE(page.find("failed after 0 of 0 steps"), std::string::npos);
  EXPECT_EQ(count(page, "nothing logged"), 2u);
}

}  // namespace
}  // namespace axl::test
