#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/log.hpp"
#include "tokenizer/models/bpe.hpp"
#include "tokenizer/split_patterns.hpp"
#include "tokenizer/tokenizer_parts.hpp"
#include "tokenizer/unicode.hpp"
#include "weights/gguf.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;
using weights::GgufMetadata;

/// What a Bpe is made of.
struct BpeParts {
  Vocab vocab;
  std::vector<Merge> merges;
  BpeOptions options;
};

/// tokenizer.ggml.token_type
enum GgufTokenType : std::int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4 };

Json split_json(const std::string& pattern) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}
Json byte_level_json(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}
Json sequence(const Json& first, const Json& second) {
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({first, second})}};
}
Json digits_json() { return {{"type", "Digits"}, {"individual_digits", true}}; }

Json deepseek_v3_json() {
  Json parts = Json::array();
  parts.push_back(split_json(R"(\p{N}{1,3})"));
  parts.push_back(split_json("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"));
  parts.push_back(split_json(R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^)"
                             "\r\n"
                             R"(\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[)"
                             "\r\n"
                             R"(]*|\s*[)"
                             "\r\n"
                             R"(]+|\s+(?!\S)|\s+)"));
  parts.push_back(byte_level_json(false));
  return {{"type", "Sequence"}, {"pretokenizers", parts}};
}

/// `tokenizer.ggml.pre` is llama.cpp's name for a way of splitting text; the file does not spell it
/// out. Names that mean the same way share a line.
struct PreSpec {
  std::vector<std::string_view> names;
  Json (*make)();
  bool nfc = false;
  bool ignore_merges = false;
};

const std::vector<PreSpec>& pre_specs() {
  static const std::vector<PreSpec> specs{
      {{"gpt-2", "gpt2", "phi-2", "jina-es", "jina-de", "mpt", "olmo"},
       [] { return byte_level_json(true); }},
      {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"},
       [] { return sequence(digits_json(), byte_level_json(true)); }},
      {{"llama-bpe", "llama-v3", "llama3", "falcon3", "dbrx", "smaug-bpe"},
       [] { return sequence(split_json(split_patterns::cl100k(3)), byte_level_json(false)); },
       false,
       true},
      {{"qwen2", "stablelm2", "deepseek-r1-qwen", "megrez"},
       [] { return sequence(split_json(split_patterns::cl100k(1)), byte_level_json(false)); },
       true,
       false},
      {{"tekken"},
       [] { return sequence(split_json(split_patterns::tekken()), byte_level_json(false)); },
       false,
       true},
      {{"gpt-4o", "llama4"},
       [] { return sequence(split_json(split_patterns::o200k()), byte_level_json(false)); }},
      {{"deepseek-v3"}, &deepseek_v3_json},
  };
  return specs;
}

const PreSpec& pre_spec(const std::string& name) {
  std::string known;
  for (const PreSpec& s : pre_specs()) {
    for (const std::string_view n : s.names) {
      if (n == name) return s;
      known += (known.empty() ? "" : ", ") + std::string(n);
    }
  }
  throw Error(ErrorCode::input, "the tokenizer's way of splitting text '" + name +
                                    "' (tokenizer.ggml.pre) is not supported")
      .hint("supported: " + known);
}

/// Vocabularies that only one way of splitting belongs to: their size and what stands at one id.
struct KnownVocabulary {
  std::int64_t least, most;  ///< tokens; files may have padding behind them
  std::int64_t id;
  std::string_view token, pre;
};
constexpr KnownVocabulary kKnownVocabularies[] = {
    {50257, 50304, 50256, "<|endoftext|>", "gpt-2"},
    {50254, 50432, 1, "<|padding|>", "gpt-2"},  // GPT-NeoX, Pythia
    {49152, 49280, 1, "<|im_start|>", "smollm"},
    {49152, 49280, 1, "<fim_prefix>", "starcoder"},
    {128000, 128512, 128000, "<|begin_of_text|>", "llama-bpe"},
    {151643, 152064, 151644, "<|im_start|>", "qwen2"},
    {131072, 131072, 3, "[INST]", "tekken"},
    {128000, 129280, 0, "<｜begin▁of▁sentence｜>", "deepseek-v3"},
    {200000, 202048, 199999, "<|endoftext|>", "gpt-4o"},
};

