// GGUF versions 2 and 3, little-endian (the format's description: ggml/docs/gguf.md).
#include "weights/gguf_reader.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>

#include "core/error.hpp"
#include "weights/formats.hpp"

namespace axl::weights {
namespace {

constexpr std::uint64_t kMaxNameBytes = 65535;
constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kMaxAlignment = std::uint64_t{1} << 20;

enum class ValueType : std::uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};

std::string shown(std::string_view name) {
  std::string out(name.substr(0, 120));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32) c = '?';
  return out;
}

/// Reads forward; every read is checked against the end of the file.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  template <class T>
  T read() {
    need(sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  std::string text() {
    const auto length = read<std::uint64_t>();
    need(length);
    std::string out(reinterpret_cast<const char*>(bytes_.data()) + at_, length);
    at_ += length;
    return out;
  }
  /// A count of things that take at least `least` bytes each.
  std::uint64_t count(std::uint64_t least) {
    const auto n = read<std::uint64_t>();
    if (n > (bytes_.size() - at_) / least)
      refuse("a list of " + std::to_string(n) + " entries does not fit into the file");
    return n;
  }
  std::size_t position() const { return at_; }
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::input, path_ + ": " + what + " (byte " + std::to_string(at_) + ")");
  }

 private:
  void need(std::uint64_t n) const {
    if (n > bytes_.size() - at_)
      refuse("truncated: " + std::to_string(n) + " more bytes expected, " +
             std::to_string(bytes_.size() - at_) + " left");
  }
  std::span<const std::byte> bytes_;
  const std::string& path_;
  std::size_t at_ = 0;
};

std::uint64_t least_bytes(ValueType type) {
  switch (type) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
      return 1;
    case ValueType::u16:
    case ValueType::i16:
      return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
      return 4;
    default:
      return 8;
  }
}

std::int64_t read_integer(Cursor& in, ValueType type) {
  switch (type) {
    case ValueType::u8:
      return in.read<std::uint8_t>();
    case ValueType::i8:
      return in.read<std::int8_t>();
    case ValueType::u16:
      return in.read<std::uint16_t>();
    case ValueType::i16:
      return in.read<std::int16_t>();
    case ValueType::u32:
      return in.read<std::uint32_t>();
    case ValueType::i32:
      return in.read<std::int32_t>();
    case ValueType::i64:
      return in.read<std::int64_t>();
    case ValueType::u64: {
      const auto value = in.read<std::uint64_t>();
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        in.refuse("an unsigned integer exceeds 2^63 - 1");
      return static_cast<std::int64_t>(value);
    }
    case ValueType::boolean: {
      const auto value = in.read<std::uint8_t>();
      if (value > 1) in.refuse("a boolean is neither 0 nor 1");
      return value;
    }
    default:
      in.refuse("unexpected value type");
  }
}

double read_real(Cursor& in, ValueType type) {
  return type == ValueType::f32 ? static_cast<double>(in.read<float>()) : in.read<double>();
}

ValueType read_type(Cursor& in) {
  const auto type = in.read<std::uint32_t>();
  if (type > static_cast<std::uint32_t>(ValueType::f64))
    in.refuse("unknown metadata type " + std::to_string(type));
  return static_cast<ValueType>(type);
}

GgufValue read_array(Cursor& in) {
  const ValueType type = read_type(in);
  if (type == ValueType::array) in.refuse("arrays of arrays are not supported");
  const std::uint64_t n = in.count(least_bytes(type));
  if (type == ValueType::string) {
    std::vector<std::string> out;
    out.reserve(n);
    for (std::uint64_t i = 0; i < n; ++i) out.push_back(in.text());
    return out;
  }
  if (type == ValueType::f32 || type == ValueType::f64) {
    std::vector<double> out;
    out.reserve(n);
    for (std::uint64_t i = 0; i < n; ++i) out.push_back(read_real(in, type));
    return out;
  }
  std::vector<std::int64_t> out;
  out.reserve(n);
  for (std::uint64_t i = 0; i < n; ++i) out.push_back(read_integer(in, type));
  return out;
}

GgufValue read_value(Cursor& in) {
  const ValueType type = read_type(in);
  switch (type) {
    case ValueType::string:
      return in.text();
    case ValueType::array:
      return read_array(in);
    case ValueType::f32:
    case ValueType::f64:
      return read_real(in, type);
    case ValueType::boolean:
      return read_integer(in, type) != 0;
    default:
      return read_integer(in, type);
  }
}

