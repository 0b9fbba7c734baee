// tests/fixtures/tokenizer/jinja_cases.json holds what Jinja2 itself makes of each template.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/python_json.hpp"
#include "scratch.hpp"
#include "tokenizer/chat_template.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

std::string render(const std::string& source, const Json& variables = Json::object()) {
  return ChatTemplate(source).render(variables);
}

std::string refusal(const std::string& source, ErrorCode code) {
  try {
    const std::string out = render(source);
    return "rendered: " + out.substr(0, 100);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.message();
  }
}

TEST(Jinja, RendersAsJinja2Does) {
  const Json fixture = test::fixture("jinja_cases.json");
  for (const Json& c : fixture["cases"]) {
    if (!c.contains("output")) continue;
    const auto source = c["source"].get<std::string>();
    try {
      EXPECT_EQ(render(source, fixture["variables"]), c["output"].get<std::string>()) << source;
    } catch (const Error& e) {
      ADD_FAILURE() << source << "\n" << e.what();
    }
  }
}

TEST(Jinja, RefusesWithJinja2sWords) {
  const Json fixture = test::fixture("jinja_cases.json");
  for (const Json& c : fixture["cases"]) {
    if (!c.contains("error")) continue;
    const auto source = c["source"].get<std::string>();
    try {
      ADD_FAILURE() << source << " gave " << render(source, fixture["variables"]);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::data);
      EXPECT_EQ(e.message(), c["error"].get<std::string>()) << source;
      EXPECT_EQ(e.where().file, "chat template");
    }
  }
}

TEST(Jinja, SyntaxErrorsNameTheirPlace) {
  const Json fixture = test::fixture("jinja_cases.json");
  int seen = 0;
  for (const Json& c : fixture["cases"]) {
    if (!c.contains("syntax_error")) continue;
    ++seen;
    const auto source = c["source"].get<std::string>();
    try {
      const ChatTemplate t(source);
      ADD_FAILURE() << source << " was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::input) << source;
      EXPECT_GE(e.where().line, 1) << source;
      EXPECT_GE(e.where().column, 1) << source;
    }
  }
  EXPECT_GT(seen, 15);
  try {
    const ChatTemplate t("line one\n  {{ a b }}");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.where().line, 2);
    EXPECT_EQ(e.where().column, 8);
  }
}

TEST(Jinja, RuntimeErrorsNameTheirLine) {
  try {
    render("a\nb\n{{ raise_exception('no') }}");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.where().line, 3);
    EXPECT_EQ(e.message(), "no");
  }
}

TEST(Jinja, IncludesAreRefused) {
  EXPECT_NE(refusal("{% include 'x' %}", ErrorCode::input).find("not allowed"), std::string::npos);
}

/// The characters of a text are made when it is walked: they have to live as long as the walk.
TEST(Jinja, FiltersWalkTexts) {
  EXPECT_EQ(render("{{ ', ' | join('-') }}|{{ 'ba' | sort | join }}|{{ 'aab' | unique | join }}|"
                   "{{ 'ab' | map('upper') | join('+') }}|{{ 'a1' | reject('eq', 'a') | join }}|"
                   "{{ '.'.join('ab') }}|{{ 'ab' | batch(1) | list }}|{{ 'ab' | reverse }}"),
            ",- |ab|ab|A+B|1|a.b|[['a'], ['b']]|ba");
}

TEST(Jinja, StrftimeNowGivesADate) {
  const std::string day = render("{{ strftime_now('%Y-%m-%d') }}");
  ASSERT_EQ(day.size(), 10U);
  EXPECT_EQ(day[4], '-');
  EXPECT_EQ(render("{{ strftime_now('') }}"), "");
}

TEST(Jinja, IntegersOfVariablesKeepTheirDigits) {
  const Json variables =
      parse_python_json(R"({"m": [{"wei": 1000000000000000000001, "u": 18446744073709551615,
                                   "n": -9223372036854775809, "x": [NaN, -Infinity]}]})")
          .value;
  EXPECT_EQ(render("{{ m|tojson }}", variables),
            "[{\"wei\": 1000000000000000000001, \"u\": 18446744073709551615, "
            "\"n\": -9223372036854775809, \"x\": [NaN, -Infinity]}]");
  EXPECT_EQ(render("{{ m[0].wei }} {{ m[0].u + 1 }} {{ m[0].n // 2 }} {{ m[0].x }}", variables),
            "1000000000000000000001 18446744073709551616 -4611686018427387905 [nan, -inf]");
  EXPECT_EQ(render("{{ {m[0].x[1]: m[0].x[0]}|tojson }} {{ m[0].x[0]|filesizeformat }}", variables),
            "{\"-Infinity\": NaN} nan YB");
}

TEST(Jinja, TemplatesCanBeRenderedAgain) {
  const ChatTemplate t(
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
      "{% endfor %}{{ ns.n }}");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(t.render({{"messages", {1, 2, 3}}}), "3");
  EXPECT_NE(t.source().find("namespace"), std::string::npos);
}

}  // namespace
}  // namespace axl::tokenizer
