#include "cli/presets.hpp"

#include <fmt/format.h>

namespace axl::cli {

const std::vector<Preset>& presets() {
  static const std::vector<Preset> list{
      {"smollm2-lora", "SmolLM2-135M-Instruct, LoRA: minutes on a laptop",
       "models/SmolLM2-135M-Instruct", "<|im_end|>", true, 512, "2e-4", "chatml"},
      {"smollm2-full", "SmolLM2-135M-Instruct, all weights", "models/SmolLM2-135M-Instruct",
       "<|im_end|>", false, 512, "2e-5", "chatml"},
      {"llama-3-lora", "Llama 3 8B Instruct, LoRA", "models/Meta-Llama-3-8B-Instruct", "<|eot_id|>",
       true, 2048, "2e-4", "llama3"},
      {"llama-3-full", "Llama 3 8B Instruct, all weights", "models/Meta-Llama-3-8B-Instruct",
       "<|eot_id|>", false, 2048, "1e-5", "llama3"},
      {"llama-2-lora", "Llama 2 7B, LoRA", "models/Llama-2-7b-hf", "</s>", true, 2048, "2e-4", ""},
      {"llama-2-full", "Llama 2 7B, all weights", "models/Llama-2-7b-hf", "</s>", false, 2048,
       "1e-5", ""},
  };
  return list;
}

std::string preset_yaml(const Preset& p) {
  std::string out = fmt::format(
      "# {}.\n"
      "# Made by: axolotl-hpc init {}\n"
      "#   axolotl-hpc validate THIS_FILE     check it after every change\n"
      "#   axolotl-hpc plan THIS_FILE         memory, steps and time before anything runs\n"
      "#   mpirun -np 4 axolotl-hpc THIS_FILE train on four ranks\n"
      "\n"
      "# A folder with config.json, safetensors and tokenizer.json, or a .gguf file.\n"
      "base_model: {}\n",
      p.summary, p.name, p.base_model);
  if (!p.pad_token.empty())
    out += fmt::format("special_tokens:\n  pad_token: \"{}\"\n", p.pad_token);
  out += "\n# Your rows. ";
  if (p.chat_template.empty()) {
    out +=
        "alpaca: one JSON object a line with instruction, input (may be empty) and\n"
        "# output. See docs/configuration.md for the other types.\n"
        "datasets:\n"
        "  - path: data/train.jsonl\n"
        "    type: alpaca\n";
  } else {
    out += fmt::format(
        "chat_template: one JSON object a line with a list messages of\n"
        "# {{\"role\": \"user\" or \"assistant\", \"content\": text}}. Answers are learned, "
        "questions are "
        "not.\n"
        "datasets:\n"
        "  - path: data/train.jsonl\n"
        "    type: chat_template\n"
        "chat_template: {}\n",
        p.chat_template);
  }
  out +=
      "# 5 % of the rows are kept for evaluation.\n"
      "val_set_size: 0.05\n"
      "# Tokenised rows are kept here and made anew when data, tokenizer or template change.\n"
      "dataset_prepared_path: last_run_prepared\n"
      "\n";
  out += fmt::format(
      "# Tokens in a row. Packing puts several samples into one row; they never see each other.\n"
      "sequence_len: {}\n"
      "sample_packing: true\n"
      "\n",
      p.sequence_len);
  if (p.lora)
    out +=
        "# Small matrices beside the frozen weights are trained. A higher rank learns more.\n"
        "adapter: lora\n"
        "lora_r: 16\n"
        "lora_alpha: 32\n"
        "lora_dropout: 0.0\n"
        "lora_target_linear: true\n"
        "\n";
  out += fmt::format(
      "# Rows a step: micro_batch_size x gradient_accumulation_steps x ranks.\n"
      "micro_batch_size: 1\n"
      "gradient_accumulation_steps: 4\n"
      "num_epochs: 3\n"
      "\n"
      "optimizer: adamw_torch_fused\n"
      "learning_rate: {}\n"
      "lr_scheduler: cosine\n"
      "warmup_ratio: 0.1\n"
      "weight_decay: 0.0\n"
      "\n"
      "# bf16 where the processor computes in it, else f32.\n"
      "bf16: auto\n"
      "# Less memory for about a third more time.\n"
      "gradient_checkpointing: {}\n"
      "\n"
      "logging_steps: 1\n"
      "evals_per_epoch: 2\n"
      "saves_per_epoch: 1\n"
      "save_total_limit: 2\n"
      "# Run the same command again after an interruption: it goes on where it stopped.\n"
      "auto_resume_from_checkpoints: true\n"
      "output_dir: outputs/{}\n"
      "seed: 42\n",
      p.learning_rate, p.sequence_len > 1024 ? "true" : "false", p.name);
  return out;
}

}  // namespace axl::cli
