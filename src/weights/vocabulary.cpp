#include "weights/vocabulary.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/rng.hpp"
#include "weights/finite.hpp"

namespace axl::weights {
namespace {

/// Memory that behaves like a mapped file: pages that are given back come again with what was
/// written, which FrozenStore relies on.
std::shared_ptr<std::byte> file_like_memory(std::size_t bytes) {
  const int file = ::memfd_create("axolotl-hpc vocabulary", MFD_CLOEXEC);
  void* at = MAP_FAILED;
  if (file >= 0 && ::ftruncate(file, static_cast<off_t>(bytes)) == 0)
    at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int problem = errno;
  if (file >= 0) ::close(file);
  if (at == MAP_FAILED)
    throw Error(ErrorCode::device, "cannot get " + std::to_string(bytes) +
                                       " bytes for a larger embedding: " + std::strerror(problem));
  return {static_cast<std::byte*>(at), [bytes](std::byte* p) { ::munmap(p, bytes); }};
}

double normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t i) {
  return normal_from(random_uniform(seed, stream, 2 * i), random_uniform(seed, stream, 2 * i + 1));
}

std::vector<float> mean_row(const TensorEntry& table) {
  const std::int64_t rows = table.shape[0], columns = table.shape[1];
  std::vector<float> row(static_cast<std::size_t>(columns));
  std::vector<double> sum(row.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    to_finite_float(table, r * columns, columns, row.data());
    for (std::size_t c = 0; c < row.size(); ++c) sum[c] += static_cast<double>(row[c]);
  }
  for (std::size_t c = 0; c < row.size(); ++c)
    row[c] = static_cast<float>(sum[c] / static_cast<double>(rows));
  return row;
}

struct Larger {
  TensorEntry entry;
  std::shared_ptr<std::byte> memory;
};

Larger with_rows(const TensorEntry& table, std::int64_t rows, const NewRows& kind, double range,
                 std::uint64_t stream) {
  const std::int64_t old = table.shape[0], columns = table.shape[1];
  Larger out;
  out.entry = {.name = table.name,
               .storage = block_of(table.storage) == 1 ? table.storage : Storage::f32,
               .shape = {rows, columns}};
  const auto row_bytes = static_cast<std::size_t>(bytes_of(out.entry.storage, columns));
  out.memory = file_like_memory(row_bytes * static_cast<std::size_t>(rows));
  out.entry.bytes = {out.memory.get(), row_bytes * static_cast<std::size_t>(rows)};
  const std::vector<float> mean = kind.mean ? mean_row(table) : std::vector<float>{};
  std::vector<float> row(static_cast<std::size_t>(columns));
  for (std::int64_t r = 0; r < rows; ++r) {
    if (r < old)
      to_finite_float(table, r * columns, columns, row.data());
    else if (kind.mean)
      row = mean;
    else
      for (std::int64_t c = 0; c < columns; ++c)
        row[static_cast<std::size_t>(c)] = static_cast<float>(
            range * normal(kind.seed, stream, static_cast<std::uint64_t>(r * columns + c)));
    encode_finite(table.name, r * columns, row.data(), columns, out.entry.storage,
                  out.memory.get() + row_bytes * static_cast<std::size_t>(r));
  }
  return out;
}

}  // namespace

void grow_vocabulary(ModelConfig& config, WeightFile& weights,
                     const std::vector<std::string>& names, std::int64_t vocabulary,
                     const NewRows& rows) {
  if (vocabulary == config.vocab_size) return;
  if (vocabulary < config.vocab_size)
    throw Error(ErrorCode::input, config.origin + ": has " + std::to_string(config.vocab_size) +
                                      " rows of embeddings, asked for " +
                                      std::to_string(vocabulary));
  auto raw = parse_json<nlohmann::ordered_json>(config.raw);
  const double range = raw.value("initializer_range", 0.02);
  std::uint64_t stream = 0x70ca1;
  for (const std::string& name : names) {
    const TensorEntry* table = weights.find(name);
    if (table == nullptr) continue;
    Larger larger = with_rows(*table, vocabulary, rows, range, stream++);
    weights.replace(std::move(larger.entry), std::move(larger.memory));
  }
  raw["vocab_size"] = vocabulary;
  config.raw = json_text(raw, 2);
  config.vocab_size = vocabulary;
}

}  // namespace axl::weights
