#include <array>
#include <cstring>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "weights/weight_file.hpp"

namespace axl::weights {
namespace {

std::int64_t elements_of(const std::vector<std::int64_t>& shape) {
  std::int64_t n = 1;
  for (const std::int64_t d : shape) n *= d;
  return n;
}

std::string header_of(const std::vector<TensorToWrite>& tensors) {
  std::string out = R"({"__metadata__":{"format":"pt"})";
  std::int64_t offset = 0;
  for (const TensorToWrite& t : tensors) {
    AXL_CHECK(block_of(t.storage) == 1,
              "safetensors cannot hold " + std::string(name_of(t.storage)) + " tensor " + t.name);
    const std::int64_t bytes = bytes_of(t.storage, elements_of(t.shape));
    const bool foreign = !t.foreign_type.empty();
    out += ',' + json_string(t.name) + R"(:{"dtype":")" +
           (foreign ? t.foreign_type : std::string(name_of(t.storage))) + R"(","shape":)" +
           json_text(nlohmann::json(foreign ? t.foreign_shape : t.shape)) + R"(,"data_offsets":[)" +
           std::to_string(offset) + ',' + std::to_string(offset + bytes) + "]}";
    offset += bytes;
  }
  out += '}';
  out.append((8 - out.size() % 8) % 8, ' ');
  return out;
}

}  // namespace

void write_safetensors(const std::string& path, const std::vector<TensorToWrite>& tensors) {
  DurableFile file(path);
  const std::string header = header_of(tensors);
  const std::uint64_t length = header.size();
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const TensorToWrite& t : tensors) {
    const std::size_t before = file.bytes_written();
    t.write([&file](std::span<const std::byte> bytes) { file.write(bytes); });
    const auto needed = static_cast<std::size_t>(bytes_of(t.storage, elements_of(t.shape)));
    AXL_CHECK(file.bytes_written() - before == needed,
              "the writer of tensor " + t.name + " gave the wrong number of bytes");
  }
  file.commit();
}

TensorToWrite float_tensor(std::string name, std::vector<std::int64_t> shape, const float* data) {
  const auto n = static_cast<std::size_t>(elements_of(shape));
  return {std::move(name), Storage::f32, std::move(shape),
          [data, n](const auto& sink) { sink(std::as_bytes(std::span(data, n))); }};
}

}  // namespace axl::weights
