// Tokenizers in SentencePiece's and tiktoken's own files.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "scratch.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

std::string message_of(const test::Scratch& s, const std::string& name, const std::string& bytes) {
  try {
    Tokenizer::load(s.write(name, bytes));
    return "accepted";
  } catch (const Error& e) {
    EXPECT_TRUE(e.code() == ErrorCode::input || e.code() == ErrorCode::unsupported);
    EXPECT_NE(std::string(e.what()).find(s.folder()), std::string::npos) << e.what();
    return e.message();
  }
}

TEST(SentencePiece, IdsEqualTheOriginals) {
  const Json recorded = test::fixture("sentencepiece_cases.json");
  for (const Json& c : recorded.at("cases")) {
    const test::Scratch s, copy;
    s.write("tokenizer.model", decode_base64(c["model"].get<std::string>()));
    const Tokenizer t = Tokenizer::load(s.folder());
    const auto name = c["name"].get<std::string>();
    EXPECT_EQ(t.vocab_size(), c["size"]) << name;
    EXPECT_EQ(t.bos_id(), c["bos"].get<TokenId>()) << name;
    EXPECT_EQ(t.eos_id(), c["eos"].get<TokenId>()) << name;
    EXPECT_EQ(t.token_to_id("<mask>"), c["mask"].get<TokenId>()) << name;
    t.save(copy.folder());
    const Tokenizer again = Tokenizer::load(copy.folder());
    for (std::size_t i = 0; i < c["texts"].size(); ++i) {
      const auto text = c["texts"][i].get<std::string>();
      const auto ids = c["ids"][i].get<std::vector<TokenId>>();
      EXPECT_EQ(t.encode(text, false), ids) << name << ": " << c["texts"][i];
      EXPECT_EQ(again.encode(text, false), ids) << name << " saved: " << c["texts"][i];
    }
  }
}

TEST(SentencePiece, SettingsComeFromTheConfiguration) {
  const Json c = test::fixture("sentencepiece_cases.json")["cases"][2];
  ASSERT_EQ(c["name"], "bpe_bytes");
  const test::Scratch s;
  s.write("tokenizer.model", decode_base64(c["model"].get<std::string>()));
  const Tokenizer plain = Tokenizer::load(s.folder());
  EXPECT_EQ(plain.encode("a", true).front(), plain.bos_id());
  EXPECT_EQ(plain.decode(plain.encode("Hello x", true), true), "Hello x");
  s.write("tokenizer_config.json",
          R"({"add_bos_token": false, "add_eos_token": true, "legacy": false,
              "pad_token": "<unk>", "chat_template": "t"})");
  const Tokenizer t = Tokenizer::load(s.folder());
  EXPECT_EQ(t.encode("a", true).back(), t.eos_id());
  EXPECT_NE(t.encode("a", true).front(), t.bos_id());
  EXPECT_EQ(t.pad_id(), 0);
  EXPECT_EQ(t.chat_template(), "t");
  // The newer behaviour: no word mark behind a special token.
  EXPECT_EQ(plain.decode(plain.encode("</s>a", false), false), "</s> a");
  EXPECT_EQ(t.decode(t.encode("</s>a", false), false), "</s>a");
}

TEST(SentencePiece, DamagedFilesAreRefused) {
  const Json c = test::fixture("sentencepiece_cases.json")["cases"][0];
  const std::string bytes = decode_base64(c["model"].get<std::string>());
  const test::Scratch s;
  EXPECT_EQ(message_of(s, "x.model", ""), "the SentencePiece model has no pieces");
  EXPECT_NE(message_of(s, "x.model", bytes.substr(0, bytes.size() - 3)).find("damaged"),
            std::string::npos);
  EXPECT_NE(
      message_of(s, "x.model", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF").find("64 bits"),
      std::string::npos);
  EXPECT_NE(message_of(s, "x.model", "\x0B").find("unknown type"), std::string::npos);
  EXPECT_NE(message_of(s, "x.model", std::string("\x0A\x03\x12\x01x", 5)).find("a number belongs"),
            std::string::npos);
}

TEST(SentencePiece, APieceIsText) {
  const test::Scratch s;
  EXPECT_EQ(message_of(s, "x.model", std::string("\x0A\x03\x0A\x01\xBE", 5)),
            "piece 0 is not UTF-8");
}

/// A GGUF that holds nothing but a byte-level tokenizer without merges; `pre`: its way of splitting
/// text, "": the file does not say.
std::string gguf_of(const std::vector<std::string>& tokens, const std::string& pre = "gpt-2") {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFFU);
    return out;
  };
  const auto text = [&](const std::string& t) { return number(t.size(), 8) + t; };
  const auto list = [&](const std::string& key, const std::vector<std::string>& items) {
    std::string out = text(key) + number(9, 4) + number(8, 4) + number(items.size(), 8);
    for (const std::string& item : items) out += text(item);
    return out;
  };
  const auto named = [&](const std::string& key, const std::string& value) {
    return text(key) + number(8, 4) + text(value);
  };
  return "GGUF" + number(3, 4) + number(0, 8) + number(pre.empty() ? 3 : 4, 8) +
         named("tokenizer.ggml.model", "gpt2") + list("tokenizer.ggml.tokens", tokens) +
         list("tokenizer.ggml.merges", {}) + (pre.empty() ? "" : named("tokenizer.ggml.pre", pre));
}

