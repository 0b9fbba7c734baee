#include "core/pattern.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/parameter_pattern.hpp"
#include "support/refusal.hpp"

namespace axl {
namespace {

using test::refusal;

TEST(Pattern, MatchesAsPythonsReDoes) {
  EXPECT_TRUE(Pattern("model.layers").match("model.layers.1"));
  EXPECT_FALSE(Pattern("layers").match("model.layers.1"));
  EXPECT_FALSE(Pattern("model").fullmatch("model.layers"));
  EXPECT_TRUE(Pattern("a|ab").fullmatch("ab"));  // an alternative is given up for a longer one
  EXPECT_TRUE(Pattern("(?P<layer>\\d+)-(?P=layer)").fullmatch("12-12"));
  EXPECT_TRUE(Pattern(".*(?<!k)_proj").fullmatch("q_proj"));
  EXPECT_FALSE(Pattern(".*(?<!k)_proj").fullmatch("k_proj"));
  EXPECT_FALSE(
      Pattern("a").match(std::string_view("\xff"
                                          "a")));
}

TEST(Pattern, TellsWhatItsFirstGroupHolds) {
  EXPECT_EQ(Pattern("layers\\.(\\d+)").first_group("layers.17.mlp"), "17");
  EXPECT_EQ(Pattern("layers(\\d+)?").first_group("layers.17"), "");
  EXPECT_EQ(Pattern("layers").first_group("layers"), "");
  EXPECT_EQ(Pattern("layers").first_group("norm"), std::nullopt);
}

TEST(Pattern, RefusesWhatIsNoneAndWhatTakesForEver) {
  EXPECT_EQ(refusal([] { Pattern("(q_proj"); }),
            "'(q_proj' is not a regular expression: missing closing parenthesis");
  const Pattern slow("(a+)+$");
  EXPECT_NE(refusal([&] { slow.match(std::string(40, 'a') + "b"); }).find("match limit"),
            std::string::npos);
}

TEST(ParameterPattern, ADotIsADot) {
  const ParameterPattern second("model.layers.1.");
  EXPECT_TRUE(second.match("model.layers.1.mlp.up_proj.weight"));
  EXPECT_FALSE(second.match("model.layers.10.mlp.up_proj.weight"));
  EXPECT_TRUE(ParameterPattern("model.layers.2[0-9]+.mlp").match("model.layers.21.mlp.up"));
  EXPECT_TRUE(ParameterPattern(R"(model\.layers\.\d+\.mlp)").match("model.layers.3.mlp"));
  EXPECT_TRUE(ParameterPattern("model.*mlp").match("model.layers.3.mlp"));
  EXPECT_FALSE(ParameterPattern("^lm_head.weight$").match("lm_head.weights"));
}

TEST(ParameterPattern, ReadsTheRowsBehindIt) {
  EXPECT_EQ(ParameterPattern("lm_head").rows(10), std::nullopt);
  EXPECT_EQ(ParameterPattern("layers.[13-5]").rows(10), std::nullopt);
  EXPECT_EQ(ParameterPattern("lm_head.weight$[:4]").rows(10), RowRange(0, 4));
  EXPECT_EQ(ParameterPattern("lm_head.weight$[4:]").rows(10), RowRange(4, 10));
  EXPECT_EQ(ParameterPattern("lm_head.weight$[4:6]").rows(10), RowRange(4, 6));
  EXPECT_EQ(ParameterPattern("lm_head.weight$[9]").rows(10), RowRange(9, 10));
  EXPECT_TRUE(ParameterPattern("lm_head.weight$[4:6]").match("lm_head.weight"));
  EXPECT_EQ(refusal([] { ParameterPattern("a[6:4]"); }), "'a[6:4]' ends before it begins");
  EXPECT_EQ(refusal([] { ParameterPattern("a[:11]").rows(10); }),
            "'a[:11]' leads beyond the 10 rows of a parameter");
  EXPECT_NE(refusal([] { ParameterPattern("a[99999999999999999999]"); }), "");
}

TEST(ParameterPattern, RowsThatNoneNamesAreLeft) {
  using Rows = std::vector<RowRange>;
  EXPECT_EQ(rows_outside({{5, 7}, {0, 3}, {2, 4}}, 10), (Rows{{4, 5}, {7, 10}}));
  EXPECT_EQ(rows_outside({{0, 10}}, 10), Rows{});
}

}  // namespace
}  // namespace axl