/// Files from before 2024 do not say how they split text; llama.cpp takes its own default then,
/// which is no model's. Only a vocabulary that tells is good enough.
std::string pre_of_vocabulary(const std::vector<std::string>& tokens) {
  const std::int64_t n = std::ssize(tokens);
  for (const KnownVocabulary& known : kKnownVocabularies) {
    if (n < known.least || n > known.most || known.id >= n) continue;
    if (tokens[static_cast<std::size_t>(known.id)] == known.token) return std::string(known.pre);
  }
  throw Error(ErrorCode::unsupported,
              "the metadata does not say how the tokenizer splits text (tokenizer.ggml.pre), and "
              "its vocabulary of " +
                  std::to_string(n) + " tokens is none that is known")
      .hint(
          "name the folder of the model's own tokenizer: tokenizer_config: FOLDER; or take a newer "
          "GGUF file");
}

void read_vocab(const GgufMetadata& meta, const std::vector<std::string>& tokens, BpeParts& bpe,
                TokenizerParts& parts) {
  std::size_t bytes = 0;
  for (const std::string& t : tokens) bytes += t.size();
  bpe.vocab.reserve(tokens.size(), bytes);
  const auto* types = meta.integers("tokenizer.ggml.token_type");
  if (types != nullptr && types->size() != tokens.size())
    throw Error(ErrorCode::input, "tokenizer.ggml.token_type has " + std::to_string(types->size()) +
                                      " entries for " + std::to_string(tokens.size()) + " tokens");
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<std::int64_t>(i);
    if (!unicode::is_valid(tokens[i]))
      throw Error(ErrorCode::input, "token " + std::to_string(i) + " is not UTF-8");
    if (bpe.vocab.find(tokens[i]) < 0) bpe.vocab.insert(tokens[i], id);
    const std::int64_t type = types == nullptr ? std::int64_t{kNormal} : (*types)[i];
    if (type != kControl && type != kUserDefined && type != kUnknown) continue;
    AddedToken t;
    t.content = tokens[i];
    t.id = static_cast<std::int32_t>(id);
    t.special = type != kUserDefined;
    parts.added.push_back(t);
  }
}

std::vector<Merge> read_merges(const std::vector<std::string>& lines, const Vocab& vocab) {
  std::vector<Merge> merges;
  merges.reserve(lines.size());
  for (const std::string& line : lines) {
    const std::size_t space = line.find(' ', 1);
    const std::int32_t left = space == std::string::npos ? -1 : vocab.find(line.substr(0, space));
    const std::int32_t right = space == std::string::npos ? -1 : vocab.find(line.substr(space + 1));
    if (left < 0 || right < 0)
      throw Error(ErrorCode::input, "merge " + std::to_string(merges.size()) + " '" + line +
                                        "' is not two tokens of the vocabulary");
    merges.emplace_back(left, right);
  }
  return merges;
}

void read_byte_level(const GgufMetadata& meta, const std::string& path, BpeParts& bpe,
                     TokenizerParts& parts) {
  const std::string* pre = meta.string("tokenizer.ggml.pre");
  const bool told = pre != nullptr && !pre->empty() && *pre != "default";
  const std::string name = told ? *pre : pre_of_vocabulary(*meta.strings("tokenizer.ggml.tokens"));
  if (!told)
    log::info("{}: no tokenizer.ggml.pre; by its vocabulary the text is split as '{}'", path, name);
  const PreSpec& spec = pre_spec(name);
  const auto* merges = meta.strings("tokenizer.ggml.merges");
  if (merges == nullptr) throw Error(ErrorCode::input, "the metadata has no tokenizer.ggml.merges");
  bpe.merges = read_merges(*merges, bpe.vocab);
  bpe.options.ignore_merges = spec.ignore_merges;
  if (spec.nfc) parts.normalizer = {{"type", "NFC"}};
  parts.pre_tokenizer = spec.make();
  parts.decoder = {{"type", "ByteLevel"},
                   {"add_prefix_space", true},
                   {"trim_offsets", true},
                   {"use_regex", true}};
}

