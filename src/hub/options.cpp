#include "hub/options.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace axl::hub {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_set(const char* name) {
  const std::string value = variable(name);
  return !value.empty() && value != "0" && value != "false" && value != "no" && value != "off" &&
         value != "OFF" && value != "False" && value != "FALSE" && value != "NO";
}

std::string home() {
  if (const std::string home = variable("HF_HOME"); !home.empty()) return home;
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty())
    return cache + "/huggingface";
  return variable("HOME") + "/.cache/huggingface";
}

}  // namespace

Options options_from_environment() {
  Options out;
  if (const std::string endpoint = variable("HF_ENDPOINT"); !endpoint.empty())
    out.endpoint = endpoint;
  while (out.endpoint.ends_with('/')) out.endpoint.pop_back();
  out.cache = variable("HF_HUB_CACHE");
  if (out.cache.empty()) out.cache = home() + "/hub";
  out.offline = is_set("HF_HUB_OFFLINE") || is_set("TRANSFORMERS_OFFLINE");
  out.token = variable("HF_TOKEN");
  if (out.token.empty()) out.token = variable("HUGGING_FACE_HUB_TOKEN");
  if (out.token.empty()) {
    const std::string named = variable("HF_TOKEN_PATH");
    std::ifstream in(named.empty() ? home() + "/token" : named);
    in >> out.token;
  }
  return out;
}

}  // namespace axl::hub
