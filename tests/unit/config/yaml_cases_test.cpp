// YAML texts against what PyYAML makes of them (tests/fixtures/config/make_yaml_cases.py).
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "config/node.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "support/paths.hpp"

namespace axl::config {
namespace {

using Json = nlohmann::json;

Json recorded(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return Json::array({"", true});
    case Node::Kind::scalar:
      return Json::array({node.text, node.plain});
    case Node::Kind::sequence: {
      Json items = Json::array();
      for (const Node& item : node.items) items.push_back(recorded(item));
      return {{"list", items}};
    }
    case Node::Kind::map:
      break;
  }
  Json entries = Json::array();
  for (const Entry& e : node.entries) entries.push_back(Json::array({e.key, recorded(e.value)}));
  return {{"map", entries}};
}

/// Plain nulls are one value however they are spelt.
Json without_spelling(const Json& tree) {
  if (tree.is_null()) return Json::array({"", true});
  if (tree.is_object() && tree.contains("list")) {
    Json items = Json::array();
    for (const Json& item : tree["list"]) items.push_back(without_spelling(item));
    return {{"list", items}};
  }
  if (tree.is_object()) {
    Json entries = Json::array();
    for (const Json& e : tree["map"])
      entries.push_back(Json::array({e[0], without_spelling(e[1])}));
    return {{"map", entries}};
  }
  if (tree[1].get<bool>() && is_yaml_null(tree[0].get<std::string>()))
    return Json::array({"", true});
  return tree;
}

TEST(YamlCases, AreReadAndRefusedAsPyYamlDoes) {
  // AXL_YAML_CASES: a larger file of the same kind.
  const char* other = std::getenv("AXL_YAML_CASES");
  std::ifstream in(other != nullptr
                       ? std::string(other)
                       : test::source_dir() + "/tests/fixtures/config/yaml_cases.json");
  const Json cases = parse_json<Json>(in);
  int read = 0, refused = 0, differences = 0;
  for (const Json& c : cases) {
    const std::string text = c["text"].get<std::string>();
    try {
      const Json ours = recorded(parse_yaml(text, "case.yaml"));
      ++read;
      const bool same = !c.contains("refused") && ours == without_spelling(c["tree"]);
      differences += same ? 0 : 1;
      EXPECT_TRUE(same) << "text: " << json_text(c["text"]) << "\nours: " << json_text(ours)
                        << "\nPyYAML: "
                        << json_text(c.contains("refused") ? c["refused"] : c["tree"]);
    } catch (const Error& e) {
      ++refused;
      differences += c.contains("refused") ? 0 : 1;
      EXPECT_TRUE(c.contains("refused")) << json_text(c["text"]) << "\n" << e.what();
      EXPECT_GT(e.where().line, 0) << json_text(c["text"]);
    }
  }
  EXPECT_GT(read, 100);
  EXPECT_GT(refused, 100);
}

struct Refusal {
  const char* text;
  int line, column;
  const char* says;
};

TEST(YamlCases, ARefusalNamesThePlaceWhereItBegan) {
  const Refusal refusals[] = {
      {"output_dir: \"./out\nmax_steps: 3\nval_set_size: 0.1\n", 1, 13,
       "the quote that begins here is never closed"},
      {"a: 1\nb: 'x\n---\nc: 2\n", 2, 4, "the quote that begins here"},
      {"a: 1\nlast\n", 2, 1, "there is no ':' behind this key: last"},
      {"a: 1\nlearning_rate 0.1\nb: 2\n", 2, 1, "no ':' behind this key: learning_rate 0.1"},
      {"a:\t1\n", 1, 3, "a tab stands where only spaces may"},
      {"a:\n\tb: 1\n", 2, 1, "a tab"},
      {"a: [ , b]\n", 1, 6, "',' stands where a value is expected"},
      {"a: [b, c\nd: e\n", 2, 2, "',' or ']' of the bracket in line 1, column 4"},
      {"a: [b, c\n", 1, 4, "the bracket that begins here is never closed"},
      {"a: {b: c\n", 1, 4, "the bracket that begins here is never closed"},
      {"a: b\x07\n", 1, 5, "the character U+0007 is not allowed"},
      {"a: &x 1\nb: &x 2\n", 2, 4, "the anchor '&x' is given twice, first in line 1"},
      {"a: *y\n", 1, 4, "the alias '*y' has no anchor before it"},
      {"a: b: c\n", 1, 5, "a second ':' in the same value"},
      {"a: @b\n", 1, 4, "nothing can begin with '@'"},
      {"a: \"\\q\"\n", 1, 4, "the unknown escape '\\q'"},
      {"a: \"\\ud83d\"\n", 1, 4, "no character"},
      {"a: |x\n  b\n", 1, 4, "a block of text"},
      {"a:\n  - b\n c: d\n", 3, 2, ""},
      {"a: ]\n", 1, 4, "']' closes nothing"}};
  for (const Refusal& r : refusals) try {
      parse_yaml(r.text, "case.yaml");
      ADD_FAILURE() << r.text;
    } catch (const Error& e) {
      EXPECT_NE(e.message().find(r.says), std::string::npos) << e.message();
      EXPECT_EQ(e.where().line, r.line) << r.text << e.message();
      EXPECT_EQ(e.where().column, r.column) << r.text << e.message();
    }
}

}  // namespace
}  // namespace axl::config
