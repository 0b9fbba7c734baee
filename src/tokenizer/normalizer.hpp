#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace axl::tokenizer {

/// The `normalizer` of tokenizer.json: a chain of text -> text steps.
class Normalizer {
 public:
  Normalizer() = default;
  /// `spec` is the component's JSON, null for none. Error{input} on an unknown type or a bad field.
  explicit Normalizer(const nlohmann::ordered_json& spec);
  bool empty() const { return steps_.empty(); }
  /// True when a step took the first characters away and put nothing in their place: what is left
  /// does not begin where the text began.
  bool apply(std::string& text) const;

 private:
  void add(const nlohmann::ordered_json& spec, int depth);
  std::vector<std::function<bool(std::string&)>> steps_;
};

}  // namespace axl::tokenizer
