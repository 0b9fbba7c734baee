// Control tokens, role names, blank lines, refusals and the words of a model's own system messages
// are those of the models' published templates. tests/unit/tokenizer/named_templates_test.cpp
// compares every one with what transformers renders of Axolotl's.
#include "tokenizer/templates/registry.hpp"

#include "tokenizer/templates/embedded.hpp"

namespace axl::tokenizer {

const Registry<NamedTemplate>& named_templates() {
  using namespace embedded;
  static const Registry<NamedTemplate> list{"chat template",
                                            {{"alpaca", alpaca},
                                             {"aya", cohere},
                                             {"chatml", chatml},
                                             {"cohere", cohere},
                                             {"command_a", command_a},
                                             {"command_a_rag", command_a_rag},
                                             {"command_a_tool_use", command_a_tool_use},
                                             {"deepseek_v2", deepseek_v2},
                                             {"deepseek_v3", deepseek_v3},
                                             {"exaone", exaone},
                                             {"exaone4", exaone4},
                                             {"falcon_h1", falcon_h1},
                                             {"gemma", gemma},
                                             {"gemma3", gemma3},
                                             {"gemma3n", gemma3n},
                                             {"gemma4", gemma4},
                                             {"gemma4_unified", gemma4},
                                             {"jamba", jamba},
                                             {"llama3", llama3},
                                             {"llama3_2_vision", llama3_2_vision},
                                             {"llama4", llama4},
                                             {"llava", llava},
                                             {"metharme", metharme},
                                             {"mistral_v1", mistral_v1},
                                             {"mistral_v2v3", mistral_v2v3},
                                             {"mistral_v3_tekken", mistral_v3_tekken},
                                             {"mistral_v7_tekken", mistral_v7_tekken},
                                             {"nemotron_h", nemotron_h},
                                             {"phi_3", phi_3},
                                             {"phi_35", phi_35},
                                             {"phi_4", phi_4},
                                             {"pixtral", pixtral},
                                             {"qwen2_vl", qwen2_vl},
                                             {"qwen3", qwen3},
                                             {"qwen3_5", qwen3_5},
                                             {"qwen_25", qwen_25}}};
  return list;
}

}  // namespace axl::tokenizer
