#include <algorithm>

#include "core/json.hpp"
#include "data/chat/training_detail.hpp"
#include "data/chat/turn_spans.hpp"
#include "format_fixture.hpp"
#include "support/paths.hpp"

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

/// A small template of our own in the manner of ChatML, with thinking and tool calls.
constexpr const char* kTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}"
    "{{ m.content }}"
    "{% if m.tool_calls %}{% for t in m.tool_calls %}{{ t.function.arguments | tojson }}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

class Chat : public testing::FormatTest {
 protected:
  Chat() {
    dataset.type = "chat_template";
    dataset.chat_template = "jinja";
    dataset.chat_template_jinja = kTemplate;
  }
  static std::string row(const json& messages, const json& more = json::object()) {
    json out = {{"messages", messages}};
    out.update(more);
    return out.dump();
  }
  static json message(const std::string& role, const std::string& content) {
    return {{"role", role}, {"content", content}};
  }
  /// user Hi, assistant A, user B, assistant C
  static std::string two_turns() {
    return row({message("user", "Hi"), message("assistant", "A"), message("user", "B"),
                message("assistant", "C")});
  }
  /// Expected text, the frame of a turn written as u(...) and a(...).
  static std::string turn(const std::string& role, const std::string& inside) {
    return "<|im_start|>" + role + "\n" + inside + "\n";
  }
};

TEST_F(Chat, AssistantTurnsAndTheirEndAreTrained) {
  EXPECT_EQ(shown(two_turns()), turn("user", "Hi<|im_end|>") + turn("assistant", "«A<|im_end|>»") +
                                    turn("user", "B<|im_end|>") +
                                    turn("assistant", "«C<|im_end|>»"));
}

TEST_F(Chat, TrainOnEosInItsFourForms) {
  const auto with = [&](const char* option) {
    dataset.train_on_eos = dataset.train_on_eot = option;
    return shown(two_turns());
  };
  EXPECT_EQ(with("none"), turn("user", "Hi<|im_end|>") + turn("assistant", "«A»<|im_end|>") +
                              turn("user", "B<|im_end|>") + turn("assistant", "«C»<|im_end|>"));
  EXPECT_EQ(with("last"), turn("user", "Hi<|im_end|>") + turn("assistant", "«A»<|im_end|>") +
                              turn("user", "B<|im_end|>") + turn("assistant", "«C<|im_end|>»"));
  EXPECT_EQ(with("all"), turn("user", "Hi«<|im_end|>»") + turn("assistant", "«A<|im_end|>»") +
                             turn("user", "B«<|im_end|>»") + turn("assistant", "«C<|im_end|>»"));
  dataset.train_on_eos = "some";
  EXPECT_NE(refusal(two_turns()).find("all, turn, last, none"), std::string::npos);
}

TEST_F(Chat, RolesToTrain) {
  dataset.roles_to_train = {"human"};  // mapped like the rows' roles
  EXPECT_EQ(shown(two_turns()), turn("user", "«Hi<|im_end|>»") + turn("assistant", "A<|im_end|>") +
                                    turn("user", "«B<|im_end|>»") +
                                    turn("assistant", "C<|im_end|>"));
  config.train_on_inputs = true;
  EXPECT_NE(shown(two_turns()).find("«A<|im_end|>»"), std::string::npos);
}

/// An assistant's message that calls a tool with these arguments, as JSON text.
std::string calling(const std::string& arguments) {
  return R"({"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": )" +
         arguments + "}}]}";
}

