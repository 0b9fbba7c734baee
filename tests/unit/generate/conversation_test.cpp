// Conversations: the template around the turns, the text as it grows, what is forgotten.
#include "generate/conversation.hpp"

#include <gtest/gtest.h>

#include "generate/text_stream.hpp"
#include "support/session.hpp"
#include "tiny_model.hpp"

namespace axl::test {
namespace {

using generate::Conversation;
using tokenizer::Tokenizer;

constexpr const char* kTemplate =
    "{% for m in messages %}{{ m['role'][0] + ':' + m['content'] + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}";

class Talk : public ::testing::Test {
 protected:
  TinyModel folder;
  generate::LoadedModel m = folder.load();
  Tokenizer tokenizer = Tokenizer::load(fixture_tokenizer());
  generate::Generator generator{m.decoder(), m.kernels(), session().queue()};
  std::int64_t tokens(const std::string& text) {
    return static_cast<std::int64_t>(tokenizer.encode(text, false).size());
  }
};

TEST_F(Talk, TheTemplateGetsTheSystemMessageAndEveryTurn) {
  Conversation talk(tokenizer, generator,
                    {.chat_template = kTemplate,
                     .system = "S",
                     .max_new_tokens = 5,
                     .sampling = {.greedy = true}});
  const std::string first = talk.say("hi", {});
  EXPECT_EQ(talk.last().prompt_tokens, tokens("s:S\nu:hi\na:"));
  talk.say("yo", {});
  EXPECT_EQ(talk.last().prompt_tokens, tokens("s:S\nu:hi\na:" + first + "\nu:yo\na:"));
  EXPECT_GE(talk.last().reused_tokens, tokens("s:S\nu:hi\na:") - 1);
  talk.reset();
  talk.say("yo", {});
  EXPECT_EQ(talk.last().prompt_tokens, tokens("s:S\nu:yo\na:"));
}

TEST_F(Talk, TheAnswerComesInPieces) {
  Conversation talk(
      tokenizer, generator,
      {.chat_template = kTemplate, .max_new_tokens = 20, .sampling = {.greedy = true}});
  std::string pieces;
  const std::string answer = talk.say("hi", [&](std::string_view piece) {
    pieces += piece;
    return true;
  });
  EXPECT_EQ(pieces, answer);
  EXPECT_EQ(answer, tokenizer.decode(talk.last().tokens, true));
}

TEST_F(Talk, WithoutATemplateAPromptIsTakenAsItIs) {
  Conversation talk(tokenizer, generator, {.max_new_tokens = 3, .sampling = {.greedy = true}});
  talk.say("some words", {});
  talk.say("other", {});
  EXPECT_EQ(talk.last().prompt_tokens,
            static_cast<std::int64_t>(tokenizer.encode("other", true).size()));
}

TEST_F(Talk, TheOldestTurnsGoWhenTheContextIsFull) {
  Conversation talk(
      tokenizer, generator,
      {.chat_template = kTemplate, .max_new_tokens = 10, .sampling = {.greedy = true}});
  for (int i = 0; i < 6; ++i) talk.say("twelve bytes", {});
  EXPECT_GT(talk.forgotten_turns(), 0);
  EXPECT_LE(talk.last().prompt_tokens + 10, generator.context());
}

TEST(TextStream, HoldsBackHalfACharacter) {
  const Tokenizer tokenizer = Tokenizer::load(fixture_tokenizer());
  const std::string text = "a \xE2\x82\xAC and \xF0\x9F\x98\x80!";
  generate::TextStream stream(tokenizer);
  std::string out;
  for (const auto id : tokenizer.encode(text, false)) {
    const std::string piece = stream.add(id);
    EXPECT_EQ(piece.find("\xEF\xBF\xBD"), std::string::npos);
    out += piece;
  }
  EXPECT_EQ(out + stream.finish(), text);
}

TEST(TextStream, GivesOutAnIncompleteEndWhenTheTextEnds) {
  const Tokenizer tokenizer = Tokenizer::load(fixture_tokenizer());
  auto ids = tokenizer.encode("x\xE2\x82\xAC", false);
  ids.pop_back();
  generate::TextStream stream(tokenizer);
  std::string out;
  for (const auto id : ids) out += stream.add(id);
  EXPECT_EQ(out, "x");
  EXPECT_EQ(out + stream.finish(), tokenizer.decode(ids, true));
}

}  // namespace
}  // namespace axl::test
