// Rotary positions and their scaling, as transformers 5 and 4 write them.
#include <algorithm>
#include <limits>

#include "core/error.hpp"
#include "weights/model_config_fields.hpp"

namespace axl::weights {
namespace {

constexpr std::int64_t kMaxPositions = std::int64_t{1} << 40;

void read_longrope(const ConfigFields& in, std::int64_t max_positions, RopeConfig& rope) {
  rope.short_factor = in.reals("short_factor", 1e-9, 1e9);
  rope.long_factor = in.reals("long_factor", 1e-9, 1e9);
  for (const char* key : {"short_factor", "long_factor"})
    if (!in.has(key)) in.refuse(key, "must be a list of numbers, but it is missing");
  rope.factor = in.real_or("factor",
                           static_cast<double>(max_positions) /
                               static_cast<double>(rope.original_max_position_embeddings),
                           1e-3, 1e9);
  rope.attention_factor = in.real_or("attention_factor", 0.0, 0.0, 1e9);
}

void read_yarn(const ConfigFields& in, RopeConfig& rope) {
  rope.beta_fast = in.real_or("beta_fast", rope.beta_fast, 1e-9, 1e9);
  rope.beta_slow = in.real_or("beta_slow", rope.beta_slow, 1e-9, 1e9);
  rope.attention_factor = in.real_or("attention_factor", 0.0, 0.0, 1e9);
  rope.mscale = in.real_or("mscale", 0.0, 0.0, 1e9);
  rope.mscale_all_dim = in.real_or("mscale_all_dim", 0.0, 0.0, 1e9);
  rope.truncate = in.boolean_or("truncate", true);
}

}  // namespace

void read_rope_fields(const ConfigFields& in, const ConfigFields& top, std::int64_t max_positions,
                      bool strict, RopeConfig& rope) {
  rope.type = in.text_or("rope_type", in.text_or("type", "default"));
  if (rope.type == "su") rope.type = "longrope";  // Phi-3's first name for it
  rope.theta = in.real_or("rope_theta", rope.theta, 1e-3, 1e15);
  rope.partial_rotary_factor =
      in.real_or("partial_rotary_factor", rope.partial_rotary_factor, 1e-6, 1.0);
  if (rope.type == "default") return;
  static constexpr const char* kTypes[] = {"linear", "dynamic", "llama3", "yarn", "longrope"};
  const bool known = std::any_of(std::begin(kTypes), std::end(kTypes),
                                 [&](const char* t) { return rope.type == t; });
  if (!known) {
    if (strict)
      in.refuse("rope_type", "unknown rope scaling '" + rope.type +
                                 "'; known: default, linear, dynamic, llama3, yarn, longrope");
    return;
  }
  // As in transformers: dynamic scaling reckons with max_position_embeddings alone; for the others
  // the length that stands outside wins, and the factor of yarn and longrope is derived from the
  // two lengths when it is absent.
  const ConfigFields& lengths = top.has("original_max_position_embeddings") ? top : in;
  rope.original_max_position_embeddings =
      rope.type == "dynamic"
          ? max_positions
          : lengths.integer_or("original_max_position_embeddings", max_positions, 1, kMaxPositions);
  if (rope.type == "longrope") return read_longrope(in, max_positions, rope);
  if (rope.type == "yarn" && !in.has("factor"))
    rope.factor = static_cast<double>(max_positions) /
                  static_cast<double>(rope.original_max_position_embeddings);
  else
    rope.factor = in.real("factor", 1e-3, 1e9);
  if (rope.type == "llama3") {
    rope.low_freq_factor = in.real("low_freq_factor", 1e-9, 1e9);
    rope.high_freq_factor = in.real("high_freq_factor", 1e-9, 1e9);
    if (!(rope.high_freq_factor > rope.low_freq_factor))
      in.refuse("high_freq_factor", "must be greater than low_freq_factor");
  }
  if (rope.type == "yarn") read_yarn(in, rope);
}

}  // namespace axl::weights
