#include "weights/model_config_fields.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/json.hpp"

namespace axl::weights {
namespace {

std::string shown(const nlohmann::json& value) {
  const std::string text = json_text(value);
  return text.size() > 60 ? text.substr(0, 60) + "..." : text;
}

std::string number(double value) { return json_text(nlohmann::json(value)); }

}  // namespace

const nlohmann::json* ConfigFields::find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigFields::has(const char* key) const { return find(key) != nullptr; }

void ConfigFields::refuse(const char* key, const std::string& what) const {
  throw Error(ErrorCode::input, what).at({origin_, 0, 0, prefix_ + key});
}

std::int64_t ConfigFields::integer(const char* key, std::int64_t least, std::int64_t most) const {
  const nlohmann::json* value = find(key);
  const std::string allowed =
      "must be an integer from " + std::to_string(least) + " to " + std::to_string(most);
  if (value == nullptr) refuse(key, allowed + ", but it is missing");
  std::int64_t out = 0;
  bool good = value->is_number_integer();
  if (good && value->is_number_unsigned()) {
    const auto wide = value->get<std::uint64_t>();
    good = most >= 0 && wide <= static_cast<std::uint64_t>(most);
    out = good ? static_cast<std::int64_t>(wide) : 0;
  } else if (good) {
    out = value->get<std::int64_t>();
  }
  if (!good || out < least || out > most) refuse(key, allowed + ", got " + shown(*value));
  return out;
}

std::int64_t ConfigFields::integer_or(const char* key, std::int64_t absent, std::int64_t least,
                                      std::int64_t most) const {
  return has(key) ? integer(key, least, most) : absent;
}

double ConfigFields::real(const char* key, double least, double most) const {
  const nlohmann::json* value = find(key);
  const std::string allowed = "must be a number from " + number(least) + " to " + number(most);
  if (value == nullptr) refuse(key, allowed + ", but it is missing");
  const double out = value->is_number() ? value->get<double>() : std::nan("");
  if (!(out >= least && out <= most)) refuse(key, allowed + ", got " + shown(*value));
  return out;
}

double ConfigFields::real_or(const char* key, double absent, double least, double most) const {
  return has(key) ? real(key, least, most) : absent;
}

bool ConfigFields::boolean_or(const char* key, bool absent) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return absent;
  if (!value->is_boolean()) refuse(key, "must be true or false, got " + shown(*value));
  return value->get<bool>();
}

std::string ConfigFields::text_or(const char* key, const std::string& absent) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return absent;
  if (!value->is_string()) refuse(key, "must be a string, got " + shown(*value));
  return value->get<std::string>();
}

std::vector<std::int64_t> ConfigFields::integers(const char* key, std::int64_t least,
                                                 std::int64_t most) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_array()) return {integer(key, least, most)};
  std::vector<std::int64_t> out;
  for (const nlohmann::json& item : *value) {
    const nlohmann::json one{{key, item}};
    out.push_back(ConfigFields(one, origin_, prefix_).integer(key, least, most));
  }
  return out;
}

ConfigFields ConfigFields::object(const char* key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr || !value->is_object()) refuse(key, "must be an object");
  return {*value, origin_, prefix_ + key + "."};
}

bool ConfigFields::given(const char* key) const { return object_.contains(key); }

std::vector<double> ConfigFields::reals(const char* key, double least, double most) const {
  std::vector<double> out;
  const nlohmann::json* value = find(key);
  if (value == nullptr) return out;
  if (!value->is_array()) refuse(key, "must be a list of numbers, got " + shown(*value));
  for (const nlohmann::json& v : *value) {
    const double x = v.is_number() ? v.get<double>() : std::nan("");
    if (!(x >= least && x <= most))
      refuse(key, "must hold numbers from " + number(least) + " to " + number(most) + ", got " +
                      shown(v));
    out.push_back(x);
  }
  return out;
}

std::vector<std::string> ConfigFields::texts(const char* key) const {
  std::vector<std::string> out;
  const nlohmann::json* value = find(key);
  if (value == nullptr) return out;
  if (!value->is_array()) refuse(key, "must be a list of texts, got " + shown(*value));
  for (const nlohmann::json& v : *value) {
    if (!v.is_string()) refuse(key, "must hold texts, got " + shown(v));
    out.push_back(v.get<std::string>());
  }
  return out;
}

}  // namespace axl::weights
