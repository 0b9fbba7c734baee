// tokenizer.model: that of SentencePiece or tiktoken, or a GGUF, as its first bytes say.
#include <cstdint>

#include "tokenizer_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_tokenizer_file("tokenizer.model", {reinterpret_cast<const char*>(data), size});
  return 0;
}