TEST_F(Chat, ArgumentsKeepTheirNumbers) {
  const auto arguments = [&](const std::string& text) {
    const std::string all =
        shown("{\"messages\": [{\"role\": \"user\", \"content\": \"u\"}, " + calling(text) + "]}");
    const std::size_t begin = all.find("assistant\n") + 10;
    return all.substr(begin, all.find("<|im_end|>", begin) - begin);
  };
  const std::string wei = "{\"wei\": 1000000000000000000001, \"n\": [-9223372036854775809]}";
  EXPECT_EQ(arguments(wei), "«" + wei);
  EXPECT_EQ(arguments(json(wei).dump()), "«" + wei);
  EXPECT_EQ(arguments("{\"u\": 18446744073709551615}"), "«{\"u\": 18446744073709551615}");
  const std::string special = "{\"a\": NaN, \"b\": [Infinity, -Infinity]}";
  EXPECT_EQ(arguments(special), "«" + special);
  EXPECT_EQ(arguments(json(special).dump()), "«" + special);
  EXPECT_FALSE(notes.duplicate_keys);
  // A whole conversation may be text as well.
  EXPECT_NE(
      shown(json{{"messages", "[{\"role\": \"user\", \"content\": \"u\"}, " + calling(wei) + "]"}}
                .dump())
          .find("1000000000000000000001"),
      std::string::npos);
  EXPECT_NE(refusal("{\"messages\": [" + calling("\"{\\\"a\\\": 1e999}\"") + "]}")
                .find("a number that is too large"),
            std::string::npos);
}

TEST_F(Chat, ToolsKeepTheirNumbers) {
  dataset.chat_template_jinja =
      "{% if tools %}{{ tools|tojson }}{% endif %}{% for message in messages %}{{ message.content "
      "}}"
      "{% endfor %}";
  const std::string tools =
      R"([{"function": {"name": "f", "parameters": {"maximum": 1000000000000000000001, "x": NaN}}}])";
  const std::string messages =
      R"("messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}])";
  EXPECT_EQ(shown("{" + messages + ", \"tools\": " + tools + "}"), tools + "u«a»");
  EXPECT_EQ(shown("{" + messages + ", \"tools\": " + json(tools).dump() + "}"), tools + "u«a»");
  EXPECT_TRUE(notes.unread.empty());
}

TEST_F(Chat, OfEqualKeysTheLastCountsEverywhere) {
  EXPECT_EQ(shown(R"({"messages": [], "messages": [{"role": "x", "role": "user", "content": "Hi"},
                      {"content": "no", "role": "assistant", "content": "A"}]})" +
                  std::string()),
            turn("user", "Hi<|im_end|>") + turn("assistant", "«A<|im_end|>»"));
  EXPECT_TRUE(notes.duplicate_keys);
  const auto duplicate = [&](const std::string& row) {
    samples(row);
    return notes.duplicate_keys;
  };
  const std::string messages =
      R"({"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}])";
  EXPECT_FALSE(duplicate(messages + "}"));
  EXPECT_TRUE(duplicate(messages + R"(, "meta": {"x": [{"y": 1, "y": 2}]}})"));
  EXPECT_TRUE(duplicate(messages + R"(, "n": NaN, "meta": {"x": 1, "x": 2}})"));
  EXPECT_TRUE(duplicate("{\"messages\": [" + calling(R"("{\"a\": 1, \"a\": 2}")") + "]}"));
  // A null that comes last takes the value away.
  EXPECT_NE(refusal(R"({"messages": [{"role": "user", "role": null, "content": "u"}]})")
                .find("a message has no 'role'"),
            std::string::npos);
}

TEST_F(Chat, FieldsThatTheTemplateNeverWritesAreNoted) {
  using Names = std::vector<std::string>;
  const std::string tools = R"([{"function": {"name": "f"}}])";
  const auto unread = [&](const std::string& message, const std::string& more = "") {
    shown("{\"messages\": [{\"role\": \"user\", \"content\": \"u\"}, " + message + "]" + more +
          "}");
    return notes.unread;
  };
  // The template writes calls, but no tools, ids or names.
  EXPECT_EQ(unread(calling("{}"), ", \"tools\": " + tools), (Names{"tools"}));
  EXPECT_EQ(unread(calling("{}"), ", \"tools\": []"), Names{});
  EXPECT_EQ(unread(R"({"role": "assistant", "content": "a", "tool_call_id": "7", "name": "",
                       "id": 5, "function_call": {"name": "f"}})"),
            (Names{"tool_call_id", "function_call"}));
  EXPECT_EQ(unread(R"({"role": "assistant", "content": [{"type": "text", "text": "a"},
                       {"type": "image", "url": "x"}]})"),
            (Names{"content of type image"}));
  // Mentioned is not written.
  dataset.chat_template_jinja =
      "{# message.tool_calls #}{% for message in messages %}{% if message.tool_calls and false %}x"
      "{% endif %}{{ message.content }}{% endfor %}{% set tools = 1 %}";
  EXPECT_EQ(
      unread(
          R"({"role": "assistant", "content": "a", "tool_calls": [{"function": {"name": "f"}}]})",
          ", \"tools\": " + tools),
      (Names{"tools", "tool_calls"}));
  // A template that fails without a field reads it.
  dataset.chat_template_jinja =
      "{% for message in messages %}{% if not tools %}{{ raise_exception('no tools') }}{% endif %}"
      "{{ message.content }}{% endfor %}";
  EXPECT_EQ(unread(R"({"role": "assistant", "content": "a"})", ", \"tools\": " + tools), Names{});
}

