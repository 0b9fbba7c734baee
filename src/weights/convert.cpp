#include "weights/convert.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "weights/finite.hpp"
#include "weights/formats.hpp"
#include "weights/gguf_reader.hpp"

namespace axl::weights {
namespace {

constexpr std::int64_t kPiece = std::int64_t{1} << 18;  // elements; a multiple of every block

template <class T>
void store(std::byte* out, std::int64_t index, T value) {
  std::memcpy(out + index * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

void encode_q8_0(const float* values, std::int64_t elements, std::byte* out) {
  for (std::int64_t first = 0; first < elements; first += 32, out += 34) {
    float largest = 0.0f;
    for (std::int64_t i = 0; i < 32; ++i) largest = std::max(largest, std::abs(values[first + i]));
    const float scale = largest / 127.0f;
    const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
    store(out, 0, float_to_f16(scale));
    for (std::int64_t i = 0; i < 32; ++i)
      out[2 + i] =
          static_cast<std::byte>(static_cast<std::int8_t>(std::round(values[first + i] * inverse)));
  }
}

std::string shard_name(std::size_t index, std::size_t count) {
  char name[64];
  std::snprintf(name, sizeof(name), "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return name;
}

}  // namespace

Storage plain(Storage storage) { return block_of(storage) > 1 ? Storage::bf16 : storage; }

bool is_integer(Storage storage) {
  return storage == Storage::i64 || storage == Storage::i32 || storage == Storage::u8 ||
         storage == Storage::i8;
}

void encode(const float* values, std::int64_t elements, Storage target, std::byte* out) {
  switch (target) {
    case Storage::f32:
      std::memcpy(out, values, static_cast<std::size_t>(elements) * sizeof(float));
      return;
    case Storage::f16:
      for (std::int64_t i = 0; i < elements; ++i) store(out, i, float_to_f16(values[i]));
      return;
    case Storage::bf16:
      for (std::int64_t i = 0; i < elements; ++i) store(out, i, bf16(values[i]));
      return;
    case Storage::q8_0:
      AXL_CHECK(elements % 32 == 0, "Q8_0 needs a multiple of 32 elements");
      encode_q8_0(values, elements, out);
      return;
    default:
      throw Error(ErrorCode::unsupported,
                  "tensors cannot be written as " + std::string(name_of(target)))
          .hint("F32, F16, BF16 and Q8_0 can be");
  }
}

TensorToWrite converted(const TensorEntry& source, Storage target) {
  const bool as_it_is = source.storage == target && source.interleaved_head_dim == 0;
  return {source.name, target, source.shape, [source, target, as_it_is](const auto& sink) {
            std::vector<float> values;
            std::vector<std::byte> bytes;
            const std::int64_t total = source.elements();
            for (std::int64_t first = 0; first < total; first += kPiece) {
              const std::int64_t n = std::min(kPiece, total - first);
              if (as_it_is) {
                require_finite(source, first, n);
                sink(source.bytes.subspan(static_cast<std::size_t>(bytes_of(target, first)),
                                          static_cast<std::size_t>(bytes_of(target, n))));
                continue;
              }
              values.resize(static_cast<std::size_t>(n));
              bytes.resize(static_cast<std::size_t>(bytes_of(target, n)));
              to_finite_float(source, first, n, values.data());
              encode_finite(source.name, first, values.data(), n, target, bytes.data());
              sink(bytes);
            }
          }};
}

std::vector<TensorToWrite> carried(const WeightFile& file) {
  std::vector<TensorToWrite> out;
  for (const ForeignTensor& t : file.foreign()) {
    if (gguf_name(t.name) != t.name) file.get(t.name);  // the model's own: says it is not read
    if (t.bytes.empty() && checked_elements(t.shape) != 0)
      throw Error(ErrorCode::unsupported, *t.file + ": tensor '" + t.name + "' has type " + t.type +
                                              ", which cannot be carried along");
    out.push_back({t.name,
                   Storage::u8,
                   {static_cast<std::int64_t>(t.bytes.size())},
                   [bytes = t.bytes](const auto& sink) { sink(bytes); },
                   t.type,
                   t.shape});
  }
  return out;
}

void write_model_safetensors(const std::string& folder, const std::vector<TensorToWrite>& tensors,
                             std::int64_t max_shard_bytes) {
  std::vector<std::vector<TensorToWrite>> shards(1);
  std::int64_t filled = 0;
  std::int64_t total = 0;
  for (const TensorToWrite& t : tensors) {
    const std::int64_t bytes = bytes_of(t.storage, checked_elements(t.shape));
    if (!shards.back().empty() && filled + bytes > max_shard_bytes) {
      shards.emplace_back();
      filled = 0;
    }
    shards.back().push_back(t);
    filled += bytes;
    total += bytes;
  }
  if (shards.size() == 1) return write_safetensors(folder + "/model.safetensors", tensors);
  nlohmann::json index;
  index["metadata"]["total_size"] = total;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i, shards.size());
    write_safetensors(folder + "/" + name, shards[i]);
    for (const TensorToWrite& t : shards[i]) index["weight_map"][t.name] = name;
  }
  write_durably(folder + "/model.safetensors.index.json", json_text(index, 2) + "\n");
}

}  // namespace axl::weights
