#include <fmt/format.h>

#include "config/bind.hpp"
#include "config/schema.hpp"

namespace axl::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Coming from Axolotl

<!-- Made by `axolotl-hpc schema --migration` from src/config; do not edit by hand. -->

Take the YAML that you run today:

```sh
axolotl-hpc validate config.yaml     # what of it works, what has no effect, what is wrong
axolotl-hpc preview config.yaml      # the rows, and which of their tokens are learned
axolotl-hpc plan config.yaml         # memory, steps and time
mpirun -np 4 axolotl-hpc config.yaml # in place of: accelerate launch -m axolotl.cli.train config.yaml
```

| Axolotl | here |
|---|---|
| `axolotl train config.yaml` | `axolotl-hpc config.yaml`, with `mpirun -np N` or `srun` in front |
| `axolotl preprocess config.yaml` | `axolotl-hpc preprocess config.yaml` |
| `axolotl merge-lora config.yaml` | `axolotl-hpc merge config.yaml` |
| `axolotl inference config.yaml` | `axolotl-hpc inference config.yaml --prompt TEXT` |
| `--learning-rate 1e-4`, `--trl.beta 0.1` | the same: every key is an option |
| `axolotl fetch examples` | `axolotl-hpc init` |

A file that Axolotl accepts is accepted here. `validate` then says for every key that is given whether
it works, has no effect (with the reason), or cannot be trained by this version yet; `train` and `plan`
refuse the last kind with all of them at once, and never leave out silently what would change the
result.

## What is read differently

- **YAML.** What PyYAML refuses is an error with the place where it began (a quote that is never closed, a line
  without its colon, tabs, two anchors of one name), and values are PyYAML's. On purpose, a key that is given
  twice is an error too, where PyYAML takes the last one without a word, and so are U+2028 and U+2029 as line breaks.
  `{b:[1]}` needs a space behind the colon, and an entry of `{...}` without a value stands in one line.
- **Unknown keys.** Axolotl drops them without a word, also inside `datasets`, `fsdp_config`, `trl` and
  other maps. Here each one is a warning with its line and the nearest known name, and with `--strict` an
  error.
- **Values that can only be mistakes** are errors: an unknown `optimizer` or `lr_scheduler`, a negative
  `micro_batch_size`, a share above 1, a `tensor_parallel_size` that does not divide the model's heads,
  sizes of a layout that do not divide the ranks, `true` or `1:30` where a number belongs, infinities, an entry of `test_datasets` that is no data set.
- **Milder than Axolotl** are the types of keys that nobody reads, a quoted `'0'` (off, where Axolotl's
  rules take it for on), and in every kind of data set one text for `data_files` and a list for `name`.
- **Numbers.** `2e-5` is text for PyYAML and is converted later; here it is a number at once. `yes`, `no`,
  `on` and `off` are booleans. `2048.5` is no integer, `042` (octal in YAML 1.1) is refused.
- **`bf16: auto`** asks this processor; Axolotl asks its GPU. `validate` shows the outcome as `dtype`.
- **`field_tools`** is read; Axolotl 0.19 looks at the column `tools` only. `train_on_last_step_only`,
  `step_separator` and `max_completion_length` are read too.
- **Properties of messages** reach the chat template when it mentions them anywhere. Axolotl 0.19 finds only those
  that stand behind the loop's own variable, so `tool_calls` and `reasoning_content` are lost under its `exaone4`,
  `tool_call_id`, `name`, `thinking` and `reasoning_content` under `gemma4`; there rows are trained here that have
  more in them. What a template never reads is counted and told.
- **Thoughts** keep the name that they have (`reasoning_content`, `thinking`), unless `field_thinking` and
  `template_thinking_key` rename them, as under Axolotl 0.19. Newer releases of transformers put one under the
  other's name for templates that read only that.
- **Files beside `tokenizer.json`** are laid over it as transformers 5 does. Of two that disagree
  (`tokenizer_config.json`, `special_tokens_map.json`) the same one counts, and a warning names both; tokens that
  are objects where transformers 5 stops are taken. A `dropout` of merges is not applied: a text always has the same
  tokens.
- **`generation_config.json`** ends answers where it disagrees with `config.json`, as in transformers, with a warning.
- **GGUF files without `tokenizer.ggml.pre`** are split as the model that their vocabulary belongs to, or refused;
  llama.cpp takes a default that is no model's.
- **`lora_target_modules: "EXPRESSION"` beside `lora_target_linear: true`** has no effect, as in Axolotl, which
  takes it for one more name; a warning says so.
- **CSV cells** `NA`, `NaN`, `null`, `None`, `n/a`, the empty cell and the others that pandas takes for
  missing are missing here too. Numbers stay the text that stands there, with their leading zeros (`007`);
  pandas makes numbers of columns that hold nothing else.
- **Texts** must be UTF-8: a file of another encoding is refused with its line and what it looks like, and of
  JSON lines the broken ones are counted.
- **`~` and `$VAR`** in a path are errors: no shell reads a configuration, and Axolotl makes folders of
  that name.
- **`lora_r` and `lora_alpha`** are asked for. Axolotl takes a file without them, and PEFT then fails on `None`.
- **`resume_from_checkpoint: true`** goes on from the newest checkpoint in `output_dir`, as transformers' Trainer
  does. Checkpoints of other programs hold no state that is read here: their adapters and weights go on through
  `lora_model_dir` and `base_model`.