TEST_F(Chat, FieldsThatOnlyAxolotlLosesAreNoted) {
  const std::string row =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"u\"}, " + calling("{}") + "]}";
  EXPECT_NE(shown(row).find("{}"), std::string::npos);  // the template calls its variable m
  EXPECT_EQ(notes.only_here, (std::vector<std::string>{"tool_calls"}));
  std::string same = kTemplate;
  for (std::size_t at = same.find("m."); at != std::string::npos; at = same.find("m.", at + 8))
    same.replace(at, 2, "message.");
  same.replace(same.find("for m in"), 8, "for message in");
  dataset.chat_template_jinja = same;
  EXPECT_NE(shown(row).find("{}"), std::string::npos);
  EXPECT_TRUE(notes.only_here.empty());
}

TEST_F(Chat, ShareGptRows) {
  dataset.field_messages = "conversations";
  dataset.message_property_mappings = {{"role", "from"}, {"content", "value"}};
  const std::string given =
      R"({"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "A"}]})";
  const std::string expected = turn("user", "Hi<|im_end|>") + turn("assistant", "«A<|im_end|>»");
  EXPECT_EQ(shown(given), expected);
  dataset = config::DatasetConfig();
  dataset.type = "sharegpt";
  dataset.chat_template = "jinja";
  dataset.chat_template_jinja = kTemplate;
  EXPECT_EQ(shown(given), expected);
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(Chat, TrainingFieldOverridesRoles) {
  dataset.message_field_training = "train";
  json user = message("user", "Hi"), skip = message("assistant", "A"),
       last = message("assistant", "C");
  user["train"] = true;
  skip["train"] = false;
  EXPECT_EQ(shown(row({user, skip, message("user", "B"), last})),
            turn("user", "«Hi<|im_end|>»") + turn("assistant", "A<|im_end|>") +
                turn("user", "B<|im_end|>") + turn("assistant", "«C<|im_end|>»"));
}

TEST_F(Chat, TrainingDetailFollowsTokenBorders) {
  dataset.message_field_training_detail = "detail";
  json answer = message("assistant", "one. two");
  // ". " is one token: the range that ends at '.' takes all of it only if it begins earlier.
  answer["detail"] = json::array({{{"begin_offset", 0}, {"end_offset", 2}, {"train", true}},
                                  {{"begin_offset", 3}, {"end_offset", 7}, {"train", false}}});
  EXPECT_EQ(shown(row({message("user", "Hi"), answer})),
            turn("user", "Hi<|im_end|>") + turn("assistant", "«one». two«<|im_end|>»"));
  answer["detail"] = json::array({{{"begin_offset", 5}, {"end_offset", 7}, {"train", true}}});
  EXPECT_EQ(shown(row({message("user", "Hi"), answer})),
            turn("user", "Hi<|im_end|>") + turn("assistant", "one. «two<|im_end|>»"));
}

