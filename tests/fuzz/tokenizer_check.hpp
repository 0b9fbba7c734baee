#pragma once
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "input_file.hpp"
#include "tokenizer/tokenizer.hpp"

/// A tokenizer file from untrusted bytes: it is refused with an Error, or it encodes, decodes and
/// can be saved and read again. The part of the input behind a line "=====" is the text that is
/// encoded.
inline void check_tokenizer_file(const char* name, std::string_view input) {
  using axl::tokenizer::Tokenizer;
  constexpr std::string_view kMark = "\n=====\n";
  const std::size_t cut = input.find(kMark);
  const std::string_view text = cut == std::string_view::npos ? "a b\xC3\xA9 \xF0\x9F\x99\x82  1"
                                                              : input.substr(cut + kMark.size());
  const std::string file = write_input(name, input.substr(0, cut));
  try {
    const Tokenizer t = Tokenizer::load(file);
    const auto ids = t.encode(text, true);
    for (const auto id : ids)
      if (id < 0) __builtin_trap();
    (void)t.decode(ids, false);
    (void)t.decode(ids, true);
    const std::string copy = (input_folder() / "copy").string();
    t.save(copy);
    if (Tokenizer::load(copy).encode(text, true) != ids) __builtin_trap();
  } catch (const axl::Error&) {
  }
}
