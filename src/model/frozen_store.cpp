#include "model/frozen_store.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "device/arena.hpp"
#include "weights/finite.hpp"

namespace axl::model {
namespace {

bool plain_in_file(const weights::TensorEntry& e, DType type) {
  const bool same = (e.storage == weights::Storage::f32 && type == DType::f32) ||
                    (e.storage == weights::Storage::bf16 && type == DType::bf16);
  const auto address = reinterpret_cast<std::uintptr_t>(e.bytes.data());
  // Interleaved rows (GGUF) have to be put in order.
  return same && e.interleaved_head_dim == 0 &&
         address % static_cast<std::uintptr_t>(size_of(type)) == 0 &&
         std::cmp_equal(e.bytes.size(), e.elements() * size_of(type));
}

TensorView shaped(void* data, DType dtype, const weights::TensorEntry& e) {
  if (e.shape.size() == 1) return {data, dtype, {e.shape[0]}};
  return {data, dtype, {e.shape[0], e.shape[1]}};
}

void convert(const weights::TensorEntry& e, DType compute, void* out) {
  if (compute == DType::bf16) {
    weights::to_finite_bf16(e, 0, e.elements(), static_cast<bf16*>(out));
  } else if (compute == DType::f32) {
    weights::to_finite_float(e, 0, e.elements(), static_cast<float*>(out));
  } else {
    std::vector<float> f(static_cast<std::size_t>(e.elements()));
    weights::to_finite_float(e, 0, e.elements(), f.data());
    std::copy(f.begin(), f.end(), static_cast<double*>(out));
  }
}

/// Gives back the pages of a tensor that has been converted: they would count as ours until the
/// end, and come back from the file if anybody reads them again.
void drop_pages(std::span<const std::byte> bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(bytes.data()) + bytes.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace

WeightMemory private_weight_memory(std::vector<device::Buffer>& owner) {
  WeightMemory m;
  m.allocate = [&owner](std::int64_t bytes) { return owner.emplace_back(bytes).data(); };
  return m;
}

std::int64_t FrozenStore::reserve(std::int64_t bytes) {
  const std::int64_t at = bytes_;
  bytes_ += (bytes + 63) / 64 * 64;
  return at;
}

void FrozenStore::want(const weights::TensorEntry& entry, TensorView* target, bool for_matmul) {
  std::vector<DType> types{compute_};
  if (for_matmul && compute_ == DType::f32) types.push_back(DType::bf16);
  for (const DType type : types)
    if (plain_in_file(entry, type)) {
      *target = shaped(const_cast<std::byte*>(entry.bytes.data()), type, entry);
      mapped_bytes_ += target->bytes();
      mapped_.push_back(&entry);
      return;
    }
  const DType type = for_matmul ? stored_ : compute_;
  jobs_.push_back({.entry = &entry, .view = target, .type = type});
  jobs_.back().offset = reserve(entry.elements() * size_of(type));
}

bool FrozenStore::want_packed(const weights::TensorEntry& entry, bool transposed,
                              kernels::PackedMatrix* target) {
  const std::int64_t K = entry.shape[transposed ? 1 : 0], N = entry.shape[transposed ? 0 : 1];
  const std::int64_t bytes = kernels_.pack_bytes({K, N, compute_});
  if (bytes == 0) return false;
  *target = {nullptr, bytes, K, N, compute_};
  jobs_.push_back({.entry = &entry, .packed = target, .transposed = transposed, .type = compute_});
  jobs_.back().offset = reserve(bytes);
  return true;
}

void FrozenStore::plan() {
  device::Arena room = device::Arena::planning();
  for (const Job& job : jobs_) {
    void* at = room.allocate(64);
    if (job.view != nullptr)
      *job.view = shaped(at, job.type, *job.entry);
    else
      job.packed->data = at;
  }
}

void FrozenStore::materialise(const WeightMemory& memory, kernels::Queue& queue) {
  if (jobs_.empty() && mapped_.empty()) return;
  auto* base = jobs_.empty() ? nullptr : static_cast<std::byte*>(memory.allocate(bytes_));
  for (const Job& job : jobs_) {
    void* at = base + job.offset;
    if (job.view != nullptr)
      *job.view = shaped(at, job.type, *job.entry);
    else
      job.packed->data = at;
  }
  memory.together([&] {
    if (memory.fills) fill(base, queue);
  });
  memory.fence();
}

/// One rank of a node writes, and looks at what is used where it lies in the file.
void FrozenStore::fill(std::byte* base, kernels::Queue& queue) const {
  for (const weights::TensorEntry* e : mapped_) weights::require_finite(*e, 0, e->elements());
  std::vector<std::byte> plain;
  const weights::TensorEntry* converted = nullptr;
  for (const Job& job : jobs_) {
    void* at = base + job.offset;
    if (job.view != nullptr) {
      convert(*job.entry, job.type, at);
      continue;
    }
    const void* source = job.entry->bytes.data();
    if (!plain_in_file(*job.entry, compute_)) {
      if (converted != job.entry) {  // forward and backward copies follow each other
        plain.resize(static_cast<std::size_t>(job.entry->elements() * size_of(compute_)));
        convert(*job.entry, compute_, plain.data());
        converted = job.entry;
      }
      source = plain.data();
    } else if (converted != job.entry) {
      weights::require_finite(*job.entry, 0, job.entry->elements());
      converted = job.entry;
    }
    kernels_.pack(source, job.transposed, *job.packed, at, queue);
  }
  for (const Job& job : jobs_) drop_pages(job.entry->bytes);
}

}  // namespace axl::model
