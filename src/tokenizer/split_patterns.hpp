#pragma once
#include <string>

/// The ways of splitting text before byte-level BPE that models share, as patterns of
/// tokenizer.json. Files that do not spell theirs out (GGUF, tiktoken) name one of these.
namespace axl::tokenizer::split_patterns {

std::string gpt2();
/// GPT-4, Llama 3, Qwen: numbers in groups of up to `digits` (1 or 3).
std::string cl100k(int digits);
/// GPT-4o, Llama 4: words break where lower case turns into upper case.
std::string o200k();
/// Mistral's Tekken: as o200k, with single digits and without contractions.
std::string tekken();
/// DeepSeek's three, one after the other: numbers, Chinese and Japanese, and all the rest.
std::string deepseek_numbers();
std::string deepseek_han_and_kana();
std::string deepseek_words();

}  // namespace axl::tokenizer::split_patterns
