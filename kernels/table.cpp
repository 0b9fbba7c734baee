#include "axl/kernels/table.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "onednn/gemm.hpp"

namespace axl::kernels {

/// All members but one are pointers, so that a new one needs no line here.
bool has_hole(const KernelTable& table) {
  constexpr std::size_t kPointer = sizeof(std::uintptr_t);
  constexpr std::size_t kFlag = offsetof(KernelTable, native_bf16) / kPointer;
  static_assert(sizeof(KernelTable) % kPointer == 0 && sizeof(void (*)()) == kPointer);
  for (std::size_t i = 0; i < sizeof(KernelTable) / kPointer; ++i) {
    std::uintptr_t pointer = 0;
    std::memcpy(&pointer, reinterpret_cast<const std::byte*>(&table) + i * kPointer, kPointer);
    if (pointer == 0 && i != kFlag) return true;
  }
  return false;
}

KernelTable make_kernel_table() {
  KernelTable t = kokkos_table();
  onednn::add_gemm(t);
  if (has_hole(t)) throw std::logic_error("a kernel is missing in the table of kernels");
  return t;
}

std::string KernelTable::describe() const {
  std::string out;
  const auto name = [&out](const char* operation, const char* backend) {
    out += (out.empty() ? "" : " ") + std::string(operation) + "=" + backend;
  };
  name("gemm", gemm_backend);
  name("attention", attention_fwd.backend);
  name("rmsnorm", rmsnorm_fwd.backend);
  name("rope", rope.backend);
  name("activation", activation_fwd.backend);
  name("cross_entropy", cross_entropy.backend);
  return out;
}

}  // namespace axl::kernels
