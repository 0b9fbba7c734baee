#include "config/config.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace axl::config {

bool cpu_has_native_bf16() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const bool amx_bf16 = (d >> 22) & 1u;
  unsigned a1 = 0, b1 = 0, c1 = 0, d1 = 0;
  const bool leaf1 = a >= 1 && __get_cpuid_count(7, 1, &a1, &b1, &c1, &d1);
  const bool avx512_bf16 = leaf1 && ((a1 >> 5) & 1u);
  // The flags say what the processor can; that the system saves the wide registers is asked apart.
  return (avx512_bf16 || amx_bf16) && __builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

}  // namespace axl::config
