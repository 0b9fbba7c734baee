// safetensors: u64 header length, JSON header {"name": {"dtype", "shape", "data_offsets"}, ...},
// data. The checks are those of the format's own reader: offsets ascend without holes or overlaps
// and cover the data exactly.
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "weights/formats.hpp"

namespace axl::weights {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxDimensions = 16;
constexpr std::size_t kMaxIndexBytes = 100'000'000;

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::input, path + ": " + what);
}

/// A name as it may be shown: hostile files hold megabytes of it.
std::string shown(std::string_view name) {
  std::string out(name.substr(0, 120));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32) c = '?';
  return name.size() > 120 ? out + "..." : out;
}

/// The types of the format that are read, and bits of an element of the others.
constexpr std::pair<std::string_view, Storage> kRead[] = {
    {"F32", Storage::f32}, {"F16", Storage::f16}, {"BF16", Storage::bf16}, {"I64", Storage::i64},
    {"I32", Storage::i32}, {"U8", Storage::u8},   {"I8", Storage::i8}};
constexpr std::pair<std::string_view, std::int64_t> kForeign[] = {
    {"BOOL", 8},    {"F64", 64},    {"I16", 16},        {"U16", 16},        {"U32", 32},
    {"U64", 64},    {"C64", 64},    {"F8_E4M3", 8},     {"F8_E5M2", 8},     {"F4", 4},
    {"F8_E8M0", 8}, {"F6_E2M3", 6}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F6_E3M2", 6}};

template <class Table>
auto find_type(const Table& table, std::string_view name) {
  return std::find_if(std::begin(table), std::end(table),
                      [&](const auto& entry) { return entry.first == name; });
}

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Range read_offsets(const std::string& path, const std::string& name, simdjson::dom::element value) {
  simdjson::dom::array pair;
  Range range;
  if (value.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
      pair.at(0).get(range.begin) != simdjson::SUCCESS ||
      pair.at(1).get(range.end) != simdjson::SUCCESS)
    refuse(path, "tensor '" + shown(name) + "': data_offsets must be two non-negative integers");
  return range;
}

std::vector<std::int64_t> read_shape(const std::string& path, const std::string& name,
                                     simdjson::dom::element value) {
  simdjson::dom::array sizes;
  if (value.get(sizes) != simdjson::SUCCESS || sizes.size() > kMaxDimensions)
    refuse(path, "tensor '" + shown(name) + "': shape must be a list of at most " +
                     std::to_string(kMaxDimensions) + " integers");
  std::vector<std::int64_t> shape;
  for (const simdjson::dom::element size : sizes) {
    std::int64_t n = 0;
    if (size.get(n) != simdjson::SUCCESS || n < 0)
      refuse(path, "tensor '" + shown(name) + "': a dimension is not a non-negative integer");
    shape.push_back(n);
  }
  return shape;
}

struct Placed {
  TensorEntry entry;
  std::string foreign_type;  ///< of a tensor that is not read; `entry` has its name and shape
  Range range;
};

struct Parsed {
  std::vector<TensorEntry> tensors;
  std::vector<ForeignTensor> foreign;
};

/// Of elements that need not fill bytes.
std::int64_t needed_bytes(const std::string& path, const std::string& name, std::int64_t elements,
                          std::int64_t bits) {
  if (elements > std::numeric_limits<std::int64_t>::max() / 64 || elements * bits % 8 != 0)
    refuse(path, "tensor '" + shown(name) + "' has an impossible shape");
  return elements * bits / 8;
}

/// {"key": "text", ...} or null, as the format's own reader has it.
void check_metadata(const std::string& path, simdjson::dom::element value) {
  if (value.is_null()) return;
  simdjson::dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS)
    refuse(path, "__metadata__ is not an object of texts");
  for (const auto field : fields)
    if (!field.value.is_string())
      refuse(path, "__metadata__['" + shown(field.key) + "'] is not a text");
}

