// The places where a tokenizer's chat templates may lie, and which of them wins.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/json.hpp"
#include "scratch.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {
namespace {

namespace fs = std::filesystem;

class TemplateFiles : public testing::Test {
 protected:
  TemplateFiles() {
    folder.write("tokenizer.json",
                 test::fixture("tokenizer_cases.json")["cases"][0]["tokenizer"].dump());
  }
  Tokenizer load() const { return Tokenizer::load(folder.folder()); }
  void more(const std::string& name, const std::string& text) const {
    fs::create_directories(folder.folder() + "/chat_templates");
    folder.write("chat_templates/" + name, text);
  }
  test::Scratch folder;
};

TEST_F(TemplateFiles, NoneIsNone) { EXPECT_EQ(load().chat_template(), ""); }

TEST_F(TemplateFiles, OneInTheConfiguration) {
  folder.write("tokenizer_config.json", R"({"chat_template": "one"})");
  EXPECT_EQ(load().chat_template(), "one");
  EXPECT_EQ(load().tool_chat_template(), "one");
}

TEST_F(TemplateFiles, NamedOnesInTheConfiguration) {
  folder.write("tokenizer_config.json",
               R"({"chat_template": [{"name": "tool_use", "template": "t"}, 3, {"name": "x"},
                                     {"name": "default", "template": "d"}]})");
  EXPECT_EQ(load().chat_template(), "d");
  EXPECT_EQ(load().tool_chat_template(), "t");
}

TEST_F(TemplateFiles, TheProcessorsFileIsAskedLast) {
  folder.write("chat_template.json", R"({"chat_template": "processor"})");
  EXPECT_EQ(load().chat_template(), "processor");
  folder.write("tokenizer_config.json", R"({"chat_template": "configuration"})");
  EXPECT_EQ(load().chat_template(), "configuration");
}

TEST_F(TemplateFiles, JinjaFilesWin) {
  folder.write("tokenizer_config.json",
               R"({"chat_template": [{"name": "tool_use", "template": "t"},
                                     {"name": "default", "template": "d"}]})");
  folder.write("chat_template.jinja", "from the file\n");
  EXPECT_EQ(load().chat_template(), "from the file\n");
  EXPECT_EQ(load().tool_chat_template(), "from the file\n");
  more("tool_use.jinja", "with tools");
  more("notes.txt", "no template");
  EXPECT_EQ(load().chat_template(), "from the file\n");
  EXPECT_EQ(load().tool_chat_template(), "with tools");
}

TEST_F(TemplateFiles, AllAreSavedAndReadAgain) {
  folder.write("chat_template.jinja", "d");
  more("tool_use.jinja", "t");
  more("rag.jinja", "r");
  const test::Scratch copy;
  load().save(copy.folder());
  Tokenizer again = Tokenizer::load(copy.folder());
  EXPECT_EQ(again.chat_template(), "d");
  EXPECT_EQ(again.tool_chat_template(), "t");
  EXPECT_TRUE(fs::exists(copy.folder() + "/chat_templates/rag.jinja"));
  again.set_chat_template("d");  // the same: nothing is lost
  EXPECT_EQ(again.tool_chat_template(), "t");
  again.set_chat_template("new");
  EXPECT_EQ(again.tool_chat_template(), "new");
}

TEST_F(TemplateFiles, NamesThatLeaveTheFolderAreRefused) {
  for (const char* name : {"../x", "", "a/b", ".hidden"}) {
    folder.write("tokenizer_config.json",
                 nlohmann::json{{"chat_template", {{{"name", name}, {"template", "t"}}}}}.dump());
    try {
      load();
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::input);
      EXPECT_NE(e.where().file.find("tokenizer_config.json"), std::string::npos);
    }
  }
}

/// transformers 5 shows a message's thoughts under the names that templates of all ages read.
TEST(ThoughtNames, AreFilledFromEachOther) {
  const ChatTemplate t(
      "{% for m in messages %}{{ m.reasoning_content }}|{{ m.thinking }}|{{ m.reasoning }};"
      "{% endfor %}");
  const auto shown = [&](const char* messages) {
    return t.render({{"messages", axl::parse_json<nlohmann::ordered_json>(messages)}});
  };
  EXPECT_EQ(shown(R"([{"reasoning_content": "a"}, {"thinking": "b"}, {"reasoning": "c"}, {}])"),
            "a|a|;b|b|;c|c|c;||;");
  EXPECT_EQ(shown(R"([{"thinking": "b", "reasoning_content": null, "reasoning": "c"}])"), "b|b|c;");
  const ChatTemplate keys("{{ messages[0] | list }}");
  EXPECT_EQ(keys.render({{"messages", {{{"role", "assistant"}, {"reasoning_content", "a"}}}}}),
            "['thinking', 'role', 'reasoning_content']");
}

}  // namespace
}  // namespace axl::tokenizer
