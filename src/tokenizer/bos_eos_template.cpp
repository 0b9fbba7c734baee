#include "tokenizer/tokenizer_parts.hpp"

namespace axl::tokenizer {

void set_bos_eos_template(bool bos, bool eos, TokenizerParts& parts) {
  using Json = nlohmann::ordered_json;
  Json single = Json::array(), specials = Json::object();
  const auto put = [&](const std::string& name) {
    const auto it = parts.special.find(name);
    if (it == parts.special.end()) return;
    const std::string& token = it->second;
    const std::int32_t id = parts.model->vocab().find(token);
    if (id < 0) return;
    single.push_back({{"SpecialToken", {{"id", token}, {"type_id", 0}}}});
    specials[token] = {{"id", token}, {"ids", Json::array({id})}, {"tokens", Json::array({token})}};
  };
  if (bos) put("bos_token");
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  if (eos) put("eos_token");
  if (specials.empty()) return;
  Json pair = single;
  for (Json item : single) {
    if (item.contains("Sequence")) item["Sequence"]["id"] = "B";
    pair.push_back(item);
  }
  parts.post_processor = {{"type", "TemplateProcessing"},
                          {"single", single},
                          {"pair", pair},
                          {"special_tokens", specials}};
}

}  // namespace axl::tokenizer
