// How llama.cpp's converter names things, and how it reorders q and k.
#include <array>
#include <charconv>
#include <map>

#include "core/error.hpp"
#include "weights/gguf_reader.hpp"

namespace axl::weights {
namespace {

struct NamePair {
  std::string_view gguf;
  std::string_view hugging_face;
};

constexpr std::array<NamePair, 3> kModelNames{
    {{"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}}};
constexpr std::array<NamePair, 13> kLayerNames{{{"attn_norm", "input_layernorm"},
                                                {"ffn_norm", "post_attention_layernorm"},
                                                {"attn_qkv", "self_attn.qkv_proj"},
                                                {"attn_q", "self_attn.q_proj"},
                                                {"attn_k", "self_attn.k_proj"},
                                                {"attn_v", "self_attn.v_proj"},
                                                {"attn_output", "self_attn.o_proj"},
                                                {"attn_q_norm", "self_attn.q_norm"},
                                                {"attn_k_norm", "self_attn.k_norm"},
                                                {"ffn_gate", "mlp.gate_proj"},
                                                {"ffn_up", "mlp.up_proj"},
                                                {"ffn_up", "mlp.gate_up_proj"},
                                                {"ffn_down", "mlp.down_proj"}}};
/// Where an architecture's names differ from those above: looked at first.
struct OwnName {
  std::string_view architecture;  ///< begins so
  NamePair pair;
};
constexpr OwnName kOwnNames[] = {
    {"gemma", {"ffn_norm", "pre_feedforward_layernorm"}},
    {"gemma", {"post_attention_norm", "post_attention_layernorm"}},
    {"gemma", {"post_ffw_norm", "post_feedforward_layernorm"}},
    {"phi3", {"ffn_up", "mlp.gate_up_proj"}},
};
constexpr std::string_view kGgufLayer = "blk.";
constexpr std::string_view kHuggingFaceLayer = "model.layers.";

constexpr std::pair<std::uint32_t, Storage> kTypes[] = {
    {0, Storage::f32},      {1, Storage::f16},     {2, Storage::q4_0},     {3, Storage::q4_1},
    {6, Storage::q5_0},     {7, Storage::q5_1},    {8, Storage::q8_0},     {10, Storage::q2_k},
    {11, Storage::q3_k},    {12, Storage::q4_k},   {13, Storage::q5_k},    {14, Storage::q6_k},
    {16, Storage::iq2_xxs}, {17, Storage::iq2_xs}, {18, Storage::iq3_xxs}, {19, Storage::iq1_s},
    {20, Storage::iq4_nl},  {21, Storage::iq3_s},  {22, Storage::iq2_s},   {23, Storage::iq4_xs},
    {24, Storage::i8},      {26, Storage::i32},    {27, Storage::i64},     {29, Storage::iq1_m},
    {30, Storage::bf16},    {34, Storage::tq1_0},  {35, Storage::tq2_0},   {39, Storage::mxfp4},
    {40, Storage::nvfp4}};

/// Names of the others, those that ggml has given up included (ggml.h, enum ggml_type).
constexpr std::pair<std::uint32_t, const char*> kForeign[] = {
    {4, "Q4_2"},        {5, "Q4_3"},        {9, "Q8_1"},      {15, "Q8_K"},     {25, "I16"},
    {28, "F64"},        {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"}, {33, "Q4_0_8_8"}, {36, "IQ4_NL_4_4"},
    {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}, {41, "Q1_0"}};

/// Splits "blk.12.attn_q.weight" after `prefix` into "12", "attn_q", ".weight".
struct Parts {
  std::string_view layer, stem, suffix;
};
bool split_layer(std::string_view name, std::string_view prefix, Parts& out) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  const std::size_t dot = name.find('.');
  const std::size_t last = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || last <= dot + 1) return false;
  out = {name.substr(0, dot), name.substr(dot + 1, last - dot - 1), name.substr(last)};
  return out.layer.find_first_not_of("0123456789") == std::string_view::npos;
}

template <std::size_t N>
std::string_view translate(const std::array<NamePair, N>& table, std::string_view stem,
                           bool to_hugging_face) {
  for (const NamePair& p : table)
    if (stem == (to_hugging_face ? p.gguf : p.hugging_face))
      return to_hugging_face ? p.hugging_face : p.gguf;
  return {};
}

std::string_view translate_layer(std::string_view architecture, std::string_view stem,
                                 bool to_hugging_face) {
  for (const auto& [own, pair] : kOwnNames)
    if (architecture.starts_with(own) && stem == (to_hugging_face ? pair.gguf : pair.hugging_face))
      return to_hugging_face ? pair.hugging_face : pair.gguf;
  return translate(kLayerNames, stem, to_hugging_face);
}

std::string translate_name(const std::string& name, std::string_view architecture,
                           bool to_hugging_face) {
  Parts parts;
  if (split_layer(name, to_hugging_face ? kGgufLayer : kHuggingFaceLayer, parts)) {
    const std::string_view stem = translate_layer(architecture, parts.stem, to_hugging_face);
    if (stem.empty()) return name;
    std::string out(to_hugging_face ? kHuggingFaceLayer : kGgufLayer);
    out.append(parts.layer).append(".").append(stem).append(parts.suffix);
    return out;
  }
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return name;
  const std::string_view stem =
      translate(kModelNames, std::string_view(name).substr(0, dot), to_hugging_face);
  return stem.empty() ? name : std::string(stem) + name.substr(dot);
}

}  // namespace

std::optional<Storage> storage_of_ggml(std::uint32_t type) {
  for (const auto& [number, storage] : kTypes)
    if (number == type) return storage;
  return std::nullopt;
}

std::string ggml_name(std::uint32_t type) {
  if (const auto storage = storage_of_ggml(type)) return std::string(name_of(*storage));
  for (const auto& [number, name] : kForeign)
    if (number == type) return name;
  return "unknown type " + std::to_string(type);
}

bool is_ggml_type(std::uint32_t type) { return !ggml_name(type).starts_with("unknown"); }

std::string readable_ggml_types() {
  std::string out;
  for (const auto& [number, storage] : kTypes)
    out += (out.empty() ? "" : ", ") + std::string(name_of(storage));
  return out;
}

std::uint32_t ggml_of_storage(Storage storage) {
  for (const auto& [number, known] : kTypes)
    if (known == storage) return number;
  throw Error(ErrorCode::unsupported,
              "GGUF files cannot hold " + std::string(name_of(storage)) + " tensors");
}

std::string hugging_face_name(const std::string& gguf, std::string_view architecture) {
  if (gguf == "rope_freqs.weight") return {};
  return translate_name(gguf, architecture, true);
}

std::string gguf_name(const std::string& hugging_face) {
  return translate_name(hugging_face, "llama", false);
}

std::int64_t interleaved_head_dim(const GgufMetadata& metadata, const std::string& path,
                                  const std::string& name, std::int64_t rows) {
  const std::string* architecture = metadata.string("general.architecture");
  if (architecture == nullptr || *architecture != "llama") return 0;
  const bool query = name.find(".self_attn.q_proj.") != std::string::npos;
  const bool key = name.find(".self_attn.k_proj.") != std::string::npos;
  if (!query && !key) return 0;
  const std::int64_t* heads = metadata.integer("llama.attention.head_count");
  const std::int64_t* key_heads = metadata.integer("llama.attention.head_count_kv");
  if (key && key_heads != nullptr) heads = key_heads;
  if (heads == nullptr || *heads <= 0 || rows % *heads != 0 || rows / *heads % 2 != 0)
    throw Error(ErrorCode::input,
                path + ": tensor '" + name + "' has " + std::to_string(rows) + " rows for " +
                    (heads == nullptr ? "an unknown number of" : std::to_string(*heads)) +
                    " heads; an even number a head is needed");
  return rows / *heads;
}

const std::string* GgufMetadata::string(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : std::get_if<std::string>(&found->second);
}
const std::int64_t* GgufMetadata::integer(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
}
const std::vector<std::string>* GgufMetadata::strings(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : std::get_if<std::vector<std::string>>(&found->second);
}
const std::vector<std::int64_t>* GgufMetadata::integers(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : std::get_if<std::vector<std::int64_t>>(&found->second);
}

}  // namespace axl::weights
