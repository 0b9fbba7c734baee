// tokenizer.json
#include <cstdint>

#include "tokenizer_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_tokenizer_file("tokenizer.json", {reinterpret_cast<const char*>(data), size});
  return 0;
}
