#include "cli/presets.hpp"

#include <fmt/format.h>

namespace axl::cli {
namespace {

/// Writes lines of YAML, each with its explanation behind it.
class Writer {
 public:
  void title(std::string_view text) { out_ += fmt::format("\n# {}\n", text); }
  void line(std::string_view yaml, std::string_view why) {
    out_ += fmt::format("{:<42} # {}\n", yaml, why);
  }
  void note(std::string_view text) { out_ += fmt::format("# {}\n", text); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void model(Writer& w, const Family& f) {
  w.title("Model");
  const bool folder = f.base_model.starts_with("models/");
  w.line(fmt::format("base_model: {}", f.base_model),
         folder ? "a folder; launch/fetch-model.sh gets this one"
                : "from huggingface.co; or a folder");
  if (f.pad_token.empty()) return;
  w.line("special_tokens:", "tokens that the tokenizer does not name itself");
  w.line(fmt::format("  pad_token: \"{}\"", f.pad_token), "fills short rows; it is never learned");
}

void data(Writer& w, const Family& f) {
  w.title("Data");
  w.line("datasets:", "one or more; their rows are put together");
  w.line("  - path: data/train.jsonl", "a file, a folder or a pattern; one JSON object a line");
  if (f.chat) {
    w.line("    type: chat_template", "rows hold messages: [{role: user, content: ...}, ...]");
    w.line("chat_template: tokenizer_default", "the template that the model brings along");
    if (!f.end_of_turn.empty())
      w.line(fmt::format("eot_tokens: [\"{}\"]", f.end_of_turn),
             "ends a turn; learned after each answer");
  } else {
    w.line("    type: alpaca", "rows hold instruction, input (may be empty) and output");
  }
  w.line("train_on_inputs: false", "only answers are learned, not the questions");
  w.line("val_set_size: 0.05", "5 % of the rows are kept for evaluation");
  w.line("dataset_prepared_path: last_run_prepared", "tokenised rows, kept for the next run");
}

void rows(Writer& w, const Family& f) {
  w.title("Rows");
  w.line(fmt::format("sequence_len: {}", f.sequence_len),
         "tokens in a row; longer samples are dropped");
  w.line("sample_packing: true", "several samples share a row and never see each other");
}

void adapter(Writer& w, Mode mode) {
  if (mode == Mode::full) return;
  w.title("Adapter");
  if (mode == Mode::qlora) {
    w.line("adapter: qlora", "small matrices are trained beside a frozen 4-bit model");
    w.line("load_in_4bit: true", "a quarter of the memory of bf16");
  } else {
    w.line("adapter: lora", "small matrices are trained beside the frozen weights");
  }
  w.line("lora_r: 16", "their rank: more learns more and takes more memory");
  w.line("lora_alpha: 32", "their weight is alpha / r");
  w.line("lora_dropout: 0.0", "share of their inputs that is zeroed");
  w.line("lora_target_linear: true", "every linear layer gets them");
}

void training(Writer& w, const Preset& p) {
  const Family& f = *p.family;
  w.title("Training");
  w.line("micro_batch_size: 1", "rows that a rank computes at once");
  w.line("gradient_accumulation_steps: 4", "rows a step: 1 x 4 x the number of ranks");
  w.line("num_epochs: 3", "passes over the data");
  w.line("optimizer: adamw_torch_fused", "AdamW");
  w.line(fmt::format("learning_rate: {}", p.mode == Mode::full ? f.learning_rate_full : "2e-4"),
         p.mode == Mode::full ? "ten times less than for an adapter" : "usual for adapters");
  w.line("lr_scheduler: cosine", "falls to 0 along half a cosine");
  w.line("warmup_ratio: 0.1", "rises from 0 in the first 10 % of the steps");
  w.line("weight_decay: 0.0", "0.01 to 0.1 keeps weights small in long runs");
  w.line("max_grad_norm: 1.0", "longer gradients are scaled down to this");
  w.line("seed: 42", "the same seed, ranks and data give the same result");
  w.title("Precision and memory");
  w.line("bf16: auto", "bf16 where the processor computes in it, else f32");
  w.line(fmt::format("gradient_checkpointing: {}", f.sequence_len > 1024),
         "true: less memory for about a third more time");
  w.title("Output");
  w.line(fmt::format("output_dir: outputs/{}", p.name), "checkpoints, metrics and the result");
  w.line("logging_steps: 1", "steps between two lines of metrics");
  w.line("evals_per_epoch: 2", "evaluations in a pass over the data");
  w.line("saves_per_epoch: 1", "checkpoints in a pass over the data");
  w.line("save_total_limit: 2", "older checkpoints are deleted");
  w.line("auto_resume_from_checkpoints: true", "the same command again goes on where it stopped");
}

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> list{
      {"llama-2", "Llama 2 7B", "meta-llama/Llama-2-7b-hf", "</s>", "", false, 2048},
      {"llama-3", "Llama 3 8B Instruct", "meta-llama/Meta-Llama-3-8B-Instruct", "<|eot_id|>", "",
       true, 2048},
      {"mistral", "Mistral 7B Instruct", "mistralai/Mistral-7B-Instruct-v0.3", "</s>", "", true,
       2048},
      {"phi-3", "Phi-3 mini, 3.8B", "microsoft/Phi-3-mini-4k-instruct", "", "<|end|>", true, 2048},
      {"qwen2.5", "Qwen2.5 1.5B Instruct", "Qwen/Qwen2.5-1.5B-Instruct", "", "", true, 2048},
      {"qwen3", "Qwen3 1.7B", "Qwen/Qwen3-1.7B", "", "", true, 2048},
      {"gemma-2", "Gemma 2 2B", "google/gemma-2-2b-it", "", "<end_of_turn>", true, 2048},
      {"smollm2", "SmolLM2 135M Instruct: minutes on a laptop", "models/SmolLM2-135M-Instruct", "",
       "", true, 512, "2e-5"},
      {"stablelm", "StableLM 2 1.6B chat", "stabilityai/stablelm-2-1_6b-chat", "<|endoftext|>", "",
       true, 2048},
      {"falcon", "Falcon 7B", "tiiuae/falcon-7b", "<|endoftext|>", "", false, 2048},
      {"gpt-neox", "Pythia 1.4B, a GPT-NeoX", "EleutherAI/pythia-1.4b", "<|padding|>", "", false,
       2048},
  };
  return list;
}

const std::vector<std::string_view>& mode_names() {
  static const std::vector<std::string_view> list{"lora", "qlora", "full"};
  return list;
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> list = [] {
    std::vector<Preset> out;
    for (const Family& f : families())
      for (const Mode mode : {Mode::lora, Mode::qlora, Mode::full})
        out.push_back(
            {fmt::format("{}-{}", f.name, mode_names()[static_cast<std::size_t>(mode)]), &f, mode});
    return out;
  }();
  return list;
}

std::string preset_yaml(const Preset& p) {
  static constexpr std::string_view kHow[] = {"LoRA", "QLoRA", "all weights"};
  Writer w;
  w.note(fmt::format("{}, {}.", p.family->summary, kHow[static_cast<std::size_t>(p.mode)]));
  w.note(fmt::format("Made by: axolotl-hpc init {} --mode {}", p.family->name,
                     mode_names()[static_cast<std::size_t>(p.mode)]));
  w.note("  axolotl-hpc validate THIS_FILE     check it after every change");
  w.note("  axolotl-hpc preview THIS_FILE      what of the rows is learned");
  w.note("  axolotl-hpc plan THIS_FILE         memory, steps and time before anything runs");
  w.note("  mpirun -np 4 axolotl-hpc THIS_FILE train on four ranks");
  model(w, *p.family);
  data(w, *p.family);
  rows(w, *p.family);
  adapter(w, p.mode);
  training(w, p);
  return w.take();
}

}  // namespace axl::cli
