// SentencePiece's .model files: a protobuf message (github.com/google/sentencepiece,
// sentencepiece_model.proto), of which only the fields that decide ids are read.
#include <algorithm>
#include <cstring>

#include "core/error.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/models/bpe.hpp"
#include "tokenizer/models/unigram.hpp"
#include "tokenizer/protobuf.hpp"
#include "tokenizer/tokenizer_parts.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/word_marks.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

enum PieceType : std::uint64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4 };
enum ModelType : std::uint64_t { kUnigram = 1, kBpe = 2 };

struct Piece {
  std::string_view text;
  float score = 0;
  std::uint64_t type = kNormal;
};

/// What the file says; texts are views into it.
struct Message {
  std::vector<Piece> pieces;
  std::uint64_t model_type = kUnigram;
  bool byte_fallback = false;
  std::int64_t ids[4] = {0, 1, 2, -1};  // unk, bos, eos, pad
  std::string_view character_map;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
};
constexpr const char* kNamesOfIds[] = {"unk_token", "bos_token", "eos_token", "pad_token"};

Piece read_piece(std::string_view bytes) {
  Piece piece;
  for (ProtobufReader r(bytes); r.next();) {
    if (r.field() == 1) piece.text = r.bytes();
    if (r.field() == 2) piece.score = r.number<float>();
    if (r.field() == 3) piece.type = r.integer();
  }
  return piece;
}

void read_trainer(std::string_view bytes, Message& m) {
  for (ProtobufReader r(bytes); r.next();) {
    if (r.field() == 3) m.model_type = r.integer();
    if (r.field() == 35) m.byte_fallback = r.integer() != 0;
    if (r.field() >= 40 && r.field() <= 43)
      m.ids[r.field() - 40] = static_cast<std::int32_t>(r.integer());
  }
}

void read_normalizer(std::string_view bytes, Message& m) {
  for (ProtobufReader r(bytes); r.next();) {
    if (r.field() == 2) m.character_map = r.bytes();
    if (r.field() == 3) m.add_dummy_prefix = r.integer() != 0;
    if (r.field() == 4) m.remove_extra_whitespaces = r.integer() != 0;
  }
}

Message read_message(std::string_view bytes) {
  Message m;
  for (ProtobufReader r(bytes); r.next();) {
    if (r.field() == 1) m.pieces.push_back(read_piece(r.bytes()));
    if (r.field() == 2) read_trainer(r.bytes(), m);
    if (r.field() == 3) read_normalizer(r.bytes(), m);
  }
  if (m.pieces.empty()) throw Error(ErrorCode::input, "the SentencePiece model has no pieces");
  if (m.model_type != kUnigram && m.model_type != kBpe)
    throw Error(ErrorCode::input, "SentencePiece's model type " + std::to_string(m.model_type) +
                                      " (word or character) is not supported")
        .hint("supported: unigram, bpe");
  return m;
}

void read_model(const Message& m, TokenizerParts& parts) {
  Vocab vocab;
  std::vector<double> scores;
  vocab.reserve(m.pieces.size(), 16 * m.pieces.size());
  for (const Piece& p : m.pieces) {
    const auto id = static_cast<std::int32_t>(scores.size());
    if (!unicode::is_valid(p.text))
      throw Error(ErrorCode::input, "piece " + std::to_string(id) + " is not UTF-8");
    vocab.append(p.text);
    scores.push_back(static_cast<double>(p.score));
    if (p.type != kUnknown && p.type != kControl && p.type != kUserDefined) continue;
    AddedToken t;
    t.content = p.text;
    t.id = id;
    t.special = p.type != kUserDefined;
    parts.added.push_back(t);
  }
  const auto known = [&](std::int64_t id) {
    return id >= 0 && id < static_cast<std::int64_t>(m.pieces.size());
  };
  for (std::size_t i = 0; i < std::size(m.ids); ++i)
    if (known(m.ids[i]))
      parts.special[kNamesOfIds[i]] = m.pieces[static_cast<std::size_t>(m.ids[i])].text;
  if (m.model_type == kBpe) {
    BpeOptions options;
    if (known(m.ids[0])) options.unk_token = m.pieces[static_cast<std::size_t>(m.ids[0])].text;
    options.byte_fallback = m.byte_fallback;
    options.fuse_unk = true;
    std::vector<Merge> merges = merges_from_scores(scores, vocab);
    parts.model = std::make_unique<Bpe>(std::move(vocab), std::move(merges), std::move(options));
  } else {
    Unigram::Options options;
    if (known(m.ids[0])) options.unk_id = static_cast<std::int32_t>(m.ids[0]);
    options.byte_fallback = m.byte_fallback;
    options.scores_from_json = false;
    parts.model = std::make_unique<Unigram>(std::move(vocab), std::move(scores), options);
  }
}

Json replace_json(const char* kind, const char* pattern, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}

bool setting(const TokenizerParts& parts, const char* key, bool fallback) {
  const auto it = parts.config.find(key);
  return it != parts.config.end() && it->is_boolean() ? it->get<bool>() : fallback;
}

/// The chain that SentencePiece runs, spelled with tokenizer.json's components.
void lay_out(const Message& m, TokenizerParts& parts) {
  const std::string mark(kWordMark);
  const bool prefix = setting(parts, "add_prefix_space", m.add_dummy_prefix);
  Json steps = Json::array();
  if (!m.character_map.empty())
    steps.push_back(
        {{"type", "Precompiled"}, {"precompiled_charsmap", encode_base64(m.character_map)}});
  if (m.remove_extra_whitespaces) {
    steps.push_back(replace_json("Regex", "^ +| +$", ""));
    steps.push_back(replace_json("Regex", " {2,}", " "));
  }
  // Hugging Face's Llama tokenizers of the older behaviour put the mark before every stretch of
  // text between special tokens, those of the newer one before the first only.
  const bool bpe = m.model_type == kBpe;
  const bool legacy = setting(parts, "legacy", true);
  const bool first_only = bpe && !legacy;
  if (!first_only) {
    // Not Metaspace's: that leaves the mark out where a text begins with a space of its own.
    if (prefix) steps.push_back({{"type", "Prepend"}, {"prepend", mark}});
    steps.push_back(replace_json("String", " ", mark));
  }
  if (first_only || !bpe)
    parts.pre_tokenizer = {{"type", "Metaspace"},
                           {"replacement", mark},
                           {"prepend_scheme", first_only && prefix ? "first" : "never"},
                           {"split", !bpe}};
  if (!steps.empty()) parts.normalizer = {{"type", "Sequence"}, {"normalizers", steps}};
  Json decoders = Json::array();
  decoders.push_back(replace_json("String", mark.c_str(), " "));
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (prefix) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  parts.decoder = {{"type", "Sequence"}, {"decoders", decoders}};
}

}  // namespace

void read_sentencepiece(const std::string& bytes, const std::string& folder,
                        TokenizerParts& parts) {
  const Message m = read_message(bytes);
  read_model(m, parts);
  read_tokenizer_config(folder, parts);
  lay_out(m, parts);
  // Llama and Mistral begin with <s>; T5 and its kin end with </s>.
  const bool bpe = m.model_type == kBpe;
  const auto name = parts.config.find("tokenizer_class");
  const bool t5 = name != parts.config.end() && name->is_string() &&
                  name->get<std::string>().find("T5") != std::string::npos;
  set_bos_eos_template(setting(parts, "add_bos_token", bpe), setting(parts, "add_eos_token", t5),
                       parts);
}

}  // namespace axl::tokenizer
