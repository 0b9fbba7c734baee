#include "tokenizer/split_patterns.hpp"

namespace axl::tokenizer::split_patterns {
namespace {

constexpr const char* kContractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
constexpr const char* kSpacesAndLines = R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kUpper = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])";
constexpr const char* kLower = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])";
constexpr const char* kOneDigit = R"(\p{N})";
constexpr const char* kThreeDigits = R"(\p{N}{1,3})";

/// `tail` may follow a word.
std::string by_case(const char* digits, const std::string& tail) {
  const std::string lead = R"([^\r\n\p{L}\p{N}]?)";
  return lead + kUpper + "*" + kLower + "+" + tail + "|" + lead + kUpper + "+" + kLower + "*" +
         tail + "|" + digits + R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" + kSpacesAndLines;
}

}  // namespace

std::string gpt2() {
  return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
}

std::string cl100k(int digits) {
  return std::string(kContractions) + R"(|[^\r\n\p{L}\p{N}]?\p{L}+|)" +
         (digits == 1 ? kOneDigit : kThreeDigits) + R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|)" +
         kSpacesAndLines;
}

std::string o200k() { return by_case(kThreeDigits, std::string(kContractions) + "?"); }
std::string deepseek_numbers() { return kThreeDigits; }
std::string deepseek_han_and_kana() { return "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"; }
std::string deepseek_words() {
  return "[!\"#$%&'()*+,\\-./"
         ":;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
         "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
}
std::string tekken() { return by_case(kOneDigit, ""); }

}  // namespace axl::tokenizer::split_patterns
