// tests/fixtures/tokenizer/jinja_cases.json holds what Jinja2 itself makes of each template.
#include <gtest/gtest.h>

#include "core/error.hpp"
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

TEST(Jinja, EndlessWorkIsStopped) {
  EXPECT_NE(
      refusal("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", ErrorCode::data).find("recursion"),
      std::string::npos);
  EXPECT_NE(refusal("{{ 'x' * 1000000000 }}", ErrorCode::data).find("64 MiB"), std::string::npos);
  EXPECT_NE(refusal("{{ ('x' * 30000000) ~ ('x' * 30000000) ~ ('x' * 30000000) }}", ErrorCode::data)
                .find("64 MiB"),
            std::string::npos);
  EXPECT_NE(refusal("{{ 9223372036854775807 + 1 }}", ErrorCode::data).find("64 bits"),
            std::string::npos);
  EXPECT_NE(refusal("{{ 99999999999999999999 }}", ErrorCode::input).find("too large"),
            std::string::npos);
  EXPECT_NE(refusal("{{ 'a'.center(999999999) }}", ErrorCode::data).find("64 MiB"),
            std::string::npos);
}

TEST(Jinja, DeepNestingIsRefusedAndFreed) {
  const std::string deep(100000, '('), closed(100000, ')');
  EXPECT_NE(refusal("{{ " + deep + "1" + closed + " }}", ErrorCode::input).find("nested"),
            std::string::npos);
  std::string chain = "{{ a";
  for (int i = 0; i < 100000; ++i) chain += ".a";
  EXPECT_NE(refusal(chain + " }}", ErrorCode::input).find("nested"), std::string::npos);
  std::string tags;
  for (int i = 0; i < 10000; ++i) tags += "{% if true %}";
  EXPECT_NE(refusal(tags, ErrorCode::input).find("nested"), std::string::npos);
}

TEST(Jinja, StrftimeNowGivesADate) {
  const std::string day = render("{{ strftime_now('%Y-%m-%d') }}");
  ASSERT_EQ(day.size(), 10U);
  EXPECT_EQ(day[4], '-');
  EXPECT_EQ(render("{{ strftime_now('') }}"), "");
}

TEST(Jinja, TemplatesCanBeRenderedAgain) {
  const ChatTemplate t(
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
      "{% endfor %}{{ ns.n }}");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(t.render({{"messages", {1, 2, 3}}}), "3");
  EXPECT_NE(t.source().find("namespace"), std::string::npos);
}

TEST(NamedTemplates, RenderAndSuggest) {
  const Json chat = {{"messages", {{{"role", "user"}, {"content", "Hi"}}}},
                     {"bos_token", "<s>"},
                     {"eos_token", "</s>"},
                     {"add_generation_prompt", true}};
  EXPECT_EQ(render(named_chat_template("chatml"), chat),
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(render(named_chat_template("alpaca"), chat),
            "<s>### Instruction:\nHi\n\n### Response:\n");
  EXPECT_EQ(render(named_chat_template("gemma"), chat),
            "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(render(named_chat_template("mistral_v1"), chat), "<s> [INST] Hi [/INST]");
  try {
    named_chat_template("chatmll");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::config);
    EXPECT_NE(e.hint().find("did you mean 'chatml'"), std::string::npos);
  }
}

}  // namespace
}  // namespace axl::tokenizer
