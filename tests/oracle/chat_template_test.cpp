// Every render of <oracles>/tokenizer/chat_templates.json, character by character; a template that
// refuses a conversation must refuse it here with the same words.
#include "tokenizer/chat_template.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "oracle_folder.hpp"
#include "tokenizer/templates/registry.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

Json variables(const Json& oracle, const std::string& conversation, bool generate) {
  Json v = Json::object();
  v["messages"] = oracle["conversations"][conversation];
  if (conversation == "tools") {
    v["tools"] = oracle["tools"];
  } else {
    v["tools"] = nullptr;
  }
  v["documents"] = nullptr;
  v["date_string"] = "26 Jul 2024";  // as recorded: without it templates ask for today's date
  v["add_generation_prompt"] = generate;
  v["bos_token"] = oracle["bos_token"];
  v["eos_token"] = oracle["eos_token"];
  return v;
}

std::string render(const ChatTemplate& t, const Json& v, bool& failed) {
  try {
    failed = false;
    return t.render(v);
  } catch (const Error& e) {
    failed = true;
    return e.message();
  }
}

/// strftime_now("%Y-%m-%d") gave the day of recording: today's date in `got` becomes that of
/// `wanted`.
std::string with_recorded_date(std::string got, const std::string& wanted) {
  static constexpr std::string_view kMark = "current date is ";
  const std::size_t here = got.find(kMark), there = wanted.find(kMark);
  if (here != std::string::npos && here == there)
    got.replace(here + kMark.size(), 10, wanted.substr(there + kMark.size(), 10));
  return got;
}

/// Compares all renders of the template `name` with what `t` makes of the same conversations.
void compare(const Json& oracle, const std::string& name, const ChatTemplate& t) {
  int differ = 0, total = 0;
  for (const auto& [key, expected] : oracle["renders"][name].items()) {
    const std::size_t slash = key.find('/');
    bool failed = false;
    std::string got =
        render(t, variables(oracle, key.substr(0, slash), key.substr(slash + 1) == "gen"), failed);
    const bool refuses = expected.is_object();
    const auto wanted =
        refuses ? expected["message"].get<std::string>() : expected.get<std::string>();
    got = with_recorded_date(std::move(got), wanted);
    ++total;
    if (failed == refuses && got == wanted) continue;
    if (++differ == 1)
      ADD_FAILURE() << name << " " << key << (failed ? " failed with:\n" : " gave:\n") << got
                    << "\nwanted" << (refuses ? " the error:\n" : ":\n") << wanted;
  }
  fmt::print("{:<24} {} renders, {} differ\n", name, total, differ);
}

TEST(Oracle, ChatTemplates) {
  const auto file = oracle::folder("tokenizer") / "chat_templates.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no oracles at " << file;
  const Json oracle = oracle::read_json(file);
  for (const auto& [name, source] : oracle["templates"].items())
    compare(oracle, name, ChatTemplate(source.get<std::string>()));
}

TEST(Oracle, OurOwnTemplates) {
  const auto file = oracle::folder("tokenizer") / "chat_templates.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no oracles at " << file;
  const Json oracle = oracle::read_json(file);
  for (const auto& [name, source] : oracle["templates"].items()) {
    try {
      compare(oracle, name, ChatTemplate(std::string(named_templates().get(name).text)));
    } catch (const Error& e) {
      ASSERT_EQ(e.code(), ErrorCode::config) << e.what();
      fmt::print("{:<24} skipped: not among our named templates\n", name);
    }
  }
}

}  // namespace
}  // namespace axl::tokenizer
