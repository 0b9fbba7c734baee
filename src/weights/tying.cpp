#include "weights/tying.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/log.hpp"

namespace axl::weights {

void settle_tying(ModelConfig& config, WeightFile& weights, const std::string& embedding,
                  const std::string& head) {
  if (!config.tie_word_embeddings) return;
  const TensorEntry* output = weights.find(head);
  if (output == nullptr) return;
  const TensorEntry* input = weights.find(embedding);
  if (input == nullptr) {
    TensorEntry both = *output;
    both.name = embedding;
    weights.replace(std::move(both), nullptr);
    weights.remove(head);
    return;
  }
  const bool same = input->storage == output->storage && input->shape == output->shape &&
                    std::equal(input->bytes.begin(), input->bytes.end(), output->bytes.begin(),
                               output->bytes.end());
  if (same) {
    weights.remove(head);
    return;
  }
  log::info("{}: tie_word_embeddings is true, but '{}' differs from '{}': they are not tied",
            config.origin, head, embedding);
  config.tie_word_embeddings = false;
  auto raw = parse_json<nlohmann::ordered_json>(config.raw);
  raw["tie_word_embeddings"] = false;
  config.raw = json_text(raw, 2);
}

}  // namespace axl::weights
