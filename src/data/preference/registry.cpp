#include "core/error.hpp"
#include "data/preference.hpp"

namespace axl::data {
namespace {

void append(std::vector<PreferenceSpec>& all, std::vector<PreferenceSpec> more) {
  for (PreferenceSpec& spec : more) all.push_back(spec);
}

PreferenceKind kind_of(const config::Config& config) {
  if (config.rl == "kto") return PreferenceKind::kto;
  if (config.rl == "orpo") return PreferenceKind::orpo;
  return config.rl.empty() ? PreferenceKind::reward : PreferenceKind::pairs;
}

std::string without_default(std::string type) {
  constexpr std::string_view kDefault = ".default";
  if (type.ends_with(kDefault)) type.resize(type.size() - kDefault.size());
  return type;
}

}  // namespace

const Registry<PreferenceSpec>& preference_types(PreferenceKind kind) {
  static const Registry<PreferenceSpec> pairs = [] {
    std::vector<PreferenceSpec> all{chat_pairs_spec(), argilla_chat_pairs_spec()};  // chat.cpp
    append(all, framed_pairs_specs());        // framed.cpp: chatml.*, llama3.*, zephyr.nectar
    all.push_back(passthrough_pairs_spec());  // columns.cpp
    all.push_back(user_defined_pairs_spec());
    return Registry<PreferenceSpec>("preference dataset type", std::move(all));
  }();
  static const Registry<PreferenceSpec> kto = [] {
    std::vector<PreferenceSpec> all{chat_kto_spec()};  // chat.cpp
    append(all, framed_kto_specs());                   // framed.cpp
    all.push_back(passthrough_kto_spec());             // columns.cpp
    all.push_back(user_defined_kto_spec());
    return Registry<PreferenceSpec>("KTO dataset type", std::move(all));
  }();
  static const Registry<PreferenceSpec> orpo = [] {
    std::vector<PreferenceSpec> all{orpo_argilla_spec(), chat_pairs_spec()};  // chat.cpp
    append(all, framed_pairs_specs());
    all.push_back(passthrough_pairs_spec());
    all.push_back(user_defined_pairs_spec());
    return Registry<PreferenceSpec>("ORPO dataset type", std::move(all));
  }();
  static const Registry<PreferenceSpec> reward("reward dataset type",
                                               {bradley_terry_spec(),  // chat.cpp
                                                stepwise_spec()});     // stepwise.cpp
  switch (kind) {
    case PreferenceKind::kto:
      return kto;
    case PreferenceKind::orpo:
      return orpo;
    case PreferenceKind::reward:
      return reward;
    case PreferenceKind::pairs:
      break;
  }
  return pairs;
}

bool is_comparison(const config::Config& config, const config::DatasetConfig& dataset) {
  return !config.rl.empty() ||
         preference_types(PreferenceKind::reward).find(without_default(dataset.type)) != nullptr;
}

ComparisonReader make_comparison_reader(const config::DatasetConfig& dataset,
                                        const config::Config& config,
                                        const tokenizer::Tokenizer& tokenizer,
                                        std::vector<std::string>* warnings) {
  const FormatContext context{tokenizer, config, dataset, config.sequence_len, "", warnings};
  const PreferenceKind kind = kind_of(config);
  if (!dataset.user_defined.empty())
    return (kind == PreferenceKind::kto ? user_defined_kto_spec() : user_defined_pairs_spec())
        .make(context);
  // Under rl a dataset without a type holds its final columns already.
  const std::string type = dataset.type.empty() ? "passthrough" : without_default(dataset.type);
  try {
    return preference_types(kind).get(type).make(context);
  } catch (const Error& e) {
    if (!e.where().key.empty() || !e.where().file.empty()) throw;
    throw Error(e.code(), e.message()).at(dataset.where).hint(e.hint());
  }
}

}  // namespace axl::data
