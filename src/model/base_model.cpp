#include "model/base_model.hpp"

#include "adapter/completeness.hpp"
#include "adapter/fit_base.hpp"
#include "core/log.hpp"
#include "weights/tying.hpp"

namespace axl::model {

BaseModel open_base_model(const std::string& path, const std::string& config_from,
                          const adapter::AdapterFiles* adapter) {
  BaseModel m{weights::read_model_config(config_from.empty() ? path : config_from),
              weights::WeightFile::open(path), false};
  family::shape_of(m.config);  // refuses what the blocks cannot do
  const std::vector<std::string> tables = family::family_of(m.config).tables();
  weights::settle_tying(m.config, m.weights, tables[0], tables[1]);
  if (const auto& foreign = m.weights.foreign(); !foreign.empty())
    log::info(
        "{}: {} tensors of types that are not read are no part of this model, first '{}' ({})",
        m.config.origin, foreign.size(), foreign.front().name, foreign.front().type);
  if (adapter == nullptr) return m;
  const std::int64_t rows = m.config.vocab_size;
  adapter::fit_base(m.config, m.weights, *adapter, tables);
  for (const std::string& note :
       adapter::check_complete(*adapter, adapter::base_names(m.config, m.weights, tables[1])))
    log::info("{}", note);  // every rank opens the model; one speaks
  m.grown = m.config.vocab_size != rows;
  return m;
}

}  // namespace axl::model
