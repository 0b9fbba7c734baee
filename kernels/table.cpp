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
  const auto add = [&out](const char* name, const char* backend) {
    out += (out.empty() ? "" : " ") + std::string(name) + "=" + backend;
  };
  add("gemm", gemm_backend);
  add("attention", attention_fwd.backend);
  add("rmsnorm", rmsnorm_fwd.backend);
  add("rope", rope.backend);
  add("swiglu", swiglu_fwd.backend);
  add("cross_entropy", cross_entropy.backend);
  return out;
}

}  // namespace axl::kernels