Placed read_tensor(const std::string& path, std::string_view key, simdjson::dom::element value,
                   std::uint64_t data_bytes) {
  Placed out;
  out.entry.name = std::string(key);
  const std::string& name = out.entry.name;
  simdjson::dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS)
    refuse(path, "header entry '" + shown(name) + "' is not an object");
  std::string_view dtype;
  bool has_dtype = false;
  bool has_shape = false;
  bool has_offsets = false;
  for (const auto field : fields) {
    const std::string_view which = field.key;
    bool& seen = which == "dtype" ? has_dtype : which == "shape" ? has_shape : has_offsets;
    if ((which != "dtype" && which != "shape" && which != "data_offsets") || seen)
      refuse(path, "tensor '" + shown(name) + "' has an unexpected field '" + shown(which) + "'");
    seen = true;
    if (which == "shape") out.entry.shape = read_shape(path, name, field.value);
    if (which == "data_offsets") out.range = read_offsets(path, name, field.value);
    if (which == "dtype" && field.value.get(dtype) != simdjson::SUCCESS)
      refuse(path, "tensor '" + shown(name) + "': dtype is not a string");
  }
  if (!has_dtype || !has_shape || !has_offsets)
    refuse(path, "tensor '" + shown(name) + "' lacks dtype, shape or data_offsets");
  const std::int64_t elements = checked_elements(out.entry.shape);
  if (elements < 0 || elements > std::numeric_limits<std::int64_t>::max() / 8)
    refuse(path, "tensor '" + shown(name) + "' has an impossible shape");
  const Range r = out.range;
  if (r.begin > r.end || r.end > data_bytes)
    refuse(path, "tensor '" + shown(name) + "' lies at bytes " + std::to_string(r.begin) + " to " +
                     std::to_string(r.end) + ", but the file has " + std::to_string(data_bytes) +
                     " bytes of data (truncated download?)");
  std::int64_t needed = 0;
  if (const auto* read = find_type(kRead, dtype); read != std::end(kRead)) {
    out.entry.storage = read->second;
    needed = bytes_of(read->second, elements);
  } else if (const auto* foreign = find_type(kForeign, dtype); foreign != std::end(kForeign)) {
    out.foreign_type = dtype;
    needed = needed_bytes(path, name, elements, foreign->second);
  } else {
    refuse(path,
           "tensor '" + shown(name) + "' has dtype '" + shown(dtype) + "', which does not exist");
  }
  if (static_cast<std::int64_t>(r.end - r.begin) != needed)
    refuse(path, "tensor '" + shown(name) + "' needs " + std::to_string(needed) +
                     " bytes by its shape and dtype, its data_offsets span " +
                     std::to_string(r.end - r.begin));
  return out;
}

Parsed parse(const MappedFile& file) {
  const std::span<const std::byte> bytes = file.bytes();
  const std::string& path = file.path();
  std::uint64_t header_bytes = 0;
  if (bytes.size() < sizeof(header_bytes)) refuse(path, "too short to be a safetensors file");
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  if (header_bytes > kMaxHeaderBytes)
    refuse(path, "not a safetensors file: the header would be " + std::to_string(header_bytes) +
                     " bytes long, the limit is " + std::to_string(kMaxHeaderBytes));
  if (header_bytes > bytes.size() - sizeof(header_bytes))
    refuse(path, "truncated: the header is " + std::to_string(header_bytes) +
                     " bytes long, the file has " + std::to_string(bytes.size()));
  const char* header = reinterpret_cast<const char*>(bytes.data()) + sizeof(header_bytes);
  if (header_bytes == 0 || *header != '{')
    refuse(path, "not a safetensors file: the header does not start with '{'");
  simdjson::dom::parser parser;
  simdjson::dom::object entries;
  const auto error = parser.parse(header, header_bytes, true).get(entries);
  if (error != simdjson::SUCCESS)
    refuse(path, std::string("the safetensors header is not valid JSON: ") +
                     simdjson::error_message(error));

  const std::span<const std::byte> data = bytes.subspan(sizeof(header_bytes) + header_bytes);
  std::vector<Placed> placed;
  bool has_metadata = false;
  for (const auto field : entries) {
    if (field.key != "__metadata__") {
      placed.push_back(read_tensor(path, field.key, field.value, data.size()));
      continue;
    }
    if (has_metadata) refuse(path, "__metadata__ stands there twice");
    has_metadata = true;
    check_metadata(path, field.value);
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::pair(a.range.begin, a.range.end) < std::pair(b.range.begin, b.range.end);
  });
  std::uint64_t expected = 0;
  Parsed out;
  out.tensors.reserve(placed.size());
  for (Placed& p : placed) {
    if (p.range.begin != expected)
      refuse(path, "tensor '" + shown(p.entry.name) +
                       (p.range.begin < expected ? "' overlaps the one before it"
                                                 : "' leaves a hole before it"));
    expected = p.range.end;
    p.entry.bytes = data.subspan(p.range.begin, p.range.end - p.range.begin);
    p.entry.file = &path;
    if (p.foreign_type.empty())
      out.tensors.push_back(std::move(p.entry));
    else
      out.foreign.push_back({std::move(p.entry.name), std::move(p.foreign_type),
                             std::move(p.entry.shape), p.entry.bytes, &path});
  }
  if (expected != data.size())
    refuse(path, "the tensors end at byte " + std::to_string(expected) +
                     " of the data, the file has " + std::to_string(data.size()));
  return out;
}

