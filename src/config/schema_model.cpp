#include "config/readers.hpp"
#include "config/schema.hpp"

namespace axl::config {

ConfigSection model_section() {
  using enum Kind;
  ConfigSection s{
      "Model, tokenizer and chat template",
      {
          key("base_model", &Config::base_model,
              "Folder with config.json and safetensors, a .gguf file, or the name of a Hugging "
              "Face "
              "model (org/name), which is fetched into the Hub's cache.")
              .is_required(),
          key("model_revision", &Config::model_revision,
              "Branch, tag or commit of a Hugging Face model and its tokenizer.")
              .derived("main"),
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
          key("tokens", &Config::tokens,
              "Further tokens for the tokenizer, not special. The embedding and the head get rows "
              "for what they lack."),
          key("added_tokens_overrides", &Config::added_tokens_overrides,
              "Map from the ids of reserved added tokens to the texts that they get.")
              .read_by(&read_token_overrides),
          key("resize_token_embeddings_to_32x", &Config::resize_token_embeddings_to_32x,
              "Rows of the embedding are added up to a multiple of 32."),
          key("mean_resizing_embeddings", &Config::mean_resizing_embeddings,
              "Added rows start as the mean of the others instead of from random numbers."),
          key("chat_template", &Config::chat_template,
              "Name of a built-in chat template (docs/chat-templates.md lists them), "
              "tokenizer_default, tokenizer_default_fallback_NAME, or jinja.")
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
  add(s.keys, Action::notice, {{"cls_model_config", text}},
      "the architecture comes from config.json");
  add(s.keys, Action::notice, {{"model_kwargs", map}}, "arguments of a Python function");
  add(s.keys, Action::notice, {{"trust_remote_code", boolean}},
      "no Python from the model's repository is run; the architecture must be built in");
  add(s.keys, Action::notice,
      {{"tokenizer_use_fast", boolean}, {"tokenizer_save_jinja_files", boolean}},
      "the tokenizer is always the fast one, and its template is always saved");
  add(s.keys, Action::notice,
      {{"is_falcon_derived_model", boolean},
       {"is_llama_derived_model", boolean},
       {"is_mistral_derived_model", boolean},
       {"is_qwen_derived_model", boolean}},
      "the architecture comes from config.json");
  add(s.keys, Action::notice,
      {{"experimental_skip_move_to_device", boolean},
       {"low_cpu_mem_usage", boolean},
       {"device_map", any},
       {"device", any},
       {"max_memory", map},
       {"gpu_memory_limit", integer_or_text}},
      "weights are mapped into memory and shared by the ranks of a node");
  add(s.keys, Action::notice, {{"use_kernels", boolean}, {"embeddings_skip_upcast", boolean}},
      "a switch of PyTorch's kernels; ours are built in");
  add(s.keys, Action::notice, {{"hf_use_auth_token", boolean}},
      "the Hub's token is used whenever HF_TOKEN or its file is there");
  add(s.keys, Action::later, {{"model_config", map}},
      "values laid over config.json are not supported yet; edit config.json in a copy of the "
      "model's folder");
  add(s.keys, Action::later, {{"tokenizer_legacy", boolean}},
      "SentencePiece tokenizers are not supported yet; use a model with a tokenizer.json");
  add(s.keys, Action::later,
      {{"shrink_embeddings", boolean}, {"fix_untrained_tokens", integer_or_list}},
      "replacing or removing tokens is not supported yet; tokens and special_tokens add some");
  add(s.keys, Action::later, {{"reinit_weights", boolean}},
      "training from random weights is not supported yet; start from a checkpoint");
  add(s.keys, Action::later, {{"experts_implementation", text}, {"quantize_moe_experts", boolean}},
      "mixture-of-experts models are not supported yet");
  add(s.keys, Action::later, {{"tokenizer_use_mistral_common", boolean}},
      "needs the Python package mistral-common; use a model with a tokenizer.json");
  add(s.keys, Action::later,
      {{"processor_type", text},
       {"processor_kwargs", map},
       {"freeze_mm_modules", boolean},
       {"image_size", integer_or_list},
       {"image_resize_algorithm", text, {"bilinear", "bicubic", "lanczos"}},
       {"role_boundaries", map_list}},
      "models of images and sound are not supported, only text");
  declared(s.keys, "role_boundaries").fields = {{.name = "role", .kind = text, .needed = true},
                                                {.name = "start", .kind = text, .needed = true},
                                                {"end", text},
                                                {"include_start", boolean},
                                                {"include_end", boolean}};
  add(s.keys, Action::later, {{"llama4_linearized_experts", boolean}}, "Llama 4 is not supported");
  add(s.keys, Action::later, {{"gemma4_hybrid_attn_impl", boolean}}, "Gemma 4 is not supported");
  add(s.keys, Action::later, {{"use_onebitllms", boolean}}, "1.58-bit models are not supported");
  add(s.keys, Action::later,
      {{"model_quantization_config", text, {"Mxfp4Config", "FineGrainedFP8Config"}},
       {"model_quantization_config_kwargs", map},
       {"nvfp4_merge_aware", boolean}},
      "pre-quantised MXFP4, NVFP4 and FP8 checkpoints are not supported; use a bf16 checkpoint or "
      "a GGUF file");
  for (const auto& [old, name] :
       {std::pair<std::string_view, std::string_view>{"overrides_of_model_kwargs", "model_kwargs"},
        {"revision_of_model", "model_revision"},
        {"overrides_of_model_config", "model_config"}})
    s.keys.push_back(alias(old, name));
  return s;
}

}  // namespace axl::config
