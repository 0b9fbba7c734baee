#pragma once
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {

/// The `post_processor` of tokenizer.json, as far as it concerns one sequence: the special ids put
/// before and behind it when special tokens are asked for.
struct PostProcessor {
  PostProcessor() = default;
  /// Error{input} on an unknown type or a template that names an unknown token.
  explicit PostProcessor(const nlohmann::ordered_json& spec);
  std::vector<TokenId> prefix;
  std::vector<TokenId> suffix;

 private:
  void add(const nlohmann::ordered_json& spec, int depth);
  void add_template(const nlohmann::ordered_json& spec);
};

}  // namespace axl::tokenizer
