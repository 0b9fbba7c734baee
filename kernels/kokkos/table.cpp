#include "kokkos/host.hpp"

namespace axl::kernels {

KernelTable kokkos_table() {
  KernelTable t;
  host::add_rmsnorm(t);
  host::add_layernorm(t);
  host::add_activations(t);
  host::add_embedding(t);
  host::add_cross_entropy(t);
  host::add_elementwise(t);
  host::add_optimizer(t);
  host::add_optimizer_8bit(t);
  host::add_adafactor(t);
  host::add_attention(t);
  host::add_gemm(t);
  host::add_narrow(t);
  host::add_columns(t);
  host::add_quantised(t);
  return t;
}

}  // namespace axl::kernels
