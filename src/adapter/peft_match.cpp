// Which modules an adapter_config.json means: the rules of PEFT's check_target_module_exists and
// get_pattern_key, so that both programs put LoRA on the same modules.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

#include "adapter/peft_config.hpp"
#include "core/ascii.hpp"
#include "core/error.hpp"

namespace axl::adapter {
namespace {

/// An anchored regular expression. Config files are not trusted: matching is bounded.
class Expression {
 public:
  Expression(const std::string& text, const PeftConfig& config) : origin_(config.origin) {
    int code = 0;
    PCRE2_SIZE at = 0;
    compiled_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                  PCRE2_ANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &at,
                                  nullptr));
    if (!compiled_) fail("'" + text + "' is not a regular expression: " + message(code));
    limits_.reset(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(limits_.get(), 1'000'000);
    found_.reset(pcre2_match_data_create_from_pattern(compiled_.get(), nullptr));
  }
  /// Python's re.match.
  bool match(const std::string& subject) {
    const int n = pcre2_match(compiled_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                              subject.size(), 0, 0, found_.get(), limits_.get());
    if (n < 0 && n != PCRE2_ERROR_NOMATCH) fail("a regular expression fails: " + message(n));
    return n > 0;
  }
  std::string group(const std::string& subject, std::uint32_t index) const {
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(found_.get());
    return subject.substr(ends[2 * index], ends[2 * index + 1] - ends[2 * index]);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::input, what).at({origin_, 0, 0, ""});
  }
  static std::string message(int code) {
    PCRE2_UCHAR text[256] = {};
    pcre2_get_error_message(code, text, sizeof(text));
    return reinterpret_cast<const char*>(text);
  }
  template <auto release>
  struct Release {
    template <class T>
    void operator()(T* p) const {
      release(p);
    }
  };
  std::string origin_;
  std::unique_ptr<pcre2_code, Release<&pcre2_code_free>> compiled_;
  std::unique_ptr<pcre2_match_context, Release<&pcre2_match_context_free>> limits_;
  std::unique_ptr<pcre2_match_data, Release<&pcre2_match_data_free>> found_;
};

bool is_or_ends_in(const std::string& module, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return module == name || module.ends_with("." + name);
  });
}

bool matches_whole(const std::string& expression, const std::string& module,
                   const PeftConfig& config) {
  return Expression("(?:" + expression + ")\\z", config).match(module);
}

bool in_chosen_layer(const std::string& module, const PeftConfig& config) {
  if (config.layers_to_transform.empty()) return true;
  std::vector<std::string> expressions;
  if (config.layers_pattern.empty()) expressions.emplace_back(R"(.*?\.[^.]*\.(\d+)\.)");
  for (const std::string& pattern : config.layers_pattern)
    expressions.push_back("(?:^|.*?\\.)(?:" + pattern + ")\\.(?<idx>\\d+)\\.");
  for (const std::string& text : expressions) {
    Expression expression(text, config);
    if (!expression.match(module)) continue;
    const std::string digits = expression.group(module, 1);
    std::int64_t layer = -1;
    std::from_chars(digits.data(), digits.data() + digits.size(), layer);
    return std::find(config.layers_to_transform.begin(), config.layers_to_transform.end(), layer) !=
           config.layers_to_transform.end();
  }
  return false;
}

bool is_all_linear(const std::string& text) { return ascii_lower(text) == "all-linear"; }

template <class T>
T lookup(const std::vector<std::pair<std::string, T>>& pattern, const std::string& module,
         T otherwise, const PeftConfig& config) {
  for (const auto& [key, value] : pattern)
    if (Expression("(?:.*\\.)?(?:" + key + ")$", config).match(module)) return value;
  return otherwise;
}

}  // namespace

bool PeftConfig::saves_whole(const std::string& module) const {
  // Every module whose name ends so, at a dot or not, and all that is in it.
  for (std::size_t end = module.find('.');; end = module.find('.', end + 1)) {
    const std::string outer = module.substr(0, end);
    for (const std::string& m : modules_to_save)
      if (outer.ends_with(m)) return true;
    if (end == std::string::npos) return false;
  }
}

bool PeftConfig::targets(const std::string& module) const {
  if (!exclude_modules.expression.empty() ? matches_whole(exclude_modules.expression, module, *this)
                                          : is_or_ends_in(module, exclude_modules.names))
    return false;
  for (const std::string& m : modules_to_save)
    if (Expression("(?:^|.*\\.)" + m + "(?:$|\\..*)", *this).match(module)) return false;
  if (is_all_linear(target_modules.expression))
    return !is_or_ends_in(module, {"lm_head", "embed_tokens"});
  if (!target_modules.expression.empty())
    return matches_whole(target_modules.expression, module, *this);
  if (std::find(target_modules.names.begin(), target_modules.names.end(), module) !=
      target_modules.names.end())
    return true;
  return is_or_ends_in(module, target_modules.names) && in_chosen_layer(module, *this);
}

std::int64_t PeftConfig::rank_of(const std::string& module) const {
  return lookup(rank_pattern, module, r, *this);
}

double PeftConfig::alpha_of(const std::string& module) const {
  return lookup(alpha_pattern, module, lora_alpha, *this);
}

double PeftConfig::scaling_of(const std::string& module) const {
  const auto rank = static_cast<double>(rank_of(module));
  return alpha_of(module) / (use_rslora ? std::sqrt(rank) : rank);
}

}  // namespace axl::adapter
