// tiktoken's rank files: a line a token, its bytes in base64 and its rank, which is its id too. How
// text is split and which special tokens there are stands in the code of each model, not in the
// file; the number of ranks tells the models apart.
#include <algorithm>
#include <charconv>

#include "core/error.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/models/bpe.hpp"
#include "tokenizer/split_patterns.hpp"
#include "tokenizer/tokenizer_parts.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

struct Special {
  std::string text;
  std::int64_t id;
};

/// `count` tokens NAME0, NAME1, ... from `id` on.
void numbered(const std::string& before, const std::string& behind, int first, int count,
              std::int64_t id, std::vector<Special>& out) {
  for (int i = 0; i < count; ++i)
    out.push_back({before + std::to_string(first + i) + behind, id + i});
}

std::vector<Special> llama3_specials() {
  std::vector<Special> out{{"<|begin_of_text|>", 128000},
                           {"<|end_of_text|>", 128001},
                           {"<|reserved_special_token_0|>", 128002},
                           {"<|reserved_special_token_1|>", 128003},
                           {"<|finetune_right_pad_id|>", 128004},
                           {"<|reserved_special_token_2|>", 128005},
                           {"<|start_header_id|>", 128006},
                           {"<|end_header_id|>", 128007},
                           {"<|eom_id|>", 128008},
                           {"<|eot_id|>", 128009},
                           {"<|python_tag|>", 128010}};
  numbered("<|reserved_special_token_", "|>", 3, 245, 128011, out);
  return out;
}

std::vector<Special> qwen_specials() {
  std::vector<Special> out{
      {"<|endoftext|>", 151643}, {"<|im_start|>", 151644}, {"<|im_end|>", 151645}};
  numbered("<|extra_", "|>", 0, 205, 151646, out);
  return out;
}

struct Kind {
  const char* name;
  std::size_t ranks;
  std::string pattern;
  std::vector<Special> specials;
  const char* bos;  ///< nullptr: none
  const char* eos;
  bool nfc = false;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> list{
      {"Llama 3", 128000, split_patterns::cl100k(3), llama3_specials(), "<|begin_of_text|>",
       "<|end_of_text|>"},
      {"Qwen", 151643, split_patterns::cl100k(1), qwen_specials(), nullptr, "<|endoftext|>", true},
      {"cl100k_base",
       100256,
       split_patterns::cl100k(3),
       {{"<|endoftext|>", 100257},
        {"<|fim_prefix|>", 100258},
        {"<|fim_middle|>", 100259},
        {"<|fim_suffix|>", 100260},
        {"<|endofprompt|>", 100276}},
       nullptr,
       "<|endoftext|>"},
      {"o200k_base",
       199998,
       split_patterns::o200k(),
       {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}},
       nullptr,
       "<|endoftext|>"},
      {"gpt2", 50256, split_patterns::gpt2(), {{"<|endoftext|>", 50256}}, nullptr, "<|endoftext|>"},
  };
  return list;
}

const Kind& kind_of(std::size_t ranks) {
  std::string known;
  for (const Kind& k : kinds()) {
    if (k.ranks == ranks) return k;
    known +=
        (known.empty() ? "" : ", ") + std::string(k.name) + " (" + std::to_string(k.ranks) + ")";
  }
  throw Error(ErrorCode::input,
              "the tiktoken file has " + std::to_string(ranks) +
                  " ranks, by which no known way of splitting text goes; it is not supported")
      .hint("known: " + known + "; a tokenizer.json beside it says everything");
}

/// Tokens are spelled with byte-level characters.
Vocab read_ranks(std::string_view text) {
  Vocab vocab;
  vocab.reserve(text.size() / 16, text.size());
  for (std::int64_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    if (row.empty()) continue;
    const std::size_t space = row.find(' ');
    std::int64_t rank = -1;
    const char* const last = row.data() + row.size();
    if (space == std::string_view::npos || space == 0 ||
        std::from_chars(row.data() + space + 1, last, rank).ptr != last)
      throw Error(ErrorCode::input,
                  "line " + std::to_string(line) +
                      " of the tiktoken file is not a token in base64 and a rank");
    vocab.insert(byte_level::encode(decode_base64(row.substr(0, space))), rank);
  }
  return vocab;
}

/// Every pair of tokens that makes a token is merged, in order of that token's rank.
std::vector<Merge> merges_of(const Vocab& vocab) {
  std::vector<double> scores(static_cast<std::size_t>(vocab.end_id()));
  for (std::size_t id = 0; id < scores.size(); ++id) scores[id] = -static_cast<double>(id);
  return merges_from_scores(scores, vocab);
}

void read(std::string_view text, TokenizerParts& parts) {
  Vocab vocab = read_ranks(text);
  const Kind& kind = kind_of(vocab.size());
  std::vector<Merge> merges = merges_of(vocab);
  for (const Special& s : kind.specials) {
    vocab.insert(s.text, s.id);
    AddedToken t;
    t.content = s.text;
    t.id = static_cast<std::int32_t>(s.id);
    t.special = true;
    parts.added.push_back(t);
  }
  if (kind.bos != nullptr) parts.special["bos_token"] = kind.bos;
  parts.special["eos_token"] = kind.eos;
  BpeOptions options;
  options.ignore_merges = true;
  parts.model = std::make_unique<Bpe>(std::move(vocab), std::move(merges), std::move(options));
  if (kind.nfc) parts.normalizer = {{"type", "NFC"}};
  const Json bytes = {{"type", "ByteLevel"},
                      {"add_prefix_space", false},
                      {"trim_offsets", true},
                      {"use_regex", false}};
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", kind.pattern}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  parts.pre_tokenizer = {{"type", "Sequence"}, {"pretokenizers", Json::array({split, bytes})}};
  parts.decoder = bytes;
}

}  // namespace

bool is_tiktoken(std::string_view bytes) {
  const std::string_view row = bytes.substr(0, std::min(bytes.find('\n'), bytes.size()));
  const std::size_t space = row.find(' ');
  if (space == std::string_view::npos || space == 0 || row.size() > 4096) return false;
  const auto base64 = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
  };
  return std::all_of(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(space), base64);
}

void read_tiktoken(const std::string& bytes, const std::string& folder, TokenizerParts& parts) {
  read(bytes, parts);
  read_tokenizer_config(folder, parts);
  set_bos_eos_template(parts.special.contains("bos_token"), false, parts);
}

}  // namespace axl::tokenizer
