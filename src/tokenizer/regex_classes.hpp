#pragma once
#include <string>
#include <string_view>

namespace axl::tokenizer {

/// What stands between [ and ] for Oniguruma's \w, in PCRE2's syntax. `in_brackets`: for a \w that
/// itself stands between them, which means a little less there.
std::string word_members(bool in_brackets);

/// The same for \p{name} where Unicode has added characters since PCRE2's tables; "" for another
/// name, which PCRE2 can read as it is.
std::string property_members(std::string_view name);

}  // namespace axl::tokenizer
