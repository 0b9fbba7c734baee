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
  void apply(std::string& text) const;

 private:
  void add(const nlohmann::ordered_json& spec, int depth);
  std::vector<std::function<void(std::string&)>> steps_;
};

}  // namespace axl::tokenizer
