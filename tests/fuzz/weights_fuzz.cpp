// Models from untrusted bytes: config.json, safetensors or GGUF, as the first byte says. The file
// is refused with an Error, or every tensor can be read and the description of the model is JSON.
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/json.hpp"
#include "input_file.hpp"
#include "weights/model_config.hpp"
#include "weights/weight_file.hpp"

namespace {

using namespace axl::weights;

void read_tensors(const std::string& path) {
  const WeightFile file = WeightFile::open(path);
  for (const TensorEntry& t : file.tensors()) {
    if (file.find(t.name) == nullptr) __builtin_trap();
    std::vector<float> values(static_cast<std::size_t>(t.elements()));
    to_float(t, 0, t.elements(), values.data());
    std::vector<axl::bf16> narrow(values.size());
    to_bf16(t, 0, t.elements(), narrow.data());
  }
}

void read_description(const std::string& path) {
  const ModelConfig config = read_model_config(path);
  if (!nlohmann::json::accept(config.raw)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static constexpr const char* kNames[] = {"config.json", "model.safetensors", "model.gguf"};
  const char* name = kNames[data[0] % 3];
  const std::string path = write_input(name, {reinterpret_cast<const char*>(data) + 1, size - 1});
  const auto tried = [&](void (*read)(const std::string&)) {
    try {
      read(path);
    } catch (const axl::Error&) {
    }
  };
  if (data[0] % 3 != 0) tried(&read_tensors);
  if (data[0] % 3 != 1) tried(&read_description);
  return 0;
}
