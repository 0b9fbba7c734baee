#include "model/frozen_store.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include "device/arena.hpp"
#include "quant/formats.hpp"
#include "weights/finite.hpp"

namespace axl::model {
namespace {

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

void FrozenStore::want(const weights::TensorEntry& entry, TensorView* target) {
  const bool mapped = quant::lies_as(entry, compute_);
  const std::int64_t bytes = entry.elements() * size_of(compute_);
  vectors_.push_back({&entry, target, mapped, mapped ? 0 : reserve(bytes)});
  if (mapped) mapped_bytes_ += bytes;
}

void FrozenStore::want(quant::MatrixRequest request, quant::FrozenMatrix* target) {
  request.compute = compute_;
  request.kernels = &kernels_;
  const quant::MatrixFormat& format = quant::format_for(request);
  const std::int64_t bytes = format.bytes(request);
  matrices_.push_back({request, &format, target, bytes, bytes == 0 ? 0 : reserve(bytes)});
  if (bytes == 0) mapped_bytes_ += static_cast<std::int64_t>(request.entry->bytes.size());
}

/// `base` may be an address of a plan.
void FrozenStore::place(std::byte* base) {
  for (const Vector& v : vectors_) {
    void* at = v.mapped ? const_cast<std::byte*>(v.entry->bytes.data()) : base + v.offset;
    *v.view = TensorView(at, compute_, {v.entry->elements()});
  }
  for (const Matrix& m : matrices_) m.format->place(m.request, base + m.offset, *m.target);
}

void FrozenStore::plan() {
  device::Arena room = device::Arena::planning();
  place(static_cast<std::byte*>(room.allocate(bytes_)));
}

void FrozenStore::materialise(const WeightMemory& memory, kernels::Queue& queue) {
  if (vectors_.empty() && matrices_.empty()) return;
  place(bytes_ == 0 ? nullptr : static_cast<std::byte*>(memory.allocate(bytes_)));
  memory.together([&] {
    if (memory.fills) fill(queue);
  });
  memory.fence();
  for (const Matrix& m : matrices_)
    if (m.format->settle != nullptr) m.format->settle(*m.target);
}

/// One rank of a node writes, and looks at what is used where it lies in the file.
void FrozenStore::fill(kernels::Queue& queue) const {
  for (const Vector& v : vectors_) {
    if (v.mapped) {
      weights::require_finite(*v.entry, 0, v.entry->elements());
    } else {
      quant::convert(*v.entry, compute_, v.view->data());
      drop_pages(v.entry->bytes);
    }
  }
  for (const Matrix& m : matrices_) {
    m.format->fill(m.request, *m.target, queue);
    if (m.bytes > 0) drop_pages(m.request.entry->bytes);
  }
}

}  // namespace axl::model