std::string read_name(Cursor& in, const char* what) {
  std::string name = in.text();
  if (name.empty() || name.size() > kMaxNameBytes)
    in.refuse(std::string(what) + " name has " + std::to_string(name.size()) +
              " bytes, allowed are 1 to " + std::to_string(kMaxNameBytes));
  return name;
}

/// Bytes of a tensor, or -1 for a type that this program does not know.
std::int64_t size_of_ggml(std::uint32_t type, std::int64_t elements, std::int64_t row) {
  const std::optional<Storage> storage = storage_of_ggml(type);
  if (!storage) return -1;
  if (row % block_of(*storage) != 0) return -2;
  return bytes_of(*storage, elements);
}

struct Header {
  std::uint64_t tensors = 0;
  std::uint64_t values = 0;
};

Header read_header(Cursor& in) {
  if (in.read<std::uint32_t>() != 0x46554747u) in.refuse("not a GGUF file");  // "GGUF"
  const auto version = in.read<std::uint32_t>();
  if (version != 2 && version != 3)
    in.refuse((version & 0xFFFFu) == 0
                  ? "big-endian GGUF files are not supported"
                  : "GGUF version " + std::to_string(version) + " is not supported (2 and 3 are)");
  constexpr std::uint64_t kLeastTensor = 8 + 1 + 4 + 8 + 4 + 8;
  constexpr std::uint64_t kLeastValue = 8 + 1 + 4 + 1;
  Header header;
  header.tensors = in.count(kLeastTensor);
  header.values = in.count(kLeastValue);
  return header;
}

GgufMetadata read_values(Cursor& in, std::uint64_t count) {
  GgufMetadata out;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string key = read_name(in, "a metadata");
    GgufValue value = read_value(in);
    if (!out.values.emplace(key, std::move(value)).second)
      in.refuse("metadata key '" + shown(key) + "' stands there twice");
  }
  return out;
}

std::uint64_t alignment_of(const GgufMetadata& metadata, const Cursor& in) {
  const std::int64_t* value = metadata.integer("general.alignment");
  if (value == nullptr) return 32;
  const auto alignment = static_cast<std::uint64_t>(*value);
  if (*value <= 0 || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0)
    in.refuse("general.alignment is " + std::to_string(*value) + ", expected a power of two");
  return alignment;
}

}  // namespace

GgufContents parse_gguf(const MappedFile& file) {
  Cursor in(file.bytes(), file.path());
  const Header header = read_header(in);
  GgufContents out;
  out.metadata = read_values(in, header.values);
  const std::uint64_t alignment = alignment_of(out.metadata, in);
  std::vector<std::uint64_t> offsets;
  std::set<std::string> names;
  for (std::uint64_t i = 0; i < header.tensors; ++i) {
    GgufTensor t;
    t.name = read_name(in, "a tensor");
    if (!names.insert(t.name).second) in.refuse("two tensors are called '" + shown(t.name) + "'");
    const auto dimensions = in.read<std::uint32_t>();
    if (dimensions == 0 || dimensions > kMaxDimensions)
      in.refuse("tensor '" + shown(t.name) + "' has " + std::to_string(dimensions) +
                " dimensions, allowed are 1 to 4");
    for (std::uint32_t d = 0; d < dimensions; ++d)
      t.shape.insert(t.shape.begin(), read_integer(in, ValueType::u64));
    t.type = in.read<std::uint32_t>();
    offsets.push_back(in.read<std::uint64_t>());
    out.tensors.push_back(std::move(t));
  }
  const std::uint64_t data_start = (in.position() + alignment - 1) / alignment * alignment;
  const std::uint64_t data_bytes =
      data_start <= file.bytes().size() ? file.bytes().size() - data_start : 0;
  struct Range {
    std::uint64_t begin, end;
    const GgufTensor* tensor;
  };
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < out.tensors.size(); ++i) {
    GgufTensor& t = out.tensors[i];
    const std::int64_t elements = checked_elements(t.shape);
    if (elements < 0 || elements > std::numeric_limits<std::int64_t>::max() / 8)
      in.refuse("tensor '" + shown(t.name) + "' has an impossible shape");
    const std::int64_t bytes = size_of_ggml(t.type, elements, t.shape.back());
    if (bytes == -1) continue;  // refused by open_gguf; metadata alone stays readable
    if (bytes == -2)
      in.refuse("tensor '" + shown(t.name) + "': rows of " + std::to_string(t.shape.back()) +
                " elements do not fill the blocks of its type");
    const auto size = static_cast<std::uint64_t>(bytes);
    if (offsets[i] % alignment != 0)
      in.refuse("tensor '" + shown(t.name) + "' is not aligned to " + std::to_string(alignment));
    if (offsets[i] > data_bytes || size > data_bytes - offsets[i])
      in.refuse("tensor '" + shown(t.name) + "' ends beyond the file: " + std::to_string(size) +
                " bytes at " + std::to_string(offsets[i]) + " of " + std::to_string(data_bytes) +
                " (truncated download?)");
    t.bytes = file.bytes().subspan(data_start + offsets[i], size);
    ranges.push_back({offsets[i], offsets[i] + size, &t});
  }
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].begin < ranges[i - 1].end)
      in.refuse("tensors '" + shown(ranges[i - 1].tensor->name) + "' and '" +
                shown(ranges[i].tensor->name) + "' overlap");
  return out;
}

