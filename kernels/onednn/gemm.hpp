#pragma once
#include "axl/kernels/table.hpp"

namespace axl::kernels::onednn {

/// Replaces the GEMM of f32 and bf16 by oneDNN's matmul; f64 stays with `fallback`.
void add_gemm(KernelTable& t);

}  // namespace axl::kernels::onednn
