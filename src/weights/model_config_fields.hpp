#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"
#include "weights/model_config.hpp"

namespace axl::weights {

/// Typed, bounded access to one JSON object of a config.json; errors name file and field.
class ConfigFields {
 public:
  ConfigFields(const nlohmann::json& object, std::string origin, std::string prefix = "")
      : object_(object), origin_(std::move(origin)), prefix_(std::move(prefix)) {}

  /// True when the field is there and not null.
  bool has(const char* key) const;
  std::int64_t integer(const char* key, std::int64_t least, std::int64_t most) const;
  std::int64_t integer_or(const char* key, std::int64_t absent, std::int64_t least,
                          std::int64_t most) const;
  double real(const char* key, double least, double most) const;
  double real_or(const char* key, double absent, double least, double most) const;
  bool boolean_or(const char* key, bool absent) const;
  std::string text_or(const char* key, const std::string& absent) const;
  /// A list of numbers, empty when it is missing.
  std::vector<double> reals(const char* key, double least, double most) const;
  /// A list of texts, empty when it is missing.
  std::vector<std::string> texts(const char* key) const;
  /// True when the field is there, be it null.
  bool given(const char* key) const;
  /// One integer or a list of them.
  std::vector<std::int64_t> integers(const char* key, std::int64_t least, std::int64_t most) const;
  ConfigFields object(const char* key) const;
  [[noreturn]] void refuse(const char* key, const std::string& what) const;

 private:
  const nlohmann::json* find(const char* key) const;
  const nlohmann::json& object_;
  std::string origin_;
  std::string prefix_;
};

/// Rotary scaling as `in` (rope_parameters, or rope_scaling, or one kind of layer's share of them)
/// says; `top` is the whole config.json. `strict`: an unknown kind of scaling is refused.
void read_rope_fields(const ConfigFields& in, const ConfigFields& top, std::int64_t max_positions,
                      bool strict, RopeConfig& rope);

/// The GGUF side of read_model_config: an equivalent config.json (published style).
std::string config_json_of_gguf(const std::string& path);

}  // namespace axl::weights