TEST_F(Chat, ContentPartsCarryTheirOwnFlags) {
  json answer = {{"role", "assistant"},
                 {"content", json::array({{{"type", "text"}, {"text", "think"}, {"train", false}},
                                          {{"type", "text"}, {"text", "!say"}, {"train", true}}})}};
  EXPECT_EQ(shown(row({message("user", "Hi"), answer})),
            turn("user", "Hi<|im_end|>") + turn("assistant", "think«!say<|im_end|>»"));
  answer["content"] = json::array({{{"text", "plain"}}, {{"value", " parts"}}});
  EXPECT_EQ(shown(row({message("user", "Hi"), answer})),
            turn("user", "Hi<|im_end|>") + turn("assistant", "«plain parts<|im_end|>»"));
}

TEST_F(Chat, ContentLikeTheSentinelKeepsItsLabels) {
  for (const std::string content : {"[[1, 2], [3]]", "[[link]]", "zz", "]]", "x]]"})
    EXPECT_EQ(shown(row({message("user", "Hi"), message("assistant", content)})),
              turn("user", "Hi<|im_end|>") + turn("assistant", "«" + content + "<|im_end|>»"));
}

TEST_F(Chat, EmptyTurnHasNoLabels) {
  EXPECT_EQ(shown(row({message("user", "Hi"), message("assistant", ""), message("user", "B"),
                       message("assistant", "C")})),
            turn("user", "Hi<|im_end|>") + turn("assistant", "<|im_end|>") +
                turn("user", "B<|im_end|>") + turn("assistant", "«C<|im_end|>»"));
}

TEST_F(Chat, ToolCallsAreParsedAndTrained) {
  json answer = message("assistant", "calling ");
  answer["tool_calls"] = json::array(
      {{{"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{\"x\": 1}"}}}}});
  EXPECT_EQ(shown(row({message("user", "Hi"), answer, message("tool", "42")})),
            turn("user", "Hi<|im_end|>") + turn("assistant", "«calling {\"x\": 1}<|im_end|>»") +
                turn("tool", "42<|im_end|>"));
  answer["tool_calls"][0]["function"]["arguments"] = "{broken";
  EXPECT_NE(refusal(row({message("user", "Hi"), answer})).find("not valid JSON"),
            std::string::npos);
}

TEST_F(Chat, NullsOfUnifiedSchemasDisappear) {
  json user = message("user", "Hi"), answer = message("assistant", "A");
  user["tool_calls"] = nullptr;
  answer["tool_calls"] = nullptr;
  answer["reasoning_content"] = nullptr;
  EXPECT_EQ(shown(row({user, answer})),
            turn("user", "Hi<|im_end|>") + turn("assistant", "«A<|im_end|>»"));
}

TEST_F(Chat, ThinkingIsCutOut) {
  dataset.split_thinking = true;
  EXPECT_EQ(shown(row({message("user", "Hi"), message("assistant", "<think>\nhm\n</think>\n\nA")})),
            turn("user", "Hi<|im_end|>") + turn("assistant", "«<think>hm</think>A<|im_end|>»"));
}

TEST_F(Chat, SystemColumnAndDroppedSystemTurn) {
  const json both = {message("user", "Hi"), message("assistant", "A")};
  const std::string dialogue = turn("user", "Hi<|im_end|>") + turn("assistant", "«A<|im_end|>»");
  EXPECT_EQ(shown(row(both, {{"system", "S"}})), turn("system", "S<|im_end|>") + dialogue);
  dataset.drop_system_message = true;
  EXPECT_EQ(shown(row({message("system", "S"), both[0], both[1]})), dialogue);
}

