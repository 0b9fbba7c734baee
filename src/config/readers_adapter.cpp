// Readers of keys about adapters and a quantised base.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "config/bind.hpp"
#include "config/readers.hpp"
#include "config/value.hpp"
#include "core/suggest.hpp"

namespace axl::config {
namespace {

constexpr std::string_view kNames[] = {"lora", "qlora", "ia3", "vera"};

/// Fields of BitsAndBytesConfig that change nothing here, and why.
struct WithoutEffect {
  std::string_view name, why;
};
constexpr WithoutEffect kWithoutEffect[] = {
    {"bnb_4bit_compute_dtype", "matrices are decoded to the type that the run computes in"},
    {"bnb_4bit_quant_storage", "codes are stored as bytes"},
    {"llm_int8_threshold", "it belongs to an 8-bit base"},
    {"llm_int8_has_fp16_weight", "it belongs to an 8-bit base"},
    {"llm_int8_enable_fp32_cpu_offload", "it belongs to an 8-bit base"},
    {"load_in_4bit", "the key load_in_4bit beside bnb_config_kwargs says it"},
};

void read_bnb_field(Config& c, const Entry& e, const std::string& name, Report& report) {
  if (e.key == "bnb_4bit_quant_type") {
    if (const auto v = as_text(e.value); v == "nf4" || v == "fp4")
      c.bnb_4bit_quant_type = *v;
    else
      report.error(name, e.value, fmt::format("must be nf4 or fp4; got {}", found(e.value)));
  } else if (e.key == "bnb_4bit_use_double_quant") {
    if (const auto v = as_bool(e.value))
      c.bnb_4bit_use_double_quant = *v;
    else
      report.error(name, e.value, fmt::format("must be true or false; got {}", found(e.value)));
  } else if (e.key == "bnb_4bit_blocksize") {
    // The sizes that bitsandbytes has kernels for.
    const auto v = as_integer(e.value);
    if (v && *v >= 32 && *v <= 4096 && (*v & (*v - 1)) == 0)
      c.bnb_4bit_blocksize = *v;
    else
      report.error(name, e.value,
                   fmt::format("must be a power of two from 32 to 4096; got {}", found(e.value)));
  } else if (e.key == "llm_int8_skip_modules") {
    if (e.value.kind == Node::Kind::sequence && e.value.items.empty()) return;
    report.unsupported(name, e.value, "leaving single modules as they are is not supported yet",
                       "leave it out: the output head and embeddings are never quantised");
  } else {
    const auto known =
        std::find_if(std::begin(kWithoutEffect), std::end(kWithoutEffect),
                     [&](const WithoutEffect& field) { return field.name == e.key; });
    const auto place = report.place(name, e.line, e.column);
    if (known != std::end(kWithoutEffect))
      report.notice(place, fmt::format("has no effect: {}", known->why));
    else
      report.unknown(place, nearest(e.key, {"bnb_4bit_quant_type", "bnb_4bit_use_double_quant",
                                            "bnb_4bit_blocksize", "llm_int8_skip_modules"}));
  }
}

}  // namespace

void read_adapter(Config& c, const Node& node, const std::string& key, Report& report) {
  const auto v = as_text(node);
  if (!v) return report.error(key, node, fmt::format("must be text; got {}", found(node)));
  c.adapter = *v;
  if (v->empty() || std::find(std::begin(kNames), std::end(kNames), *v) != std::end(kNames)) return;
  static const std::vector<std::string_view> kLater{
      "llama-adapter", "adalora", "loha", "lokr", "oft", "boft", "dora", "prefix", "prompt"};
  if (std::find(kLater.begin(), kLater.end(), *v) != kLater.end())
    report.unsupported(key, node, fmt::format("this method is not supported yet; got '{}'", *v),
                       "use adapter: lora");
  else
    report.error(key, node,
                 fmt::format("must be {}, or empty for a full fine-tune; got '{}'",
                             fmt::join(kNames, ", "), *v),
                 did_you_mean(*v, {std::begin(kNames), std::end(kNames)}));
}

void read_bnb_config(Config& c, const Node& node, const std::string& key, Report& report) {
  if (node.kind != Node::Kind::map)
    return report.error(key, node, fmt::format("must be a map; got {}", found(node)));
  for (const Entry& e : node.entries) read_bnb_field(c, e, key + "." + e.key, report);
}

}  // namespace axl::config
