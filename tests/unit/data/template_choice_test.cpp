// Which template a conversation is rendered with, for each way of naming one.
#include <algorithm>

#include "config/chat_template_names.hpp"
#include "core/json.hpp"
#include "data/chat/renderer.hpp"
#include "data/chat_template_choice.hpp"
#include "data/prepare.hpp"
#include "format_fixture.hpp"
#include "tokenizer/templates/registry.hpp"

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

class TemplateChoice : public testing::FormatTest {
 protected:
  std::string chosen(const std::string& choice, const std::string& jinja = "",
                     const std::string& default_system = "") const {
    return chat_template_text(choice, jinja, default_system, tokenizer, {"run.yaml", 3, 1, "k"});
  }
  Error refused(const std::string& choice, const std::string& jinja = "") const {
    try {
      ADD_FAILURE() << choice << " gave " << chosen(choice, jinja);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::config);
      EXPECT_EQ(e.where().file, "run.yaml");
      EXPECT_EQ(e.where().line, 3);
      return e;
    }
    return Error(ErrorCode::config, "");
  }
  /// What the renderer of a row makes of one question.
  std::string asked(const json& tools = nullptr) const {
    const ChatRenderer renderer({tokenizer, config, dataset, 4096, "", nullptr});
    return renderer.render(axl::parse_json<json>(R"([{"role": "user", "content": "Hi"}])"), tools,
                           false);
  }
};

TEST_F(TemplateChoice, TheConfigurationKnowsTheNamesThatAreBuiltIn) {
  auto names = tokenizer::named_templates().names();
  names.insert(names.end(), {"jinja", "tokenizer_default"});
  const auto& known = config::chat_template_names();
  EXPECT_EQ(names, std::vector<std::string>(known.begin(), known.end()));
}

TEST_F(TemplateChoice, TheDocumentationListsTheNames) {
  const std::string page = test::read_bytes(test::source_dir() + "/docs/chat-templates.md");
  std::vector<std::string> listed;
  const std::size_t begin = page.find("| name | for |"), end = page.find("\n\n", begin);
  ASSERT_NE(begin, std::string::npos);
  for (std::size_t at = begin; (at = page.find('`', at)) < end;) {
    const std::size_t close = page.find('`', at + 1);
    listed.push_back(page.substr(at + 1, close - at - 1));
    at = close + 1;
  }
  std::sort(listed.begin(), listed.end());
  auto names = tokenizer::named_templates().names();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(listed, names);
}

TEST_F(TemplateChoice, TokenizerDefault) {
  tokenizer.set_chat_template("own");
  EXPECT_EQ(chosen("tokenizer_default"), "own");
  EXPECT_EQ(chosen(""), "own");
  tokenizer.set_chat_template("");
  EXPECT_NE(refused("tokenizer_default").hint().find("chatml"), std::string::npos);
}

TEST_F(TemplateChoice, Fallback) {
  tokenizer.set_chat_template("own");
  EXPECT_EQ(chosen("tokenizer_default_fallback_llama3"), "own");
  EXPECT_EQ(chosen("tokenizer_default_fallback_nonsense"), "own");  // as Axolotl: not asked for
  tokenizer.set_chat_template("");
  EXPECT_EQ(chosen("tokenizer_default_fallback_llama3"), chosen("llama3"));
  EXPECT_NE(refused("tokenizer_default_fallback_lama3").hint().find("'llama3'"), std::string::npos);
}

TEST_F(TemplateChoice, JinjaAsTextOrFile) {
  EXPECT_EQ(chosen("jinja", "{{ messages }}"), "{{ messages }}");
  EXPECT_EQ(chosen("jinja", folder.write("own.jinja", "a\n{{ messages }}\n")),
            "a\n{{ messages }}\n");
  EXPECT_EQ(chosen("jinja", "no-such-file.jinja"), "no-such-file.jinja");
  EXPECT_NE(std::string(refused("jinja").what()).find("chat_template_jinja is not given"),
            std::string::npos);
}

TEST_F(TemplateChoice, UnknownNamesAreRefusedByName) {
  EXPECT_NE(std::string(refused("gemma_3").what()).find("unknown chat template 'gemma_3'"),
            std::string::npos);
  EXPECT_NE(refused("gemma_3").hint().find("gemma3"), std::string::npos);
}

TEST_F(TemplateChoice, TheDataSetsOwnWins) {
  tokenizer.set_chat_template("own");
  config.chat_template = "chatml";
  EXPECT_EQ(asked(), "<|im_start|>user\nHi<|im_end|>\n");
  dataset.chat_template = "tokenizer_default";
  EXPECT_EQ(asked(), "own");
  dataset.chat_template = "jinja";
  dataset.chat_template_jinja = "{{ messages[0].content }}!";
  EXPECT_EQ(asked(), "Hi!");
}

/// A tokenizer can bring a template of its own for rows with tools.
TEST_F(TemplateChoice, RowsWithToolsTakeTheToolTemplate) {
  const std::string path = folder.write("tokenizer_config.json", R"({"chat_template": [
      {"name": "default", "template": "plain"}, {"name": "tool_use", "template": "tools"}]})");
  const auto from = std::filesystem::path(test::source_dir()) / "tests/fixtures/data";
  const auto here = std::filesystem::path(path).parent_path();
  std::filesystem::copy_file(from / "tokenizer.json", here / "tokenizer.json");
  tokenizer = tokenizer::Tokenizer::load(here.string());
  const json tools = axl::parse_json<json>(R"([{"type": "function", "function": {"name": "f"}}])");
  EXPECT_EQ(asked(), "plain");
  EXPECT_EQ(asked(json::array()), "plain");
  EXPECT_EQ(asked(tools), "tools");
  config.chat_template = "chatml";  // a template that is named serves all rows
  EXPECT_EQ(asked(tools), "<|im_start|>user\nHi<|im_end|>\n");
}

}  // namespace
}  // namespace axl::data
