#pragma once
#include "axl/kernels/gemm.hpp"

namespace axl::kernels::onednn {

/// A bf16 GEMM on a processor without bf16 arithmetic: bf16 is how the operands are stored, and the
/// sums are those of `f32_gemm`. A and C are widened whole, B in panels, so
/// that a head of a large vocabulary needs no copy.
void widened_gemm(const Gemm& g, Queue& q, void (*f32_gemm)(const Gemm&, Queue&));

}  // namespace axl::kernels::onednn
