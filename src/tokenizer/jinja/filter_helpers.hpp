#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/jinja/interpreter.hpp"

/// What filters and string methods share: Python's string functions over UTF-8.
namespace axl::tokenizer::jinja {

/// The argument at `position` or of that name, else `fallback`.
Value option(const Arguments& a, std::size_t position, std::string_view name, Value fallback);
/// What a filter gives that Python writes with yield: walked once.
Value generator(List items);
/// "a.b.0" applied to an item, as attribute= arguments mean it.
/// `missing`, unless it is null or none, stands for what is undefined on the way.
Value path_of(Interpreter& i, const Value& item, const Value& path, const Value* missing = nullptr);

std::string capitalized(std::string_view text);
/// At most `count` replacements from the left; -1 = all.
std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     std::int64_t count);
/// str.splitlines().
std::vector<std::string> split_lines(std::string_view text, bool keep_ends);
/// str.split() without a separator; `most` cuts, -1 = all.
std::vector<std::string> split_words(std::string_view text, std::int64_t most);

enum class Align { left, right, center };
std::string padded(std::string_view text, std::int64_t width, char32_t fill, Align align);

/// A value after a format specification of str.format(), as in {:>8.2f} (format_spec.cpp).
std::string format_spec(const Value& value, const std::string& spec);

std::optional<std::int64_t> parse_int(std::string_view text, std::int64_t base);
/// Python's int(text, base): of any size, with underscores between digits and the prefix that the
/// base has (every prefix with base 0).
std::optional<Value> parse_whole(std::string_view text, std::int64_t base);
std::optional<double> parse_float(std::string_view text);

/// & < > and quotes as HTML writes them.
std::string html_escaped(std::string_view text);
/// The same of a value's text, unless it is HTML already.
std::string html_of(const Value& value);

/// Filters over sequences: map, select, sort, ... (sequence_filters.cpp)
Filter find_sequence_filter(std::string_view name);
/// Filters that write for people and browsers (text_filters.cpp); two have files of their own.
Filter find_text_filter(std::string_view name);
Value f_pprint(Interpreter&, const Value&, const Arguments&);
Value f_urlize(Interpreter&, const Value&, const Arguments&);

}  // namespace axl::tokenizer::jinja