TEST_F(Chat, MessagesAndToolsMayBeJsonText) {
  const json both = {message("user", "Hi"), message("assistant", "A")};
  const std::string expected = turn("user", "Hi<|im_end|>") + turn("assistant", "«A<|im_end|>»");
  EXPECT_EQ(shown(json{{"messages", both.dump()}, {"tools", "[]"}}.dump()), expected);
  EXPECT_NE(refusal(R"({"messages": "[{"})").find("not valid JSON"), std::string::npos);
}

TEST_F(Chat, BothListsEmptyTrainsTheLastTurn) {
  dataset.roles_to_train.clear();
  dataset.train_on_eos.clear();
  dataset.train_on_eot.clear();
  EXPECT_EQ(shown(two_turns()), turn("user", "Hi<|im_end|>") + turn("assistant", "A<|im_end|>") +
                                    turn("user", "B<|im_end|>") +
                                    "<|im_start|>assistant\n«C<|im_end|>\n»");
}

TEST_F(Chat, TemplateThatTrimsKeepsSpansExact) {
  dataset.chat_template_jinja =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n"
      "{% endfor %}";
  EXPECT_EQ(shown(row({message("user", " Hi "), message("assistant", "\n A \n")})),
            turn("user", "Hi<|im_end|>") + turn("assistant", "«A<|im_end|>»"));
}

TEST_F(Chat, EndOfTurnTokens) {
  dataset.chat_template_jinja =
      "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>\n{% endfor %}";
  EXPECT_EQ(shown(two_turns()),
            "user: Hi<|end|>\nassistant: «A»<|end|>\nuser: B<|end|>\n"
            "assistant: «C»<|end|>\n");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("never writes the EOS token"), std::string::npos);
  config.eot_tokens = {"<|end|>", "<|absent|>"};
  EXPECT_EQ(shown(two_turns()),
            "user: Hi<|end|>\nassistant: «A<|end|>»\nuser: B<|end|>\n"
            "assistant: «C<|end|>»\n");
  EXPECT_NE(warnings.at(0).find("<|absent|>"), std::string::npos);
  config.eot_tokens = {"user:"};
  dataset.chat_template_jinja = "user: {{ messages[0].content }}";
  EXPECT_NE(refusal(two_turns()).find("it must be one"), std::string::npos);
}

TEST_F(Chat, RefusedConversationsSayWhy) {
  EXPECT_NE(refusal(R"({"conversations": []})").find("columns found: conversations"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"messages": []})").find("is empty"), std::string::npos);
  EXPECT_NE(refusal(R"({"messages": ["x"]})").find("not an object"), std::string::npos);
  EXPECT_NE(refusal(R"({"messages": [{"content": "x"}]})").find("no 'role'"), std::string::npos);
  dataset.chat_template_jinja = "{{ raise_exception('roles must alternate') }}";
  EXPECT_NE(refusal(two_turns()).find("roles must alternate"), std::string::npos);
}

TEST_F(Chat, NormalisingTokenizersKeepTheirLabels) {
  const std::string source = test::source_dir() + "/tests/fixtures/data/tokenizer.json";
  json description = axl::parse_json<json>(testing::read_bytes(source));
  description["normalizer"] = {{"type", "NFC"}};
  folder.write("nfc/tokenizer.json", description.dump());
  folder.write("nfc/tokenizer_config.json", R"({"eos_token": "<|im_end|>"})");
  tokenizer = tokenizer::Tokenizer::load(folder.path("nfc"));
  // e + combining acute becomes one character, before and inside of the trained turn.
  EXPECT_EQ(shown(row({message("user", "cafe\u0301"), message("assistant", "re\u0301pe\u0301te")})),
            turn("user", "café<|im_end|>") + turn("assistant", "«répéte<|im_end|>»"));
}

TEST(TurnSpansTest, OneRenderingServesAConversationOfAnyLength) {
  std::vector<Turn> turns;
  for (int i = 0; i < 200; ++i) {
    Turn t;
    t.message = {{"role", i % 2 ? "assistant" : "user"}, {"content", "text " + std::to_string(i)}};
    turns.push_back(std::move(t));
  }
  int renderings = 0;
  const Render render = [&](const json& messages) {
    ++renderings;
    std::string out;
    for (const json& m : messages)
      out += "<" + m.at("role").get<std::string>() + ">" + m.at("content").get<std::string>();
    return out;
  };
  json messages = json::array();
  for (const Turn& t : turns) messages.push_back(t.message);
  const std::string text = render(messages);
  renderings = 0;
  const std::string thinking = "reasoning_content";
  const TurnSpans spans(turns, text, render, thinking);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const TextSpan s = spans.find(i, SpanOf::turn);
    EXPECT_EQ(text.substr(s.begin, s.end - s.begin), "text " + std::to_string(i));
  }
  EXPECT_TRUE(spans.from_one_rendering());
  EXPECT_EQ(renderings, 1);
}

