#include "adapter/fit_base.hpp"

#include <algorithm>

#include "weights/vocabulary.hpp"

namespace axl::adapter {

void fit_base(weights::ModelConfig& config, weights::WeightFile& base, const AdapterFiles& adapter,
              const std::vector<std::string>& tables) {
  std::int64_t rows = config.vocab_size;
  std::vector<const AdapterTensor*> copies;
  for (const AdapterTensor& t : adapter.tensors()) {
    const bool whole = t.role == AdapterRole::parameter || t.role == AdapterRole::base_copy;
    if (!whole || std::find(tables.begin(), tables.end(), t.name) == tables.end()) continue;
    rows = std::max(rows, t.entry->shape.front());
    if (t.role == AdapterRole::base_copy) copies.push_back(&t);
  }
  if (rows == config.vocab_size) return;
  weights::grow_vocabulary(config, base, tables, rows, {});
  for (const AdapterTensor* copy : copies) {
    if (copy->entry->shape.front() != rows) continue;
    weights::TensorEntry entry = *copy->entry;
    // A tied head has no tensor of its own: what it was frozen as is the table of both ends.
    entry.name = base.find(copy->name) != nullptr ? copy->name : tables.front();
    base.replace(std::move(entry), adapter.weights());
  }
}

}  // namespace axl::adapter
