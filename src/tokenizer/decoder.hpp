#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace axl::tokenizer {

/// The `decoder` of tokenizer.json: turns token texts back into text.
class Decoder {
 public:
  Decoder() = default;
  /// Error{input} on an unknown type or a bad field. Without a decoder tokens are joined by spaces.
  explicit Decoder(const nlohmann::ordered_json& spec);
  std::string decode(std::vector<std::string> tokens) const;

 private:
  using Tokens = std::vector<std::string>;
  void add(const nlohmann::ordered_json& spec, int depth);
  std::vector<std::function<void(Tokens&)>> steps_;
  bool joined_ = false;  ///< there is a decoder, though it may have no steps: no spaces are put
};

}  // namespace axl::tokenizer
