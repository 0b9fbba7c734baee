#pragma once
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace axl::tokenizer {

inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace axl::tokenizer
