#include "tokenizer/post_processor.hpp"

#include "core/error.hpp"
#include "core/json.hpp"
#include "tokenizer/json_fields.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

TokenId checked_id(const Json& value) {
  constexpr std::int64_t kHighest = std::int64_t{1} << 24;
  const std::int64_t id = value.is_number_integer() ? value.get<std::int64_t>() : -1;
  if (id < 0 || id > kHighest)
    throw Error(ErrorCode::input, "post_processor: '" + json_text(value) + "' is not a token id");
  return static_cast<TokenId>(id);
}

/// ["</s>", 2]
TokenId pair_id(const Json& spec, const char* key) {
  const Json& pair = field_array(spec, key);
  if (pair.size() != 2) throw_bad_field(spec, key, "a [token, id] pair");
  return checked_id(pair[1]);
}

}  // namespace

PostProcessor::PostProcessor(const Json& spec) {
  if (!spec.is_null()) add(spec, 0);
}

void PostProcessor::add(const Json& spec, int depth) {
  const std::string type = component_type(spec, "post_processor", depth);
  if (type == "Sequence") {
    for (const Json& part : field_array(spec, "processors")) add(part, depth + 1);
  } else if (type == "TemplateProcessing") {
    add_template(spec);
  } else if (type == "RobertaProcessing" || type == "BertProcessing") {
    prefix.push_back(pair_id(spec, "cls"));
    suffix.push_back(pair_id(spec, "sep"));
  } else if (type != "ByteLevel") {  // which only trims offsets
    unknown_type("post_processor", type,
                 "TemplateProcessing, ByteLevel, RobertaProcessing, BertProcessing, Sequence");
  }
}

void PostProcessor::add_template(const Json& spec) {
  const auto specials = spec.find("special_tokens");
  std::vector<TokenId> before, after;
  bool seen = false;
  for (const Json& item : field_array(spec, "single")) {
    if (item.is_object() && item.contains("Sequence")) {
      seen = true;
      continue;
    }
    if (!item.is_object() || !item.contains("SpecialToken"))
      throw_bad_field(spec, "single", "a list of Sequence and SpecialToken items");
    const std::string name = field_string(item["SpecialToken"], "id");
    if (specials == spec.end() || !specials->is_object() || !specials->contains(name))
      throw Error(ErrorCode::input, "TemplateProcessing: the template names '" + name +
                                        "', which is not in its special_tokens");
    for (const Json& id : field_array((*specials)[name], "ids"))
      (seen ? after : before).push_back(checked_id(id));
  }
  // A later processor wraps what an earlier one made.
  prefix.insert(prefix.begin(), before.begin(), before.end());
  suffix.insert(suffix.end(), after.begin(), after.end());
}

}  // namespace axl::tokenizer
