// tests/fixtures/chat_templates holds what transformers renders of Axolotl's templates: ours have
// to give the same text, character by character, and refuse the same conversations.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "core/error.hpp"
#include "scratch.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/templates/registry.hpp"

namespace axl::tokenizer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const Json& conversations() {
  static const Json all = test::fixture("../chat_templates/conversations.json");
  return all;
}

std::string today(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, std::string_view(format) == "day" ? "%Y-%m-%d" : "%d %b %Y",
                &local);
  return text;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at))
    text.replace(at, from.size(), to), at += to.size();
}

/// A render or refusal as one text; the day of recording becomes today.
std::string written(const Json& recorded, const Json& lines) {
  if (recorded.is_object()) return "refuses: " + recorded["refuses"].get<std::string>();
  std::string out;
  for (const Json& line : recorded) {
    if (&line != &recorded.front()) out += '\n';
    out += (line.is_number() ? lines[line.get<std::size_t>()] : line).get<std::string>();
  }
  replace_all(out, "2026-11-25", today("day"));
  replace_all(out, "25 Nov 2026", today("words"));
  return out;
}

std::string rendered(const ChatTemplate& t, const std::string& name, bool generate) {
  const std::size_t slash = name.find('/');
  Json variables = {{"tools", nullptr}, {"documents", nullptr}};
  variables.update(conversations()["tokens"]);
  if (slash != std::string::npos)
    variables.update(conversations()["variables"][name.substr(slash + 1)]);
  variables["messages"] = conversations()["conversations"][name.substr(0, slash)];
  variables["add_generation_prompt"] = generate;
  try {
    return t.render(variables);
  } catch (const Error& e) {
    return "refuses: " + e.message();
  }
}

class NamedTemplate : public testing::TestWithParam<std::string> {};

TEST_P(NamedTemplate, RendersAsThePublishedOne) {
  const std::string name = GetParam();
  const Json& same = conversations()["same"];
  const Json recorded =
      test::fixture("../chat_templates/" +
                    (same.contains(name) ? same[name].get<std::string>() : name) + ".json");
  const ChatTemplate t{std::string(named_templates().get(name).text)};
  const auto prompt = recorded["generation"].get<std::string>();
  const Json& renders = recorded["renders"];
  EXPECT_GT(renders.size(), 90U);
  for (const auto& [key, value] : renders.items()) {
    const Json& render = value.is_string() ? renders[value.get<std::string>()] : value;
    const bool pair = render.is_object() && render.contains("pair");
    const std::string plain = written(pair ? render["pair"][0] : render, recorded["lines"]);
    const std::string asking = pair                 ? written(render["pair"][1], recorded["lines"])
                               : render.is_object() ? plain
                                                    : plain + prompt;
    EXPECT_EQ(rendered(t, key, false), plain) << name << " " << key;
    EXPECT_EQ(rendered(t, key, true), asking) << name << " " << key << ", generation prompt";
  }
}

INSTANTIATE_TEST_SUITE_P(All, NamedTemplate, testing::ValuesIn(named_templates().names()),
                         [](const auto& test) { return test.param; });

TEST(NamedTemplates, EveryFileHasAName) {
  const fs::path folder = fs::path(axl::test::source_dir()) / "src/tokenizer/templates";
  const auto names = named_templates().names();
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".jinja") continue;
    ++files;
    EXPECT_NE(std::find(names.begin(), names.end(), entry.path().stem()), names.end())
        << entry.path();
  }
  EXPECT_GT(files, 30);
  for (const auto& t : named_templates())
    EXPECT_EQ(t.text.find("'parts/"), std::string_view::npos) << t.name;
}

TEST(NamedTemplates, AnUnknownNameIsToldTheNearest) {
  try {
    named_templates().get("chatmll");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::config);
    EXPECT_NE(e.hint().find("did you mean 'chatml'"), std::string::npos);
    EXPECT_NE(e.hint().find("qwen3_5"), std::string::npos);
  }
}

}  // namespace
}  // namespace axl::tokenizer
