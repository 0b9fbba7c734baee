// A configuration from untrusted bytes: load_text() never throws, every finding can be printed, and
// what it says of the values is JSON.
#include <cstdint>
#include <string>

#include "config/config.hpp"
#include "core/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axl::config;
  LoadOptions options;
  options.native_bf16 = false;
  options.strict = size % 2 == 1;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const LoadResult result = load_text(text, "fuzz.yaml", options);
  for (const auto* list : {&result.errors, &result.unsupported, &result.warnings, &result.notices})
    for (const Finding& f : *list)
      if (to_string(f).empty()) __builtin_trap();
  if (!nlohmann::json::accept(result.effective_json)) __builtin_trap();
  if (result.accepted()) (void)check_files(result.config);
  return 0;
}