TEST(TurnSpansTest, BothWaysAgree) {
  // Contents that look like the scaffolding, the sentinel, or each other.
  const std::vector<std::string> contents{"a", "<user>", "[[dummy_message]]", "zz", "é", "", "]]"};
  const Render render = [](const json& messages) {
    std::string out;
    for (const json& m : messages)
      out += "<" + m.at("role").get<std::string>() + ">" +
             m.value("content", json("")).get<std::string>() + "|";
    return out;
  };
  const std::string thinking = "reasoning_content";
  for (const std::string& a : contents)
    for (const std::string& b : contents) {
      std::vector<Turn> turns(2), slow(2);
      turns[0].message = {{"role", "user"}, {"content", a}};
      turns[1].message = {{"role", "assistant"}, {"content", b}};
      slow = turns;
      slow[0].message["name"] = "n";  // forces a rendering for each turn
      json messages = {turns[0].message, turns[1].message};
      const std::string text = render(messages);
      const TurnSpans fast_spans(turns, text, render, thinking);
      const TurnSpans slow_spans(slow, text, render, thinking);
      EXPECT_FALSE(slow_spans.from_one_rendering());
      for (std::size_t i = 0; i < 2; ++i) {
        const TextSpan f = fast_spans.find(i, SpanOf::turn), s = slow_spans.find(i, SpanOf::turn);
        EXPECT_EQ(f.empty(), s.empty()) << a << " / " << b;
        if (!f.empty()) {
          EXPECT_EQ(f.begin, s.begin) << a << " / " << b;
          EXPECT_EQ(f.end, s.end) << a << " / " << b;
        }
      }
    }
}

/// As in Axolotl 0.19, whose two placeholders share the bracket that the template writes next: what
/// begins at the earlier border and ends at the later one is that bracket.
TEST(TurnSpansTest, AnEmptyTurnBesideABracketIsTheBracket) {
  const Render render = [](const json& messages) {
    std::string out;
    for (const json& m : messages)
      out += "[|" + m.at("role").get<std::string>() + "|]" + m.at("content").get<std::string>() +
             "[|end|]";
    return out;
  };
  std::vector<Turn> turns(2);
  turns[0].message = {{"role", "user"}, {"content", "a"}};
  turns[1].message = {{"role", "assistant"}, {"content", ""}};
  const std::string text = render({turns[0].message, turns[1].message});
  const std::string thinking = "reasoning_content";
  const TextSpan s = TurnSpans(turns, text, render, thinking).find(1, SpanOf::turn);
  EXPECT_EQ(text.substr(s.begin), "[|end|]");
  EXPECT_EQ(s.end - s.begin, 1u);
}

TEST(TrainingDetailTest, RangesSnapOutwards) {
  // Tokens at 0, 3, 5, 9 of a text of 12 characters.
  const std::vector<std::int64_t> begins{0, 3, 5, 9};
  using Flags = std::vector<bool>;
  EXPECT_EQ(trained_tokens(begins, 12, std::vector<TrainingDetail>{{0, 11, true}}),
            (Flags{true, true, true, true}));
  EXPECT_EQ(trained_tokens(begins, 12, std::vector<TrainingDetail>{{3, 4, true}}),
            (Flags{false, true, false, false}));
  EXPECT_EQ(trained_tokens(begins, 12, std::vector<TrainingDetail>{{0, 3, true}}),
            (Flags{true, false, false, false}));
  EXPECT_EQ(trained_tokens(begins, 12, std::vector<TrainingDetail>{{0, 6, true}}),
            (Flags{true, true, true, false}));
  EXPECT_EQ(trained_tokens(begins, 12, std::vector<TrainingDetail>{{0, 11, false}}),
            (Flags{false, false, false, false}));
  EXPECT_TRUE(trained_tokens({}, 0, std::vector<TrainingDetail>{{0, 5, true}}).empty());
}

}  // namespace
}  // namespace axl::data