void read_sentencepiece(const GgufMetadata& meta, bool space_prefix, BpeParts& bpe,
                        TokenizerParts& parts) {
  const auto it = meta.values.find("tokenizer.ggml.scores");
  const auto* scores =
      it == meta.values.end() ? nullptr : std::get_if<std::vector<double>>(&it->second);
  if (scores == nullptr || static_cast<std::int64_t>(scores->size()) < bpe.vocab.end_id())
    throw Error(ErrorCode::input, "the metadata has no tokenizer.ggml.scores for every token");
  bpe.merges = merges_from_scores(*scores, bpe.vocab);
  bpe.options.byte_fallback = true;
  bpe.options.fuse_unk = true;
  Json steps = Json::array();
  if (space_prefix) steps.push_back({{"type", "Prepend"}, {"prepend", "\u2581"}});
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}});
  parts.normalizer = {{"type", "Sequence"}, {"normalizers", steps}};
  Json decoders = Json::array();
  decoders.push_back({{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}});
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (space_prefix)
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  parts.decoder = {{"type", "Sequence"}, {"decoders", decoders}};
}

bool flag(const GgufMetadata& meta, const std::string& key, bool fallback) {
  const auto it = meta.values.find(key);
  const bool* b = it == meta.values.end() ? nullptr : std::get_if<bool>(&it->second);
  return b == nullptr ? fallback : *b;
}

void read_specials(const GgufMetadata& meta, std::size_t tokens, const Vocab& vocab,
                   TokenizerParts& parts) {
  constexpr std::array<std::array<const char*, 2>, 4> kNames{
      {{"bos_token", "tokenizer.ggml.bos_token_id"},
       {"eos_token", "tokenizer.ggml.eos_token_id"},
       {"unk_token", "tokenizer.ggml.unknown_token_id"},
       {"pad_token", "tokenizer.ggml.padding_token_id"}}};
  for (const auto& [name, key] : kNames) {
    const std::int64_t* id = meta.integer(key);
    if (id == nullptr || *id == 0xFFFFFFFFLL || *id == -1) continue;
    if (*id < 0 || static_cast<std::size_t>(*id) >= tokens)
      throw Error(ErrorCode::input, std::string(key) + " is " + std::to_string(*id) +
                                        ", but the vocabulary has " + std::to_string(tokens) +
                                        " tokens");
    const std::string text(vocab.text(static_cast<std::int32_t>(*id)));
    parts.special[name] = text;
    parts.config[name] = text;
  }
}

}  // namespace

TokenizerParts read_gguf_tokenizer(const std::string& path) {
  const GgufMetadata meta = weights::read_gguf_metadata(path);
  try {
    const auto* tokens = meta.strings("tokenizer.ggml.tokens");
    const std::string* model = meta.string("tokenizer.ggml.model");
    if (tokens == nullptr || model == nullptr)
      throw Error(ErrorCode::input, "the file carries no tokenizer (tokenizer.ggml.tokens)");
    TokenizerParts parts;
    BpeParts bpe;
    parts.config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                    {"clean_up_tokenization_spaces", false}};
    read_vocab(meta, *tokens, bpe, parts);
    read_specials(meta, tokens->size(), bpe.vocab, parts);
    bool bos_by_default = false;
    if (*model == "gpt2") {
      read_byte_level(meta, path, bpe, parts);
    } else if (*model == "llama") {
      bos_by_default = true;
      if (parts.special.contains("unk_token")) bpe.options.unk_token = parts.special["unk_token"];
      read_sentencepiece(meta, flag(meta, "tokenizer.ggml.add_space_prefix", true), bpe, parts);
    } else {
      throw Error(ErrorCode::input,
                  "the tokenizer model '" + *model + "' (tokenizer.ggml.model) is not supported")
          .hint("supported: gpt2 (byte-level BPE), llama (SentencePiece BPE)");
    }
    parts.model = std::make_unique<Bpe>(std::move(bpe.vocab), std::move(bpe.merges), bpe.options);
    set_bos_eos_template(flag(meta, "tokenizer.ggml.add_bos_token", bos_by_default),
                         flag(meta, "tokenizer.ggml.add_eos_token", false), parts);
    if (const std::string* text = meta.string("tokenizer.chat_template"))
      parts.chat_template = *text;
    return parts;
  } catch (Error& e) {
    if (!e.where().file.empty()) throw;
    throw Error(e.code(), e.message()).at({path, 0, 0, ""}).hint(e.hint());
  }
}

}  // namespace axl::tokenizer
