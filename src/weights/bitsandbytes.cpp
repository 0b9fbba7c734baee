// bitsandbytes' 4-bit matrices as transformers saves them: beside NAME, the codes, there are
//   NAME.absmax                          scales (F32), or codes of them (U8)
//   NAME.nested_absmax, .nested_quant_map   with double quantisation
//   NAME.quant_map                       the 16 values
//   NAME.quant_state.bitsandbytes__nf4   JSON: shape, block size, type, offset
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "axl/kernels/quantile_map.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "weights/formats.hpp"

namespace axl::weights {
namespace {

constexpr std::string_view kState = ".quant_state.bitsandbytes__";

using ByName = std::map<std::string_view, const TensorEntry*>;

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::input, "4-bit tensor '" + name + "' " + what);
}

const TensorEntry& part(const ByName& tensors, const std::string& name, const char* suffix) {
  const auto found = tensors.find(name + suffix);
  if (found == tensors.end()) refuse(name, "lacks '" + name + suffix + "'");
  return *found->second;
}

/// The file's values, copied where they are not aligned.
template <class T>
const T* values(const TensorEntry& t, Storage storage, std::int64_t count, FourBitSide& side) {
  if (t.storage != storage || t.elements() != count)
    refuse(t.name, "is " + std::string(name_of(t.storage)) + " of " + std::to_string(t.elements()) +
                       " elements, expected " + std::string(name_of(storage)) + " of " +
                       std::to_string(count));
  const std::byte* at = t.bytes.data();
  if (reinterpret_cast<std::uintptr_t>(at) % alignof(T) != 0)
    at = side.owned.emplace_back(t.bytes.begin(), t.bytes.end()).data();
  return reinterpret_cast<const T*>(at);
}

/// The values of codes must be those that decoding has.
template <std::size_t N>
void check_map(const TensorEntry& t, const std::array<float, N>& known, FourBitSide& side) {
  const float* map = values<float>(t, Storage::f32, N, side);
  const auto close = [](float a, float b) { return std::abs(a - b) <= 1e-6f; };
  if (!std::equal(known.begin(), known.end(), map, close))
    throw Error(ErrorCode::unsupported,
                "'" + t.name + "' holds other values than bitsandbytes' for this type");
}

TensorEntry joined(const ByName& tensors, const TensorEntry& state) {
  const std::size_t at = state.name.find(kState);
  const std::string name = state.name.substr(0, at), type = state.name.substr(at + kState.size());
  if (type != "nf4" && type != "fp4")
    throw Error(ErrorCode::unsupported, "4-bit type '" + type + "' of '" + name + "'")
        .hint("nf4 and fp4 are read");
  const TensorEntry& codes = part(tensors, name, "");
  const auto json = parse_json<nlohmann::json>(
      std::string_view(reinterpret_cast<const char*>(state.bytes.data()), state.bytes.size()));
  TensorEntry out = codes;
  auto side = std::make_shared<FourBitSide>();
  try {
    out.shape = json.at("shape").get<std::vector<std::int64_t>>();
    side->block = json.at("blocksize").get<std::int64_t>();
    if (json.contains("nested_offset")) side->scales.offset = json.at("nested_offset").get<float>();
    if (json.contains("nested_blocksize") &&
        json.at("nested_blocksize").get<std::int64_t>() != kernels::kNestedBlock)
      throw Error(ErrorCode::unsupported, "nested_blocksize of '" + name + "' is not 256");
  } catch (const nlohmann::json::exception& e) {
    refuse(name, std::string("has a broken quant_state: ") + e.what());
  }
  out.storage = type == "nf4" ? Storage::nf4 : Storage::fp4;
  const kernels::FourBitType kind =
      type == "nf4" ? kernels::FourBitType::nf4 : kernels::FourBitType::fp4;
  const std::int64_t elements = checked_elements(out.shape);
  if (elements <= 0 || side->block < 2 || side->block % 2 != 0)
    refuse(name, "has a quant_state with an impossible shape or blocksize");
  const std::int64_t bytes = kernels::four_bit_bytes(elements);
  const auto given = static_cast<std::int64_t>(codes.bytes.size());
  if (given < bytes || given - bytes >= size_of(DType::f32))  // quant_storage may be wider
    refuse(name, "has " + std::to_string(given) + " bytes of codes, its shape needs " +
                     std::to_string(bytes));
  out.bytes = codes.bytes.first(static_cast<std::size_t>(bytes));
  const std::int64_t blocks = kernels::four_bit_blocks(elements, side->block);
  const TensorEntry& absmax = part(tensors, name, ".absmax");
  if (absmax.storage == Storage::u8) {
    side->scales.codes = values<std::uint8_t>(absmax, Storage::u8, blocks, *side);
    side->scales.nested_absmax =
        values<float>(part(tensors, name, ".nested_absmax"), Storage::f32,
                      kernels::four_bit_blocks(blocks, kernels::kNestedBlock), *side);
    check_map(part(tensors, name, ".nested_quant_map"), kernels::dynamic_map(true).values, *side);
  } else {
    side->scales.absmax = values<float>(absmax, Storage::f32, blocks, *side);
  }
  check_map(part(tensors, name, ".quant_map"), kernels::codes_of(kind).values, *side);
  out.four_bit = std::move(side);
  return out;
}

}  // namespace

void join_four_bit(WeightFile& file) {
  std::vector<TensorEntry>& tensors = file.tensors_;
  const auto is_state = [](const TensorEntry& t) {
    return t.name.find(kState) != std::string::npos;
  };
  if (std::none_of(tensors.begin(), tensors.end(), is_state)) return;
  ByName by_name;
  for (const TensorEntry& t : tensors) by_name.emplace(t.name, &t);
  std::map<std::string, TensorEntry> matrices;
  std::set<std::string> parts;
  for (const TensorEntry& t : tensors) {
    if (!is_state(t)) continue;
    TensorEntry matrix = joined(by_name, t);
    for (const char* suffix : {".absmax", ".nested_absmax", ".nested_quant_map", ".quant_map"})
      parts.insert(matrix.name + suffix);
    parts.insert(t.name);
    matrices.emplace(matrix.name, std::move(matrix));
  }
  std::vector<TensorEntry> out;
  for (TensorEntry& t : tensors) {
    if (parts.contains(t.name)) continue;
    const auto matrix = matrices.find(t.name);
    out.push_back(matrix == matrices.end() ? std::move(t) : std::move(matrix->second));
  }
  tensors = std::move(out);
}

}  // namespace axl::weights
