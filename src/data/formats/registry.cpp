#include <array>

#include "core/log.hpp"
#include "data/format.hpp"

namespace axl::data {
namespace {

void append(std::vector<FormatSpec>& all, std::vector<FormatSpec> more) {
  for (FormatSpec& spec : more) all.push_back(spec);
}

/// Types of Axolotl that this program does not have, by their first part.
constexpr std::array kElsewhere = {"creative_acr"};

/// What reads preference and reward rows is not a RowConverter (data/preference.hpp).
constexpr std::array kCompared = {"bradley_terry", "stepwise_supervised"};

/// "NAME.load" is NAME.
std::string without_load(std::string type) {
  constexpr std::string_view kLoad = ".load";
  if (type.ends_with(kLoad)) type.resize(type.size() - kLoad.size());
  return type;
}

/// Axolotl refuses the retired `sharegpt`; what it meant is chat_template with other field names.
RowConverter sharegpt(const config::DatasetConfig& dataset, const config::Config& config,
                      const tokenizer::Tokenizer& tokenizer, std::int64_t sequence_len,
                      std::vector<std::string>* warnings) {
  config::DatasetConfig chat = dataset;
  chat.type = "chat_template";
  if (chat.field_messages == "messages") chat.field_messages = "conversations";
  chat.message_property_mappings["role"] = "from";
  chat.message_property_mappings["content"] = "value";
  if (warnings)
    warnings->push_back("dataset " + dataset.path +
                        ": type sharegpt is read as chat_template with field_messages: "
                        "conversations and message_property_mappings: {role: from, content: "
                        "value}");
  return chat_template_spec().make({tokenizer, config, chat, sequence_len, "", warnings});
}

}  // namespace

const Registry<FormatSpec>& formats() {
  static const Registry<FormatSpec> list = [] {
    std::vector<FormatSpec> all;
    append(all, alpaca_specs());          // alpaca.cpp: alpaca, alpaca_chat, gpteacher, oasst, ...
    append(all, system_column_specs());   // alpaca_w_system.cpp: alpaca_w_system, orcamini
    append(all, question_specs());        // questions.cpp: context_qa, explainchoice, metharme, ...
    all.push_back(reflection_spec());     // reflection.cpp
    all.push_back(chat_template_spec());  // chat_template.cpp
    all.push_back(llama2_chat_spec());    // llama2_chat.cpp
    all.push_back(completion_spec());     // completion.cpp
    all.push_back(pretrain_spec());       // pretrain.cpp
    all.push_back(synthetic_spec());      // synthetic.cpp
    all.push_back(pygmalion_spec());      // pygmalion.cpp
    all.push_back(input_output_spec());   // segments.cpp
    all.push_back(pretokenized_spec());   // segments.cpp
    all.push_back(user_defined_spec());   // user_defined.cpp: `type:` as a map
    return Registry<FormatSpec>("dataset type", std::move(all));
  }();
  return list;
}

RowConverter make_converter(const config::DatasetConfig& dataset, const config::Config& config,
                            const tokenizer::Tokenizer& tokenizer, std::int64_t sequence_len,
                            std::vector<std::string>* warnings) {
  FormatContext context{tokenizer, config, dataset, sequence_len, "", warnings};
  if (!dataset.user_defined.empty()) return user_defined_spec().make(context);
  std::string name = dataset.type;
  if (name.empty())
    throw Error(ErrorCode::config, "dataset '" + dataset.path + "' has no type")
        .at(dataset.where)
        .hint("known types: " + formats().joined());
  if (name == "messages" || name == "messages.chat") name = "chat_template";
  if (name == "chat_template.default") name = "chat_template";
  if (name.starts_with("sharegpt"))
    return sharegpt(dataset, config, tokenizer, sequence_len, warnings);
  for (const char* other : kElsewhere) {
    const std::string first = name.substr(0, name.find_first_of(".:"));
    if (first == other)
      throw Error(ErrorCode::unsupported, "dataset type '" + name + "' is not supported")
          .at(dataset.where)
          .hint("supported: " + formats().joined());
  }
  for (const char* other : kCompared)
    if (name.starts_with(other))
      throw Error(ErrorCode::unsupported,
                  "dataset type '" + name + "' is for reward models, which are not trained yet")
          .at(dataset.where)
          .hint("preview and preprocess read and check its rows");
  const std::size_t colon = name.find(':');
  if (colon != std::string::npos) {
    context.style = name.substr(colon + 1);
    name.resize(colon);
    if (context.style.starts_with("load_"))
      throw Error(ErrorCode::config, "unknown dataset type '" + dataset.type + "'")
          .at(dataset.where)
          .hint("did you mean '" + name + "." + context.style + "'?");
  }
  try {
    const FormatSpec& spec = formats().get(without_load(name));
    if (!context.style.empty() && !spec.styled)
      throw Error(ErrorCode::config,
                  "dataset type '" + name + "' has no styles, got '" + dataset.type + "'")
          .at(dataset.where);
    return spec.make(context);
  } catch (const Error& e) {
    if (!e.where().key.empty() || !e.where().file.empty()) throw;
    throw Error(e.code(), e.message()).at(dataset.where).hint(e.hint());
  }
}

}  // namespace axl::data