/// File of every tensor, in the order of the index.
std::map<std::string, std::string> read_index(const std::string& path) {
  const MappedFile file(path);
  if (file.bytes().size() > kMaxIndexBytes) refuse(path, "the index is larger than 100 MB");
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  simdjson::dom::object weight_map;
  const auto error =
      parser.parse(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size(), true)
          .get(root);
  if (error != simdjson::SUCCESS)
    refuse(path, std::string("not valid JSON: ") + simdjson::error_message(error));
  if (root.at_key("weight_map").get(weight_map) != simdjson::SUCCESS)
    refuse(path, "has no object 'weight_map'");
  std::map<std::string, std::string> out;
  for (const auto field : weight_map) {
    std::string_view target;
    if (field.value.get(target) != simdjson::SUCCESS || target.empty() ||
        target.find_first_of(std::string_view("/\\\0", 3)) != std::string_view::npos ||
        target == "." || target == "..")
      refuse(path, "weight_map['" + shown(field.key) + "'] is not a file name in this folder");
    if (!out.emplace(field.key, target).second)
      refuse(path, "weight_map names '" + shown(field.key) + "' twice");
  }
  return out;
}

}  // namespace

std::int64_t checked_elements(const std::vector<std::int64_t>& shape) {
  constexpr std::int64_t kLimit = std::int64_t{1} << 62;
  std::int64_t n = 1;
  for (const std::int64_t d : shape) {
    if (d < 0 || (d > 0 && n > kLimit / d)) return -1;
    n *= d;
  }
  return n;
}

WeightFile open_safetensors(const std::string& path) {
  WeightFile out;
  out.files_.push_back(std::make_unique<MappedFile>(path));
  Parsed parsed = parse(*out.files_.back());
  out.tensors_ = std::move(parsed.tensors);
  out.foreign_ = std::move(parsed.foreign);
  return out;
}

WeightFile open_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  const fs::path base(folder);
  std::error_code ignored;
  const fs::path single = base / "model.safetensors";
  if (is_there(single)) return open_safetensors(single.string());
  const fs::path index = base / "model.safetensors.index.json";
  if (!is_there(index)) {
    const bool pickled = fs::exists(base / "pytorch_model.bin", ignored) ||
                         fs::exists(base / "pytorch_model.bin.index.json", ignored);
    throw Error(ErrorCode::input,
                folder + ": holds neither model.safetensors nor model.safetensors.index.json")
        .hint(pickled ? "pytorch_model.bin is a pickle, which is never loaded; save the model with "
                        "save_pretrained(..., safe_serialization=True)"
                      : "name a Hugging Face model folder, a .safetensors or a .gguf file");
  }
  const std::map<std::string, std::string> weight_map = read_index(index.string());
  std::set<std::string> names;
  for (const auto& [tensor, file] : weight_map) names.insert(file);
  WeightFile out;
  std::set<std::string_view> found;
  for (const std::string& name : names) {
    if (!fs::exists(base / name, ignored))
      refuse(index.string(), "names the shard " + shown(name) + ", which is missing");
    out.files_.push_back(std::make_unique<MappedFile>((base / name).string()));
    Parsed parsed = parse(*out.files_.back());
    // A tensor belongs to the shard that the index names; what it does not name is no part of the
    // model.
    const auto take = [&](auto& from, auto& to) {
      for (auto& t : from) {
        const auto place = weight_map.find(t.name);
        if (place == weight_map.end() || place->second != name) continue;
        found.insert(place->first);
        to.push_back(std::move(t));
      }
    };
    take(parsed.tensors, out.tensors_);
    take(parsed.foreign, out.foreign_);
  }
  for (const auto& [tensor, file] : weight_map)
    if (!found.contains(tensor))
      refuse(index.string(),
             "places '" + shown(tensor) + "' in " + shown(file) + ", which does not hold it");
  return out;
}

}  // namespace axl::weights
