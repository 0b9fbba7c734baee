#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// Ends of runs of ASCII letters and the like, 16 bytes at a time: words are short, and one compare
/// of all their bytes has none of the mispredicted branches of a loop over them.
namespace axl::tokenizer {

enum class AsciiRun { none, any, letters, upper, lower, digit_free };

template <AsciiRun kRun>
constexpr bool belongs(char c) {
  const bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
  if (kRun == AsciiRun::letters) return lower || upper;
  if (kRun == AsciiRun::none) return false;
  if (kRun == AsciiRun::any) return static_cast<unsigned char>(c) < 0x80;
  if (kRun == AsciiRun::upper) return upper;
  if (kRun == AsciiRun::lower) return lower;
  return static_cast<unsigned char>(c) < 0x80 && (c < '0' || c > '9');
}

#ifdef __SSE2__
/// A bit for each of the 16 bytes at `p` that does not belong to the run.
template <AsciiRun kRun>
inline std::uint32_t outside(const char* p) {
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const auto mask = [](__m128i v) { return static_cast<std::uint32_t>(_mm_movemask_epi8(v)); };
  const auto within = [](__m128i v, char first, int count) {  // count bytes from `first` on
    const __m128i from_first = _mm_sub_epi8(v, _mm_set1_epi8(first));
    const __m128i last = _mm_set1_epi8(static_cast<char>(count - 1));
    return _mm_cmpeq_epi8(_mm_min_epu8(from_first, last), from_first);
  };
  if constexpr (kRun == AsciiRun::letters)
    return mask(within(_mm_or_si128(text, _mm_set1_epi8(0x20)), 'a', 26)) ^ 0xFFFFU;
  if constexpr (kRun == AsciiRun::none) return 0xFFFFU;
  if constexpr (kRun == AsciiRun::any) return mask(text);
  if constexpr (kRun == AsciiRun::upper) return mask(within(text, 'A', 26)) ^ 0xFFFFU;
  if constexpr (kRun == AsciiRun::lower) return mask(within(text, 'a', 26)) ^ 0xFFFFU;
  return mask(text) | mask(within(text, '0', 10));
}
#endif

/// The first byte of [p, end) outside the run, or `end`. Memory may be read up to `readable`, which
/// is not before `end`.
template <AsciiRun kRun>
inline const char* end_of_run(const char* p, const char* end, const char* readable) {
#ifdef __SSE2__
  for (; readable - p >= 16; p += 16) {
    const std::uint32_t stops = outside<kRun>(p);
    if (stops != 0) return std::min(end, p + std::countr_zero(stops));
    if (p + 16 >= end) return end;
  }
#endif
  while (p < end && belongs<kRun>(*p)) ++p;
  return p;
}

}  // namespace axl::tokenizer
