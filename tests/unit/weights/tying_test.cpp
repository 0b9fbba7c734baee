// A config that ties embedding and head over files that hold the head, as transformers reads it.
#include "weights/tying.hpp"

#include "core/json.hpp"
#include "weights_testing.hpp"

namespace axl::weights {
namespace {

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";

class Tying : public testing::Scratch {
 protected:
  WeightFile file(const std::vector<std::pair<std::string, float>>& tables) const {
    std::vector<std::vector<float>> values;
    std::vector<TensorToWrite> tensors;
    for (const auto& [name, value] : tables) values.emplace_back(6, value);
    for (std::size_t i = 0; i < tables.size(); ++i)
      tensors.push_back(float_tensor(tables[i].first, {3, 2}, values[i].data()));
    write_safetensors(path("model.safetensors"), tensors);
    return WeightFile::open(path("model.safetensors"));
  }
  static ModelConfig tied() {
    ModelConfig out;
    out.tie_word_embeddings = true;
    out.raw = R"({"tie_word_embeddings": true})";
    return out;
  }
};

TEST_F(Tying, EqualTablesAreOne) {
  WeightFile weights = file({{kEmbedding, 1.0f}, {kHead, 1.0f}, {"model.norm.weight", 2.0f}});
  ModelConfig config = tied();
  settle_tying(config, weights, kEmbedding, kHead);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_EQ(weights.find(kHead), nullptr);
  EXPECT_EQ(testing::floats(weights.get("model.norm.weight"))[5], 2.0f);
}

TEST_F(Tying, DifferentTablesAreNotTied) {
  WeightFile weights = file({{kEmbedding, 1.0f}, {kHead, 3.0f}});
  ModelConfig config = tied();
  settle_tying(config, weights, kEmbedding, kHead);
  EXPECT_FALSE(config.tie_word_embeddings);
  EXPECT_EQ(axl::parse_json<nlohmann::json>(config.raw).at("tie_word_embeddings"), false);
  EXPECT_EQ(testing::floats(weights.get(kHead))[0], 3.0f);
}

TEST_F(Tying, AHeadAloneIsTheEmbedding) {
  WeightFile weights = file({{kHead, 3.0f}});
  ModelConfig config = tied();
  settle_tying(config, weights, kEmbedding, kHead);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_EQ(testing::floats(weights.get(kEmbedding))[0], 3.0f);
  EXPECT_EQ(weights.find(kHead), nullptr);
}

TEST_F(Tying, UntiedModelsAreLeftAlone) {
  WeightFile weights = file({{kEmbedding, 1.0f}, {kHead, 1.0f}});
  ModelConfig config;
  settle_tying(config, weights, kEmbedding, kHead);
  EXPECT_NE(weights.find(kHead), nullptr);
}

}  // namespace
}  // namespace axl::weights
