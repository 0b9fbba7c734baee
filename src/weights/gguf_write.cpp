#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "weights/formats.hpp"
#include "weights/gguf_reader.hpp"

namespace axl::weights {
namespace {

constexpr std::uint64_t kAlignment = 32;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put_text(std::string& out, const std::string& text) {
  put<std::uint64_t>(out, text.size());
  out += text;
}

enum : std::uint32_t {
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kI64 = 11
};

bool fits_i32(std::int64_t v) {
  return v >= std::numeric_limits<std::int32_t>::min() &&
         v <= std::numeric_limits<std::int32_t>::max();
}

/// llama.cpp insists on types: counts are u32, reals f32, lists of integers i32.
void put_value(std::string& out, const GgufValue& value) {
  std::visit(
      [&out](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, bool>) {
          put(out, std::uint32_t{kBool});
          put<std::uint8_t>(out, v ? 1 : 0);
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          if (v >= 0 && v <= std::numeric_limits<std::uint32_t>::max()) {
            put(out, std::uint32_t{kU32});
            put(out, static_cast<std::uint32_t>(v));
          } else if (fits_i32(v)) {
            put(out, std::uint32_t{kI32});
            put(out, static_cast<std::int32_t>(v));
          } else {
            put(out, std::uint32_t{kI64});
            put(out, v);
          }
        } else if constexpr (std::is_same_v<T, double>) {
          put(out, std::uint32_t{kF32});
          put(out, static_cast<float>(v));
        } else if constexpr (std::is_same_v<T, std::string>) {
          put(out, std::uint32_t{kString});
          put_text(out, v);
        } else {
          put(out, std::uint32_t{kArray});
          if constexpr (std::is_same_v<T, std::vector<std::string>>) {
            put(out, std::uint32_t{kString});
            put<std::uint64_t>(out, v.size());
            for (const std::string& s : v) put_text(out, s);
          } else if constexpr (std::is_same_v<T, std::vector<double>>) {
            put(out, std::uint32_t{kF32});
            put<std::uint64_t>(out, v.size());
            for (const double d : v) put(out, static_cast<float>(d));
          } else {
            const bool narrow = std::all_of(v.begin(), v.end(), fits_i32);
            put(out, narrow ? std::uint32_t{kI32} : std::uint32_t{kI64});
            put<std::uint64_t>(out, v.size());
            for (const std::int64_t i : v)
              narrow ? put(out, static_cast<std::int32_t>(i)) : put(out, i);
          }
        }
      },
      value);
}

void pad(DurableFile& file) {
  const std::string zeros((kAlignment - file.bytes_written() % kAlignment) % kAlignment, '\0');
  file.write(zeros);
}

/// Rows (head, half, i) go to (head, i, half): llama.cpp's rotary layout.
void write_interleaved(const TensorToWrite& t, std::int64_t head, std::size_t total,
                       DurableFile& file) {
  std::vector<std::byte> rows;
  rows.reserve(total);
  t.write([&rows](std::span<const std::byte> b) { rows.insert(rows.end(), b.begin(), b.end()); });
  AXL_CHECK(rows.size() == total, "the writer of tensor " + t.name + " gave the wrong size");
  const auto count = static_cast<std::size_t>(t.shape.front());
  const std::size_t row_bytes = total / count;
  const auto size = static_cast<std::size_t>(head);
  for (std::size_t stored = 0; stored < count; ++stored) {
    const std::size_t in_head = stored % size;
    const std::size_t source = stored - in_head + in_head % 2 * (size / 2) + in_head / 2;
    file.write(std::span(rows).subspan(source * row_bytes, row_bytes));
  }
}

std::string header_of(const std::string& path, const GgufMetadata& metadata,
                      const std::vector<TensorToWrite>& tensors) {
  std::string out = "GGUF";
  put<std::uint32_t>(out, 3);
  put<std::uint64_t>(out, tensors.size());
  put<std::uint64_t>(out, metadata.values.size());
  for (const auto& [key, value] : metadata.values) {
    put_text(out, key);
    put_value(out, value);
  }
  std::uint64_t offset = 0;
  for (const TensorToWrite& t : tensors) {
    const std::size_t rank = t.shape.size();
    if (rank == 0 || rank > 4)
      throw Error(ErrorCode::unsupported, path + ": tensor '" + t.name + "' has " +
                                              std::to_string(rank) +
                                              " dimensions, GGUF holds 1 to 4");
    AXL_CHECK(t.shape.back() % block_of(t.storage) == 0,
              "rows of tensor " + t.name + " do not fill blocks");
    put_text(out, gguf_name(t.name));
    put(out, static_cast<std::uint32_t>(rank));
    for (auto d = t.shape.rbegin(); d != t.shape.rend(); ++d)
      put(out, static_cast<std::uint64_t>(*d));
    put(out, ggml_of_storage(t.storage));
    put(out, offset);
    const auto bytes = static_cast<std::uint64_t>(bytes_of(t.storage, checked_elements(t.shape)));
    offset += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  return out;
}

}  // namespace

void write_gguf(const std::string& path, const GgufMetadata& metadata,
                const std::vector<TensorToWrite>& tensors) {
  GgufMetadata values = metadata;
  values.values["general.alignment"] = static_cast<std::int64_t>(kAlignment);
  DurableFile file(path);
  file.write(header_of(path, values, tensors));
  pad(file);
  for (const TensorToWrite& t : tensors) {
    const auto total = static_cast<std::size_t>(bytes_of(t.storage, checked_elements(t.shape)));
    const std::size_t before = file.bytes_written();
    const std::int64_t head = interleaved_head_dim(values, path, t.name, t.shape.front());
    if (head > 0)
      write_interleaved(t, head, total, file);
    else
      t.write([&file](std::span<const std::byte> bytes) { file.write(bytes); });
    AXL_CHECK(file.bytes_written() - before == total,
              "the writer of tensor " + t.name + " gave the wrong number of bytes");
    pad(file);
  }
  file.commit();
}

}  // namespace axl::weights
