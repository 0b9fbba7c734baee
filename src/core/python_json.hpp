#pragma once
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace axl {

/// What parse_python_json() made of a text.
struct PythonJson {
  nlohmann::ordered_json value;  ///< discarded where the text is not JSON
  bool duplicate_keys = false;   ///< an object has a key twice; the last one counts
  std::string error;             ///< "" or what is wrong, and at which byte
};

/// JSON as the json module of Python reads it: NaN, Infinity and -Infinity are numbers, integers of
/// any size keep their digits (big_integer() beyond 64 bits, up to the 4300 digits that Python
/// reads), of equal keys the last one counts, at the place of the first. `text` is valid UTF-8.
/// Refused, although Python takes them: numbers that overflow a double (1e999), which would be
/// trained as infinity, and escapes of half a surrogate pair, which no tokenizer takes.
PythonJson parse_python_json(std::string_view text);

}  // namespace axl
