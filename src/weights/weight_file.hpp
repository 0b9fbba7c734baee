#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "axl/kernels/blocks.hpp"
#include "axl/kernels/four_bit.hpp"
#include "axl/kernels/types.hpp"

namespace axl::weights {

/// How a tensor's bytes are stored. The first seven are plain; nf4 and fp4 are bitsandbytes' codes;
/// the rest are GGML's block formats, in the order of kernels::BlockType.
enum class Storage : std::uint8_t {
  f32,
  f16,
  bf16,
  i64,
  i32,
  u8,
  i8,
  nf4,
  fp4,
  q8_0,
  q4_0,
  q4_1,
  q4_k,
  q6_k,
  q5_0,
  q5_1,
  q2_k,
  q3_k,
  q5_k,
  iq4_nl,
  iq4_xs,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq3_xxs,
  iq3_s,
  iq1_s,
  iq1_m,
  tq1_0,
  tq2_0,
  mxfp4,
  nvfp4,
};
inline constexpr Storage kLastStorage = Storage::nvfp4;

/// What belongs to the codes of an nf4 or fp4 tensor.
struct FourBitSide {
  std::int64_t block = 0;         ///< elements that share a scale
  kernels::FourBitScales scales;  ///< views of the file, or of `owned`
  std::vector<std::vector<std::byte>> owned;
  bool as_avx512 = false;  ///< see kernels::FourBitArray::avx512_row
};

/// One tensor of a weight file: a name, a shape and a read-only view into the memory map.
struct TensorEntry {
  std::string name;  ///< Hugging Face's name ("model.layers.0.self_attn.q_proj.weight")
  Storage storage = Storage::f32;
  std::vector<std::int64_t> shape;  ///< row-major, outermost first
  std::span<const std::byte>
      bytes;  ///< in file order; start and length are not aligned to anything
  /// 0: rows are in Hugging Face's order. Otherwise `bytes` holds the rows (shape[0]) of each head
  /// of this size with the two rotary halves interleaved, as llama.cpp stores q/k of the llama
  /// family; to_float and to_bf16 undo it, so only code that reads `bytes` itself has to care.
  std::int64_t interleaved_head_dim = 0;
  const std::string* file = nullptr;  ///< path of the file that holds `bytes`, for messages
  std::shared_ptr<const FourBitSide> four_bit;  ///< of nf4 and fp4
  std::int64_t elements() const {
    std::int64_t n = 1;
    for (const std::int64_t d : shape) n *= d;
    return n;
  }
};

/// A tensor of a type that is not among Storage: it can be named and carried along, not read.
struct ForeignTensor {
  std::string name;
  std::string type;  ///< "BOOL", "F8_E4M3", "Q5_0", ... as the format calls it
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;   ///< empty where the type's size is not known (GGUF)
  const std::string* file = nullptr;  ///< path
};

/// Byte count of a storage format; block formats need elements % block == 0 (Error{internal}).
std::int64_t bytes_of(Storage storage, std::int64_t elements);
/// Elements that lie together: 1 for plain formats, 2 for 4-bit codes, 32 or 256 for GGML's blocks.
std::int64_t block_of(Storage storage);
/// Which of GGML's block formats it is, if any.
std::optional<kernels::BlockType> blocks_of(Storage storage);
/// The codes and scales of an nf4 or fp4 tensor.
kernels::FourBitArray four_bit_array(const TensorEntry& tensor);
/// "F32", "BF16", "Q4_K", ... as safetensors and GGUF call them.
std::string_view name_of(Storage storage);

/// Dequantises or converts `elements` elements of `source` starting at element `first` (a multiple
/// of the block size for block formats). Integers convert by value. Bounds: Error{internal}.
void to_float(const TensorEntry& source, std::int64_t first, std::int64_t elements, float* out);
void to_bf16(const TensorEntry& source, std::int64_t first, std::int64_t elements, bf16* out);

/// Read-only memory map of a file, closed by the destructor.
class MappedFile {
 public:
  /// Error{input} naming the path and the reason, also where something stands in the file's place
  /// (refuse_placeholder, to which `text` goes).
  explicit MappedFile(const std::string& path, bool text = false);
  ~MappedFile();
  MappedFile(MappedFile&&) noexcept;
  MappedFile& operator=(MappedFile&&) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A model's weights: a Hugging Face folder (single or sharded safetensors), one safetensors file,
/// or one GGUF file. Tensors keep the order of the file. All views live as long as this object.
class WeightFile {
 public:
  /// Every header field, offset and size is checked before anything is allocated; Error{input} says
  /// what is wrong and in which file. A name of the Hub is downloaded first.
  static WeightFile open(const std::string& name);
  WeightFile(WeightFile&&) noexcept = default;
  WeightFile& operator=(WeightFile&&) noexcept = default;
  const std::vector<TensorEntry>& tensors() const { return tensors_; }
  /// Tensors that no name asks for may have any type; those here are not among tensors().
  const std::vector<ForeignTensor>& foreign() const { return foreign_; }
  /// nullptr when there is none. Error{unsupported} naming the type of one that cannot be read.
  const TensorEntry* find(std::string_view name) const;
  /// Error{input} naming the tensor and the nearest names when it is absent.
  const TensorEntry& get(std::string_view name) const;
  /// Puts a tensor in the place of the one of the same name, or adds it. `owner` keeps its bytes.
  void replace(TensorEntry entry, std::shared_ptr<const void> owner);
  /// Takes a tensor out of the list; others keep their order, their addresses change.
  void remove(std::string_view name);

 private:
  WeightFile() = default;
  friend WeightFile open_safetensors(const std::string&);
  friend WeightFile open_folder(const std::string&);
  friend WeightFile open_gguf(const std::string&);
  friend void join_four_bit(WeightFile&);
  void index_names();
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::vector<std::unique_ptr<MappedFile>> files_;
  std::vector<std::shared_ptr<const void>> owners_;
  std::vector<TensorEntry> tensors_;
  std::vector<ForeignTensor> foreign_;
};

/// What writing needs to know of a tensor; `write` is called once with a sink for its bytes in
/// order.
struct TensorToWrite {
  std::string name;
  Storage storage = Storage::f32;
  std::vector<std::int64_t> shape;
  std::function<void(const std::function<void(std::span<const std::byte>)>& sink)> write;
  /// Of a ForeignTensor: the type and shape that stand in the header. `storage` and `shape` are
  /// those of its bytes then.
  std::string foreign_type = {};
  std::vector<std::int64_t> foreign_shape = {};
};

/// Writes one safetensors file under a temporary name, fsyncs, renames. Tensors are laid out in the
/// given order with 8-byte alignment of the data section; metadata holds {"format": "pt"}.
void write_safetensors(const std::string& path, const std::vector<TensorToWrite>& tensors);

/// Convenience for tensors that are in memory as floats.
TensorToWrite float_tensor(std::string name, std::vector<std::int64_t> shape, const float* data);

}  // namespace axl::weights
