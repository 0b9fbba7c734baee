#include "checkpoint/export.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "checkpoint/gguf_tokenizer.hpp"
#include "checkpoint/model_folder.hpp"
#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/log.hpp"
#include "family/family.hpp"
#include "weights/convert.hpp"
#include "weights/finite.hpp"
#include "weights/gguf.hpp"
#include "weights/gguf_reader.hpp"
#include "weights/gguf_rope.hpp"
#include "weights/model_config.hpp"
#include "weights/tying.hpp"

namespace axl::checkpoint {
namespace {

namespace fs = std::filesystem;
using weights::GgufMetadata;
using weights::ModelConfig;
using weights::Storage;
using weights::TensorEntry;
using weights::TensorToWrite;
using weights::WeightFile;

constexpr std::int64_t kPiece = std::int64_t{1} << 18;

/// One tensor of the source and how it is stored in the target.
struct Item {
  const TensorEntry* source = nullptr;
  Storage target = Storage::f32;
};

class Progress {
 public:
  Progress(const ExportProgress& report, std::string_view phase, std::int64_t total)
      : report_(report), phase_(phase), total_(total) {}
  void add(std::int64_t bytes) {
    done_ += bytes;
    if (report_) report_(phase_, done_, total_);
  }

 private:
  const ExportProgress& report_;
  std::string_view phase_;
  std::int64_t total_;
  std::int64_t done_ = 0;
};

std::int64_t bytes_of(const Item& item) {
  return weights::bytes_of(item.target, item.source->elements());
}

std::int64_t total_bytes(const std::vector<Item>& items) {
  std::int64_t total = 0;
  for (const Item& item : items) total += bytes_of(item);
  return total;
}

std::vector<TensorToWrite> writers(const std::vector<Item>& items, Progress& progress) {
  std::vector<TensorToWrite> out;
  for (const Item& item : items) {
    TensorToWrite t = weights::converted(*item.source, item.target);
    t.write = [inner = std::move(t.write), &progress](const auto& sink) {
      inner([&](std::span<const std::byte> bytes) {
        sink(bytes);
        progress.add(static_cast<std::int64_t>(bytes.size()));
      });
    };
    out.push_back(std::move(t));
  }
  return out;
}

/// Reads the written model and compares every value with the source's, rounded to the target.
void verify(const std::string& written, const std::vector<Item>& items,
            const ExportOptions& options) {
  const WeightFile out = WeightFile::open(written);
  Progress progress(options.progress, "verify", total_bytes(items));
  std::vector<float> expected;
  std::vector<float> got;
  std::vector<std::byte> rounded;
  for (const Item& item : items) {
    const TensorEntry& back = out.get(item.source->name);
    if (back.shape != item.source->shape)
      throw Error(ErrorCode::io,
                  written + ": tensor '" + back.name + "' came back in another shape");
    for (std::int64_t first = 0; first < back.elements(); first += kPiece) {
      const std::int64_t n = std::min(kPiece, back.elements() - first);
      const auto size = static_cast<std::size_t>(n);
      expected.resize(size);
      got.resize(size);
      weights::to_float(*item.source, first, n, expected.data());
      if (!weights::is_integer(item.target)) {
        rounded.resize(static_cast<std::size_t>(weights::bytes_of(item.target, n)));
        weights::encode_finite(back.name, first, expected.data(), n, item.target, rounded.data());
        weights::to_float({"", item.target, {n}, rounded}, 0, n, expected.data());
      }
      weights::to_float(back, first, n, got.data());
      if (std::memcmp(expected.data(), got.data(), size * sizeof(float)) != 0)
        throw Error(ErrorCode::io,
                    written + ": tensor '" + back.name + "' does not read back as written");
      progress.add(weights::bytes_of(item.target, n));
    }
  }
}

ExportSummary summary_of(const std::vector<Item>& items) {
  ExportSummary out;
  for (const Item& item : items) {
    ++out.tensors;
    out.elements += item.source->elements();
    out.bytes += bytes_of(item);
  }
  return out;
}

/// The element type that config.json names: that of the widest-spread floating tensor.
Storage main_storage(const std::vector<Item>& items) {
  const Item* largest = nullptr;
  for (const Item& item : items)
    if (!weights::is_integer(item.target) &&
        (largest == nullptr || bytes_of(item) > bytes_of(*largest)))
      largest = &item;
  return largest == nullptr ? Storage::f32 : largest->target;
}

ExportSummary to_folder(const std::string& source, const std::string& target,
                        const ModelConfig& config, const WeightFile& in,
                        const ExportOptions& options) {
  if (options.dtype == Storage::q8_0)
    throw Error(ErrorCode::input, "a Hugging Face folder cannot hold Q8_0")
        .hint("take f32, f16 or bf16, or write a .gguf file");
  std::vector<Item> items;
  for (const TensorEntry& t : in.tensors())
    items.push_back({&t, weights::is_integer(t.storage)
                             ? t.storage
                             : options.dtype.value_or(weights::plain(t.storage))});
  refuse_overwriting(target, source, "the model", true);
  ModelFolder folder(target, options.overwrite);
  write_companions(source, config, main_storage(items), folder.path());
  Progress progress(options.progress, "write", total_bytes(items));
  std::vector<TensorToWrite> tensors = writers(items, progress);
  for (TensorToWrite& t : weights::carried(in)) tensors.push_back(std::move(t));
  weights::write_model_safetensors(folder.path(), tensors, options.max_shard_bytes);
  if (options.verify) verify(folder.path(), items, options);
  folder.commit();
  return summary_of(items);
}

std::int64_t file_type_of(Storage storage) {  // llama.cpp's llama_ftype
  switch (storage) {
    case Storage::f16:
      return 1;
    case Storage::q8_0:
      return 7;
    case Storage::bf16:
      return 32;
    default:
      return 0;
  }
}

void add_rope_metadata(const ModelConfig& config, GgufMetadata& metadata) {
  auto& values = metadata.values;
  values["llama.rope.freq_base"] = config.rope.theta;
  values["llama.rope.dimension_count"] = config.head_dim;
  if (config.rope.type == "default" || config.rope.type == "llama3") return;
  if (config.rope.type != "linear" && config.rope.type != "yarn")
    throw Error(ErrorCode::unsupported,
                "GGUF files cannot describe rope scaling '" + config.rope.type + "'");
  const weights::RopeConfig& rope = config.rope;
  const bool own_attention =
      rope.attention_factor > 0 || (rope.mscale > 0 && rope.mscale_all_dim > 0);
  if (rope.type == "yarn" && (own_attention || !rope.truncate))
    throw Error(ErrorCode::unsupported,
                "GGUF files cannot describe yarn with attention_factor, mscale or truncate: false");
  if (rope.type == "yarn") {
    values["llama.rope.scaling.yarn_beta_fast"] = rope.beta_fast;
    values["llama.rope.scaling.yarn_beta_slow"] = rope.beta_slow;
  }
  values["llama.rope.scaling.type"] = config.rope.type;
  values["llama.rope.scaling.factor"] = config.rope.factor;
  values["llama.rope.scaling.original_context_length"] =
      config.rope.original_max_position_embeddings;
}

GgufMetadata metadata_of(const ModelConfig& config, const std::string& source) {
  GgufMetadata out;
  auto& v = out.values;
  fs::path name = fs::absolute(source).lexically_normal();
  if (!name.has_filename()) name = name.parent_path();
  v["general.architecture"] = std::string("llama");
  v["general.name"] = name.filename().string();
  v["llama.block_count"] = config.num_hidden_layers;
  v["llama.context_length"] = config.max_position_embeddings;
  v["llama.embedding_length"] = config.hidden_size;
  v["llama.feed_forward_length"] = config.intermediate_size;
  v["llama.attention.head_count"] = config.num_attention_heads;
  v["llama.attention.head_count_kv"] = config.num_key_value_heads;
  v["llama.attention.key_length"] = config.head_dim;
  v["llama.attention.value_length"] = config.head_dim;
  v["llama.attention.layer_norm_rms_epsilon"] = config.rms_norm_eps;
  v["llama.vocab_size"] = config.vocab_size;
  const auto first = [&](const char* kind, const std::vector<std::int64_t>& ids) {
    if (!ids.empty()) v["tokenizer.ggml." + std::string(kind) + "_token_id"] = ids.front();
  };
  first("bos", config.bos_token_id);
  first("eos", config.eos_token_id);
  if (config.pad_token_id >= 0) v["tokenizer.ggml.padding_token_id"] = config.pad_token_id;
  add_rope_metadata(config, out);
  return out;
}

/// llama.cpp wants norms and biases in F32, and takes F16 where rows do not fill Q8_0's blocks.
Storage gguf_target(const TensorEntry& t, const ExportOptions& options) {
  if (t.shape.size() < 2) return Storage::f32;
  const Storage wanted = options.dtype.value_or(weights::plain(t.storage));
  if (wanted == Storage::q8_0 && t.shape.back() % weights::block_of(wanted) != 0) {
    log::warning("{} is written as F16: its rows of {} do not fill blocks of 32", t.name,
                 t.shape.back());
    return Storage::f16;
  }
  return wanted;
}

bool has_gguf_name(const std::string& name) { return weights::gguf_name(name) != name; }

ExportSummary to_gguf(const std::string& source, const std::string& target,
                      const ModelConfig& config, const WeightFile& in,
                      const ExportOptions& options) {
  std::error_code ignored;
  refuse_overwriting(target, source, "the model", false);
  if (fs::exists(target, ignored) && !options.overwrite)
    throw Error(ErrorCode::input, target + " exists already")
        .hint("name another file, or give --overwrite to replace it");
  if (config.architecture != "LlamaForCausalLM")
    throw Error(ErrorCode::unsupported, source + ": models of class '" + config.architecture +
                                            "' cannot be written as GGUF")
        .hint("known: LlamaForCausalLM");
  for (const weights::ForeignTensor& t : in.foreign())
    throw Error(ErrorCode::unsupported,
                source + ": tensor '" + t.name + "' (" + t.type + ") has no place in a GGUF file");
  std::vector<Item> items;
  for (const TensorEntry& t : in.tensors()) {
    if (t.name.ends_with(".rotary_emb.inv_freq")) continue;  // computed, not a parameter
    const bool mlp = t.name.find(".mlp.") != std::string::npos;
    if (t.name.ends_with(".bias") && !(mlp ? config.mlp_bias : config.attention_bias))
      continue;  // the model has none, whatever the file holds: a reader of GGUF would take it
    if (!has_gguf_name(t.name) || weights::is_integer(t.storage))
      throw Error(ErrorCode::unsupported,
                  source + ": tensor '" + t.name + "' has no place in a GGUF file");
    items.push_back({&t, gguf_target(t, options)});
  }
  GgufMetadata metadata = metadata_of(config, source);
  metadata.values["general.file_type"] = file_type_of(main_storage(items));
  if (main_storage(items) == Storage::q8_0)
    metadata.values["general.quantization_version"] = std::int64_t{2};
  if (fs::is_directory(source, ignored)) {
    if (is_there(fs::path(source) / "tokenizer.json"))
      add_tokenizer_metadata(source, in.get(weights::kEmbeddingName).shape.front(),
                             target + ".probe", metadata);
    else
      log::warning("{} holds no tokenizer.json, so {} gets no tokenizer", source, target);
  } else {
    for (const auto& [key, value] : weights::read_gguf_metadata(source).values)
      if (key.starts_with("tokenizer.")) metadata.values[key] = value;
  }
  Progress progress(options.progress, "write", total_bytes(items));
  std::vector<TensorToWrite> tensors = writers(items, progress);
  std::vector<float> divisors;
  if (config.rope.type == "llama3") {
    divisors = weights::llama3_divisors(
        {.factor = config.rope.factor,
         .low_freq_factor = config.rope.low_freq_factor,
         .high_freq_factor = config.rope.high_freq_factor,
         .original_max_position_embeddings = config.rope.original_max_position_embeddings},
        config.rope.theta, config.head_dim);
    tensors.push_back(weights::float_tensor(
        "rope_freqs.weight", {static_cast<std::int64_t>(divisors.size())}, divisors.data()));
  }
  const std::string unchecked = target + ".unchecked";
  weights::write_gguf(unchecked, metadata, tensors);
  try {
    if (options.verify) verify(unchecked, items, options);
    fs::rename(unchecked, target);
  } catch (...) {
    fs::remove(unchecked, ignored);
    throw;
  }
  const std::string parent = fs::path(target).parent_path().string();
  sync_path(parent.empty() ? "." : parent);
  return summary_of(items);
}

}  // namespace

void check_tensors(const std::string& source, const WeightFile& in) {
  if (in.tensors().empty() && in.foreign().empty())
    throw Error(ErrorCode::input, source + ": holds no tensors")
        .hint("an interrupted conversion leaves such files");
  for (const TensorEntry& t : in.tensors())
    if (has_gguf_name(t.name) && t.elements() == 0)
      throw Error(ErrorCode::input, source + ": tensor '" + t.name + "' has no elements");
}

namespace {

/// The embedding and the head, by Llama's names where the family is not one of ours.
std::vector<std::string> tables_of(const ModelConfig& config) {
  for (const family::FamilySpec& f : family::families())
    for (const std::string_view architecture : f.hf_architectures)
      if (architecture == config.architecture) return f.tables();
  return {weights::kEmbeddingName, weights::kHeadName};
}

}  // namespace

ExportSummary export_model(const std::string& source, const std::string& target,
                           const ExportOptions& options) {
  if (options.dtype && weights::block_of(*options.dtype) > 1 && *options.dtype != Storage::q8_0)
    throw Error(ErrorCode::unsupported, "models can be written as F32, F16, BF16 and Q8_0");
  WeightFile in = WeightFile::open(source);
  check_tensors(source, in);
  ModelConfig config = weights::read_model_config(source);
  const std::vector<std::string> tables = tables_of(config);
  weights::settle_tying(config, in, tables[0], tables[1]);
  return target.ends_with(".gguf") ? to_gguf(source, target, config, in, options)
                                   : to_folder(source, target, config, in, options);
}

}  // namespace axl::checkpoint