- **`sharegpt`** was removed from Axolotl; it is translated here, and the current form is printed.

## What is computed differently

- **The loss** is the mean over all label tokens of the whole batch. Axolotl averages within every
  micro-batch and rank first, so that ranks with few labels count too much; `loss_normalization: axolotl`
  does the same here, also to the loss of an evaluation.
- **Steps** of unpacked rows are whole epochs: with 10 rows, 4 a step and 3 epochs there are 9 steps, where
  Axolotl makes 8 and leaves the last rows of the last epoch out. Warm-up and logging by shares count the
  steps that are made; Axolotl counts those of `num_epochs` when `max_steps` is larger.
- **Evaluation** runs before the first and after the last step too, and `eval_strategy: no` means none at
  all; Axolotl still runs one before the first step. With evaluation rows and no key that says when, it
  runs after every epoch; Axolotl 0.19 then never evaluates, nor with `evals_per_epoch: 1` for one epoch.
- **`saves_per_epoch: 0`** writes no checkpoints, where Axolotl writes one an epoch.
- **`loraplus_lr_embedding`** has the effect that it promises when it is given; PEFT 0.20 never applies it.
- **Packing** is planned once and exactly: the number of steps is known before training, no batch is
  dropped to make ranks equal, and packed samples never see each other, whatever `attn_implementation`
  says. Padding is never computed. `sample_packing_bin_size` counts the samples of one `sequence_len`, and rows
  in order are packed in the same order in every epoch.
- **Streamed texts** longer than `sequence_len` become overlapping rows, each closed by EOS, also without
  `sample_packing`; Axolotl cuts them off there, and leaves EOS out without
  `pretraining_sample_concatenation`.
- **DPO** cuts prompt from answer where the three tokenisations part, as TRL 1.16 does; TRL 1.9, which Axolotl 0.19
  has, goes by the prompt's length. `dpo_label_smoothing` has an effect (TRL 1.x ignores it with the sigmoid loss), a
  loss is the mean over all pairs of the batch, and `lora_model_dir` is taken, with the adapter as it was as the
  reference.
- **8-bit AdamW** is bitsandbytes', as that computes on a CPU, also under torchao's names; **4-bit AdamW**
  keeps its states in f32: exact, and larger. Paging has no meaning here.
- **`optim_args`** reach Adafactor, where Axolotl drops them, and names that the optimiser does not have
  are errors ([optimizers.md](optimizers.md)).
- **Fused kernels** (Liger, Cut Cross Entropy, the LoRA kernels, `torch_compile`) need no switch: the loss
  never holds all logits, and the blocks are fused.
- **Sharding** (`fsdp`, `deepspeed`) does not change a result; here every rank of a node shares one memory
  map of the frozen weights instead.
- **Models and adapters** are the same files: Hugging Face folders go in, and an adapter that PEFT loads
  comes out.

## Key by key

*works*: as in Axolotl. *added*: not in Axolotl. *no effect*: accepted, with the reason. *not trained*:
valid, but refused by `train` and `plan` unless it is off. *old name*: translated with a warning.
*dropped*: nobody reads it, Axolotl neither. *refused*: an error, in Axolotl too.
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  if (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

template <class Owner>
std::string_view status_of(const Key<Owner>& key) {
  switch (key.action) {
    case Action::implement:
      return key.doc.find("Not in Axolotl") == std::string_view::npos ? "works" : "added";
    case Action::notice:
      return "no effect";
    case Action::alias:
      return "old name";
    case Action::later:
      return "not trained";
    case Action::unread:
      return "dropped";
    case Action::reject:
      return "refused";
  }
  return "";
}

template <class Owner>
std::string note_of(const Key<Owner>& key) {
  if (key.action == Action::alias)
    return key.target_value.empty() ? fmt::format("write `{}`", key.target)
                                    : fmt::format("write `{}: {}`", key.target, key.target_value);
  if (key.action == Action::later) {
    std::string text = escaped(key.doc);
    return key.harmless.empty() ? text : fmt::format("{}; `{}` is fine", text, key.harmless);
  }
  return escaped(key.doc);
}

template <class Owner>
void table(std::string& out, const std::vector<Key<Owner>>& keys) {
  out += "\n| key | takes | here | note |\n|---|---|---|---|\n";
  for (const Key<Owner>& key : keys) {
    const bool typed = key.action != Action::alias && key.action != Action::unread &&
                       key.action != Action::reject && key.kind != Kind::any;
    out += fmt::format("| `{}` | {} | {} | {} |\n", key.name,
                       typed ? escaped(what_is_allowed(key)) : "", status_of(key), note_of(key));
  }
  for (const Key<Owner>& key : keys) {
    if (key.fields.empty()) continue;
    out += fmt::format("\nKeys inside `{}`:", key.name);
    for (const Field& f : key.fields)
      out += fmt::format("{} `{}`", &f == &key.fields.front() ? "" : ",", f.name);
    if (!key.old_prefix.empty()) out += fmt::format("; also with `{}` in front", key.old_prefix);
    out += ".\n";
  }
}

}  // namespace

std::string migration_markdown() {
  std::string out(kIntroduction);
  for (const ConfigSection& section : sections()) {
    out += fmt::format("\n### {}\n", section.title);
    table(out, section.keys);
    if (section.title == "Data") {
      out += "\n### One entry of datasets\n";
      table(out, dataset_keys());
    }
  }
  return out;
}

}  // namespace axl::config