bool is_gguf(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;  // a pipe would be waited for
  std::ifstream in(path, std::ios::binary);
  char magic[4] = {};
  return in.read(magic, sizeof(magic)) && std::memcmp(magic, "GGUF", sizeof(magic)) == 0;
}

GgufMetadata read_gguf_metadata(const std::string& path) {
  const MappedFile file(path);
  return parse_gguf(file).metadata;
}

namespace {

/// llama.cpp's converter adds one to the norms of Gemma, whose model multiplies by 1 + weight.
void subtract_one(TensorEntry& entry, std::vector<std::shared_ptr<const void>>& owners) {
  auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(entry.elements()));
  to_float(entry, 0, entry.elements(), values->data());
  for (float& x : *values) x -= 1.0f;
  entry.storage = Storage::f32;
  entry.bytes = std::as_bytes(std::span<const float>(*values));
  owners.push_back(std::move(values));
}

/// "Q4_K (120 tensors), F32 (61), Q5_0 (30)", the most frequent first.
std::string types_of(const std::vector<GgufTensor>& tensors) {
  std::map<std::uint32_t, std::size_t> counts;
  for (const GgufTensor& t : tensors) ++counts[t.type];
  std::vector<std::pair<std::uint32_t, std::size_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string out;
  for (const auto& [type, count] : sorted)
    out += (out.empty() ? "" : ", ") + ggml_name(type) + " (" + std::to_string(count) +
           (out.empty() ? count == 1 ? " tensor)" : " tensors)" : ")");
  return out;
}

[[noreturn]] void refuse_type(const std::string& path, const GgufTensor& t,
                              const std::vector<GgufTensor>& all) {
  throw Error(ErrorCode::unsupported, path + ": tensor '" + shown(t.name) + "' is stored as " +
                                          ggml_name(t.type) +
                                          ", which is not read; the file holds " + types_of(all))
      .hint("read are " + readable_ggml_types() + "; take such a file of the model");
}

}  // namespace

WeightFile open_gguf(const std::string& path) {
  WeightFile out;
  out.files_.push_back(std::make_unique<MappedFile>(path));
  GgufContents contents = parse_gguf(*out.files_.back());
  const std::string* named = contents.metadata.string("general.architecture");
  const std::string architecture = named == nullptr ? "" : *named;
  for (GgufTensor& t : contents.tensors) {
    TensorEntry entry;
    entry.name = hugging_face_name(t.name, architecture);
    if (entry.name.empty()) continue;
    const std::optional<Storage> storage = storage_of_ggml(t.type);
    if (!storage) {
      const bool is_parameter = entry.name != t.name;
      if (is_parameter || !is_ggml_type(t.type)) refuse_type(path, t, contents.tensors);
      out.foreign_.push_back({t.name, ggml_name(t.type), t.shape, {}, &out.files_.back()->path()});
      continue;
    }
    entry.storage = *storage;
    entry.file = &out.files_.back()->path();
    entry.shape = t.shape;
    entry.bytes = t.bytes;
    entry.interleaved_head_dim =
        interleaved_head_dim(contents.metadata, path, entry.name, entry.shape.front());
    if (architecture.starts_with("gemma") && entry.name.ends_with("norm.weight"))
      subtract_one(entry, out.owners_);
    out.tensors_.push_back(std::move(entry));
  }
  return out;
}

}  // namespace axl::weights
