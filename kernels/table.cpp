#include "axl/kernels/table.hpp"

#include "onednn/gemm.hpp"

namespace axl::kernels {

KernelTable make_kernel_table() {
  KernelTable t = kokkos_table();  // complete by construction
  onednn::add_gemm(t);
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
