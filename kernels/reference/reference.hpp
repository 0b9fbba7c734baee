#pragma once
#include "axl/kernels/table.hpp"

namespace axl::kernels::reference {

template <class T>
double d(T x) {
  if constexpr (std::is_same_v<T, bf16>)
    return static_cast<double>(static_cast<float>(x));
  else
    return static_cast<double>(x);
}
template <class T>
T from(double x) {
  if constexpr (std::is_same_v<T, bf16>)
    return bf16(static_cast<float>(x));
  else
    return static_cast<T>(x);
}

/// Entries of the table by files.
void add_layers(KernelTable& t);

}  // namespace axl::kernels::reference

#define AXL_REFERENCE(name) t.name = {"reference", &name<float>, &name<bf16>, &name<double>}
