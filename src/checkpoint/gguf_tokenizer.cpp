#include "checkpoint/gguf_tokenizer.hpp"

#include <algorithm>
#include <filesystem>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::checkpoint {
namespace {

using nlohmann::json;
using tokenizer::TokenId;
using tokenizer::Tokenizer;

constexpr std::int64_t kMaxTokens = std::int64_t{1} << 24;

/// llama.cpp's names, the commonest first; each stands for one way of splitting.
constexpr const char* kPreNames[] = {"llama-bpe", "qwen2",  "smollm",     "gpt-2",
                                     "tekken",    "gpt-4o", "deepseek-v3"};

/// Texts on which the ways of splitting differ: digits, contractions, cases, scripts, white space.
constexpr const char* kProbes[] = {
    "the quick brown fox jumps over the lazy dog while they were there with her other brother",
    "Hello world, it's 12345 o'clock; WE'LL see CamelCaseWords and snake_case_2024!",
    "  two  spaces\n\n\tand tabs \r\n end   ",
    "def f(x):\n    return x**2 + 3.14159 # comment\n\n\n\nprint(f(1000000))",
    "Stra\xC3\x9F"
    "e \xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C 123\xE6\x97\xA5 "
    "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 \xF0\x9F\x98\x80\xF0\x9F\x91\x8D "
    "e\xCC\x81t\xC3\xA9",
    "http://example.com/a/b?c=d&e=f {\"key\": [1, 22, 333, 4444]} I'M don't DON'T"};

[[noreturn]] void refuse(const std::string& path, const std::string& what, ErrorCode code) {
  throw Error(code, path + ": " + what);
}

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<std::int64_t> types;  ///< 1 normal, 3 control, 4 user defined, 5 unused
  std::vector<std::string> merges;
};

void place(Vocabulary& out, const std::string& path, const std::string& token, const json& id,
           std::int64_t type) {
  if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= kMaxTokens)
    refuse(path, "token id " + json_text(id) + " is out of range", ErrorCode::input);
  const auto index = id.get<std::size_t>();
  if (index >= out.tokens.size()) {
    out.tokens.resize(index + 1);
    out.types.resize(index + 1, 5);
  }
  out.tokens[index] = token;
  out.types[index] = type;
}

std::string merge_text(const std::string& path, const json& merge) {
  if (merge.is_string()) return merge.get<std::string>();
  if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string())
    refuse(path, "a merge is neither a string nor a pair of strings", ErrorCode::input);
  return merge[0].get<std::string>() + " " + merge[1].get<std::string>();
}

Vocabulary read_vocabulary(const std::string& path, std::int64_t rows) {
  Vocabulary out;
  try {
    const json root = parse_json<json>(read_input(path));
    const json& model = root.at("model");
    if (model.value("type", "BPE") != "BPE")
      refuse(path,
             "only byte-level BPE tokenizers can be put into a GGUF file, this is " +
                 json_text(model.at("type")),
             ErrorCode::unsupported);
    for (const auto& [token, id] : model.at("vocab").items()) place(out, path, token, id, 1);
    for (const json& t : root.value("added_tokens", json::array()))
      place(out, path, t.at("content").get<std::string>(), t.at("id"),
            t.value("special", false) ? 3 : 4);
    for (const json& merge : model.at("merges")) out.merges.push_back(merge_text(path, merge));
  } catch (const json::exception& e) {
    refuse(path, std::string("not a tokenizer.json: ") + e.what(), ErrorCode::input);
  }
  if (static_cast<std::int64_t>(out.tokens.size()) > rows)
    refuse(path,
           "has " + std::to_string(out.tokens.size()) + " tokens, the model " +
               std::to_string(rows) + " rows of embeddings",
           ErrorCode::input);
  out.tokens.resize(static_cast<std::size_t>(rows));
  out.types.resize(static_cast<std::size_t>(rows), 5);
  for (std::size_t i = 0; i < out.tokens.size(); ++i)
    if (out.types[i] == 5) out.tokens[i] = "[PAD" + std::to_string(i) + "]";
  return out;
}

void add_special_ids(const Tokenizer& tokenizer, weights::GgufMetadata& metadata) {
  const auto put = [&](const char* name, std::optional<TokenId> id) {
    if (id)
      metadata.values["tokenizer.ggml." + std::string(name) + "_token_id"] =
          static_cast<std::int64_t>(*id);
  };
  put("bos", tokenizer.bos_id());
  put("eos", tokenizer.eos_id());
  put("padding", tokenizer.pad_id());
  put("unknown", tokenizer.token_to_id(tokenizer.token_text("unk_token")));
  const std::vector<TokenId> plain = tokenizer.encode("a", false);
  const std::vector<TokenId> framed = tokenizer.encode("a", true);
  const bool more = framed.size() > plain.size();
  metadata.values["tokenizer.ggml.add_bos_token"] =
      more && tokenizer.bos_id() && framed.front() == *tokenizer.bos_id();
  metadata.values["tokenizer.ggml.add_eos_token"] =
      more && tokenizer.eos_id() && framed.back() == *tokenizer.eos_id();
}

bool same_ids(const Tokenizer& a, const Tokenizer& b) {
  return std::all_of(std::begin(kProbes), std::end(kProbes), [&](const char* text) {
    return a.encode(text, true) == b.encode(text, true);
  });
}

}  // namespace

void add_tokenizer_metadata(const std::string& folder, std::int64_t rows,
                            const std::string& scratch, weights::GgufMetadata& metadata) {
  const std::string path = folder + "/tokenizer.json";
  const Tokenizer tokenizer = Tokenizer::load(folder);
  Vocabulary vocabulary = read_vocabulary(path, rows);
  metadata.values["tokenizer.ggml.model"] = std::string("gpt2");
  metadata.values["tokenizer.ggml.tokens"] = std::move(vocabulary.tokens);
  metadata.values["tokenizer.ggml.token_type"] = std::move(vocabulary.types);
  metadata.values["tokenizer.ggml.merges"] = std::move(vocabulary.merges);
  if (!tokenizer.chat_template().empty())
    metadata.values["tokenizer.chat_template"] = tokenizer.chat_template();
  add_special_ids(tokenizer, metadata);
  for (const char* name : kPreNames) {
    metadata.values["tokenizer.ggml.pre"] = std::string(name);
    weights::write_gguf(scratch, metadata, {});
    const bool fits = same_ids(tokenizer, Tokenizer::load(scratch));
    std::filesystem::remove(scratch);
    if (fits) return;
  }
  std::string known;
  for (const char* name : kPreNames) known += (known.empty() ? "" : ", ") + std::string(name);
  throw Error(ErrorCode::unsupported,
              path + ": splits text in a way that no known tokenizer.ggml.pre stands for")
      .hint("tried: " + known);
}

}  // namespace axl::checkpoint
