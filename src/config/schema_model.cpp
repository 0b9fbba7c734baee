#include "config/readers.hpp"
#include "config/schema.hpp"

namespace axl::config {

ConfigSection model_section() {
  ConfigSection s{
      "Model, tokenizer and chat template",
      {
          key("base_model", &Config::base_model,
              "Folder with config.json and safetensors, or a .gguf file. Hugging Face names are "
              "looked up among local files only.")
              .is_required(),
          key("base_model_config", &Config::base_model_config,
              "Folder to read config.json from when base_model has none.")
              .derived("base_model"),
          key("model_type", &Config::model_type,
              "Python class of the model. Only causal language models are trained; the "
              "architecture comes from config.json.")
              .read_by(&read_model_type),
          alias("type_of_model", "model_type"),
          key("tokenizer_config", &Config::tokenizer_config,
              "Folder or tokenizer.json of another tokenizer.")
              .derived("base_model"),
          key("tokenizer_type", &Config::tokenizer_type,
              "Python class of the tokenizer; tokenizer.json is what is used."),
          key("special_tokens", &Config::special_tokens,
              "Map of bos_token, eos_token, pad_token, unk_token and additional_special_tokens (a "
              "list); added to the tokenizer as special tokens.")
              .read_by(&read_special_tokens),
          key("tokens", &Config::tokens, "Further tokens for the tokenizer, not special."),
          key("chat_template", &Config::chat_template,
              "Name of a built-in chat template, tokenizer_default, "
              "tokenizer_default_fallback_NAME, or jinja.")
              .read_by(&read_chat_template),
          key("chat_template_jinja", &Config::chat_template_jinja,
              "Jinja text of the chat template, or the path of a file that holds it; sets "
              "chat_template to jinja."),
          key("chat_template_kwargs", &Config::chat_template_kwargs,
              "Map of further variables for the chat template, such as enable_thinking.")
              .read_by(&read_json_map),
          key("eot_tokens", &Config::eot_tokens,
              "Strings that end a turn; each must be one token and occur in the template.")
              .derived("the end-of-sequence token"),
          key("default_system_message", &Config::default_system_message,
              "System text of the chatml template when a conversation brings none."),
      }};
  add(s.keys, Action::notice, {"cls_model_config"}, "the architecture comes from config.json");
  add(s.keys, Action::notice, {"model_kwargs", "overrides_of_model_kwargs"},
      "arguments of a Python function");
  add(s.keys, Action::notice, {"model_revision", "revision_of_model"},
      "models are local folders; the folder is the revision");
  add(s.keys, Action::notice, {"trust_remote_code"},
      "no Python from the model's repository is run; the architecture must be built in");
  add(s.keys, Action::notice, {"tokenizer_use_fast", "tokenizer_save_jinja_files"},
      "the tokenizer is always the fast one, and its template is always saved");
  add(s.keys, Action::notice,
      {"is_falcon_derived_model", "is_llama_derived_model", "is_mistral_derived_model",
       "is_qwen_derived_model"},
      "the architecture comes from config.json");
  add(s.keys, Action::notice,
      {"experimental_skip_move_to_device", "low_cpu_mem_usage", "device_map", "device",
       "max_memory", "gpu_memory_limit"},
      "weights are mapped into memory and shared by the ranks of a node");
  add(s.keys, Action::notice, {"use_kernels", "embeddings_skip_upcast"},
      "a switch of PyTorch's kernels; ours are built in");
  add(s.keys, Action::notice, {"hf_use_auth_token"}, "nothing is downloaded");
  add(s.keys, Action::later, {"model_config", "overrides_of_model_config"},
      "values laid over config.json are not supported yet; edit config.json in a copy of the "
      "model's folder");
  add(s.keys, Action::later, {"tokenizer_legacy"},
      "SentencePiece tokenizers are not supported yet; use a model with a tokenizer.json");
  add(s.keys, Action::later,
      {"added_tokens_overrides", "resize_token_embeddings_to_32x", "mean_resizing_embeddings",
       "shrink_embeddings", "fix_untrained_tokens"},
      "changing the vocabulary beyond special_tokens and tokens is not supported yet");
  add(s.keys, Action::later, {"reinit_weights"},
      "training from random weights is not supported yet; start from a checkpoint");
  add(s.keys, Action::later, {"experts_implementation", "quantize_moe_experts"},
      "mixture-of-experts models are not supported yet");
  add(s.keys, Action::later, {"tokenizer_use_mistral_common"},
      "needs the Python package mistral-common; use a model with a tokenizer.json");
  add(s.keys, Action::later,
      {"processor_type", "processor_kwargs", "freeze_mm_modules", "image_size",
       "image_resize_algorithm", "role_boundaries"},
      "models of images and sound are not supported, only text");
  add(s.keys, Action::later, {"llama4_linearized_experts"}, "Llama 4 is not supported");
  add(s.keys, Action::later, {"gemma4_hybrid_attn_impl"}, "Gemma 4 is not supported");
  add(s.keys, Action::later, {"use_onebitllms"}, "1.58-bit models are not supported");
  add(s.keys, Action::later,
      {"model_quantization_config", "model_quantization_config_kwargs", "nvfp4_merge_aware"},
      "pre-quantised MXFP4, NVFP4 and FP8 checkpoints are not supported; use a bf16 checkpoint or "
      "a GGUF file");
  return s;
}

}  // namespace axl::config