TEST(GgufTokenizer, ATokenIsText) {
  const test::Scratch s;
  EXPECT_EQ(message_of(s, "x.gguf", gguf_of({"a", "b"})), "accepted");
  EXPECT_EQ(message_of(s, "x.gguf", gguf_of({"a", "\xBE"})), "token 1 is not UTF-8");
}

/// As many tokens as a known vocabulary has, digits and one telling token among them.
std::vector<std::string> vocabulary_of(std::size_t size, std::size_t at, const char* token) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < size; ++i) out.push_back("<t" + std::to_string(i) + ">");
  for (std::size_t i = 0; i < 10; ++i) out[100 + i] = std::to_string(i);
  out[200] = "12";
  out[at] = token;
  return out;
}

TEST(GgufTokenizer, AFileThatDoesNotSayHowItSplitsIsKnownByItsVocabularyOrRefused) {
  const test::Scratch s;
  for (const char* pre : {"", "default"}) {
    const std::string what = message_of(s, "x.gguf", gguf_of({"a", "b"}, pre));
    EXPECT_NE(what.find("tokenizer.ggml.pre"), std::string::npos) << what;
    EXPECT_NE(what.find("vocabulary of 2 tokens"), std::string::npos) << what;
  }
  // The ways differ in what a number is: single digits, or all of them at once.
  const auto pieces = [&](std::size_t size, std::size_t at, const char* token) {
    std::vector<std::string> tokens = vocabulary_of(size, at, token);
    const Tokenizer t = Tokenizer::load(s.write("x.gguf", gguf_of(tokens, "")));
    const Tokenizer named =
        Tokenizer::load(s.write("y.gguf", gguf_of(tokens, size == 49152 ? "smollm" : "gpt-2")));
    EXPECT_EQ(t.fingerprint(), named.fingerprint()) << token;
    return t.encode("12", false).size();
  };
  EXPECT_EQ(pieces(49152, 1, "<|im_start|>"), 2u);
  EXPECT_EQ(pieces(50257, 50256, "<|endoftext|>"), 2u);  // no merges here
  EXPECT_NE(message_of(s, "x.gguf", gguf_of(vocabulary_of(49152, 1, "<other>"), ""))
                .find("none that is known"),
            std::string::npos);
}

/// GPT-2's number of ranks, made of all bytes and the first pairs of bytes.
std::string gpt2_sized_ranks() {
  std::string out;
  for (int rank = 0; rank < 50256; ++rank) {
    const int pair = rank - 256;
    const std::string token =
        rank < 256 ? std::string(1, static_cast<char>(rank))
                   : std::string{static_cast<char>(pair / 256), static_cast<char>(pair % 256)};
    out += encode_base64(token) + " " + std::to_string(rank) + "\n";
  }
  return out;
}

TEST(Tiktoken, RanksAreMergedInTheirOrder) {
  const test::Scratch s, copy;
  s.write("made.tiktoken", gpt2_sized_ranks());
  const Tokenizer t = Tokenizer::load(s.folder());
  EXPECT_EQ(t.vocab_size(), 50257);
  EXPECT_EQ(t.eos_id(), 50256);
  const auto pair = [](char a, char b) { return TokenId{256} + a * 256 + b; };
  EXPECT_EQ(t.encode("ab", false), std::vector<TokenId>{pair('a', 'b')});
  // "ab" has a lower rank than "ba": it is merged first, on the left.
  EXPECT_EQ(t.encode("abab", false), (std::vector<TokenId>{pair('a', 'b'), pair('a', 'b')}));
  EXPECT_EQ(t.encode("bab", false), (std::vector<TokenId>{'b', pair('a', 'b')}));
  EXPECT_EQ(t.encode("a<|endoftext|>", false), (std::vector<TokenId>{'a', 50256}));
  const std::string text =
      "Stra\xC3\x9F"
      "e \xF0\x9F\x99\x82";
  EXPECT_EQ(t.decode(t.encode(text, false), false), text);
  t.save(copy.folder());
  EXPECT_EQ(Tokenizer::load(copy.folder()).fingerprint(), t.fingerprint());
}

TEST(Tiktoken, DamagedFilesAreRefused) {
  const test::Scratch s;
  EXPECT_NE(message_of(s, "x.tiktoken", "YQ== 0\nYg== 1\n").find("2 ranks"), std::string::npos);
  EXPECT_NE(message_of(s, "x.tiktoken", "YQ== 0\nYg==\n").find("line 2"), std::string::npos);
  EXPECT_NE(message_of(s, "x.tiktoken", "YQ== 0\nY_== 1\n").find("base64"), std::string::npos);
  EXPECT_NE(message_of(s, "x.tiktoken", "YQ== 0\nYg== 0\n").find("two tokens"), std::string::npos);
}

TEST(Base64, BothWays) {
  for (const char* text : {"", "a", "ab", "abc", "abcd"})
    EXPECT_EQ(decode_base64(encode_base64(text)), text);
  EXPECT_EQ(encode_base64("ab"), "YWI=");
}

}  // namespace
}  // namespace axl::tokenizer
