#include <algorithm>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

using Args = Arguments;

Args tail(const Args& a, std::size_t from) {
  Args out;
  if (a.positional.size() > from)
    out.positional.assign(a.positional.begin() + static_cast<std::ptrdiff_t>(from),
                          a.positional.end());
  out.named = a.named;
  return out;
}

/// Jinja's map, select and reject look at a value only when it is true: none and 0 have no items.
bool nothing(const Value& v) { return !v.is_undefined() && !v.truthy(); }

/// map('filter', ...) or map(attribute='path', default=...).
Value f_map(Interpreter& i, const Value& v, const Args& a) {
  List out;
  if (nothing(v)) return generator({});
  const auto items = v.iterate();
  if (a.positional.empty()) {
    const Value path = option(a, 0, "attribute", None{});
    if (path.is_none()) fail("map requires a filter argument");
    const Value* fallback = a.get(99, "default");
    for (const Value& item : *items) {
      out.push_back(path_of(i, item, path, fallback));
    }
    return generator(std::move(out));
  }
  const std::string name = a.positional[0].str();
  const Args rest = tail(a, 1);
  for (const Value& item : *items) out.push_back(i.apply_filter(name, item, rest));
  return generator(std::move(out));
}

Value filter_items(Interpreter& i, const Value& v, const Args& a, bool by_attribute, bool keep) {
  List out;
  const std::size_t at = by_attribute ? 1 : 0;
  if (by_attribute && a.positional.empty()) fail("Missing parameter for attribute name");
  if (nothing(v)) return generator({});
  const Args rest = tail(a, at + 1);
  for (const Value& item : v.iterate()) {
    const Value part = by_attribute ? path_of(i, item, a.positional[0]) : item;
    const bool holds =
        a.positional.size() > at ? i.apply_test(a.positional[at].str(), part, rest) : part.truthy();
    if (holds == keep) out.push_back(item);
  }
  return generator(std::move(out));
}

Value f_select(Interpreter& i, const Value& v, const Args& a) {
  return filter_items(i, v, a, false, true);
}
Value f_reject(Interpreter& i, const Value& v, const Args& a) {
  return filter_items(i, v, a, false, false);
}
Value f_selectattr(Interpreter& i, const Value& v, const Args& a) {
  return filter_items(i, v, a, true, true);
}
Value f_rejectattr(Interpreter& i, const Value& v, const Args& a) {
  return filter_items(i, v, a, true, false);
}

/// What sort, unique, min, max and groupby compare: the item or a part of it, in lower case unless
/// case matters.
Value sort_key(Interpreter& i, const Value& item, const Value& path, bool case_sensitive,
               const Value* missing = nullptr) {
  Value key = path.is_none() ? item : path_of(i, item, path, missing);
  if (!case_sensitive && key.is_string()) return unicode::lower(key.as_string());
  return key;
}

/// Sorts `out` by keys of equal order; Python's sort keeps the order of equals, reversed or not.
template <class T>
void sort_by_keys(Interpreter& i, std::vector<std::pair<Value, T>>& out, bool reverse) {
  std::size_t bytes = 0;
  for (const auto& [key, item] : out) bytes += sizeof(Value) + key.bytes();
  for (std::size_t n = out.size(); n > 0; n /= 2) i.charge(bytes);  // so often each is compared
  std::stable_sort(out.begin(), out.end(), [reverse](const auto& a, const auto& b) {
    const int order = a.first.compare(b.first, "<");
    return reverse ? order > 0 : order < 0;
  });
}

Value f_sort(Interpreter& i, const Value& v, const Args& a) {
  const bool case_sensitive = option(a, 1, "case_sensitive", false).truthy();
  const Value path = option(a, 2, "attribute", None{});
  std::vector<std::pair<Value, Value>> keyed;
  // Several attributes may be named, with commas between. Lists of one are compared as the others:
  // what is equal, undefined values too, needs no order.
  std::vector<Value> paths{path};
  if (path.is_string()) {
    paths.clear();
    std::string_view rest = path.as_string();
    for (;;) {
      const std::size_t comma = rest.find(',');
      paths.emplace_back(std::string(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  for (const Value& item : v.iterate()) {
    List keys;
    for (const Value& one : paths) keys.push_back(sort_key(i, item, one, case_sensitive));
    keyed.emplace_back(Value::list(std::move(keys)), item);
  }
  sort_by_keys(i, keyed, option(a, 0, "reverse", false).truthy());
  List out;
  for (auto& [key, item] : keyed) out.push_back(std::move(item));
  return Value::list(std::move(out));
}

Value f_dictsort(Interpreter& i, const Value& v, const Args& a) {
  if (v.is_undefined()) fail(v.undefined_message());
  if (!v.is_dict()) fail("'" + v.type_name() + "' object has no attribute 'items'");
  const bool case_sensitive = option(a, 0, "case_sensitive", false).truthy();
  const std::string by = option(a, 1, "by", "key").str();
  if (by != "key" && by != "value") fail("You can only sort by either \"key\" or \"value\"");
  std::vector<std::pair<Value, Value>> keyed;
  for (const auto& [key, value] : v.as_dict().items())
    keyed.emplace_back(sort_key(i, by == "key" ? key : value, None{}, case_sensitive),
                       Value::tuple({key, value}));
  sort_by_keys(i, keyed, option(a, 2, "reverse", false).truthy());
  List out;
  for (auto& [key, item] : keyed) out.push_back(std::move(item));
  return Value::list(std::move(out));
}

Value f_unique(Interpreter& i, const Value& v, const Args& a) {
  const bool case_sensitive = option(a, 0, "case_sensitive", false).truthy();
  const Value path = option(a, 1, "attribute", None{});
  List keys, out;
  for (const Value& item : v.iterate()) {
    Value key = sort_key(i, item, path, case_sensitive);
    require_hashable(key);
    i.charge(keys.size() * (sizeof(Value) + key.bytes()));
    if (std::any_of(keys.begin(), keys.end(), [&](const Value& k) { return k.equals(key); }))
      continue;
    keys.push_back(std::move(key));
    out.push_back(item);
  }
  return generator(std::move(out));
}

Value extreme(Interpreter& i, const Value& v, const Args& a, bool largest) {
  const bool case_sensitive = option(a, 0, "case_sensitive", false).truthy();
  const Value path = option(a, 1, "attribute", None{});
  const auto items = v.iterate();
  if (items->empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Value* best = &(*items)[0];
  Value best_key = sort_key(i, *best, path, case_sensitive);
  for (std::size_t n = 1; n < items->size(); ++n) {
    const Value& item = (*items)[n];
    Value key = sort_key(i, item, path, case_sensitive);
    const int order = key.compare(best_key, largest ? ">" : "<");
    if (largest ? order <= 0 : order >= 0) continue;
    best = &item;
    best_key = std::move(key);
  }
  return *best;
}
Value f_min(Interpreter& i, const Value& v, const Args& a) { return extreme(i, v, a, false); }
Value f_max(Interpreter& i, const Value& v, const Args& a) { return extreme(i, v, a, true); }

Value f_sum(Interpreter& i, const Value& v, const Args& a) {
  const Value path = option(a, 0, "attribute", None{});
  Value total = option(a, 1, "start", std::int64_t{0});
  for (const Value& item : v.iterate()) {
    total = binary("+", total, path.is_none() ? item : path_of(i, item, path));
    i.charge(total.own_bytes());
  }
  return total;
}

Value f_groupby(Interpreter& i, const Value& v, const Args& a) {
  const Value path = option(a, 0, "attribute", None{});
  if (path.is_none()) fail("groupby() needs an attribute");
  const Value fallback = option(a, 1, "default", None{});
  const bool case_sensitive = option(a, 2, "case_sensitive", false).truthy();
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : v.iterate()) {
    keyed.emplace_back(sort_key(i, item, path, case_sensitive, &fallback), item);
  }
  sort_by_keys(i, keyed, false);
  List out;
  for (std::size_t k = 0; k < keyed.size();) {
    List group;
    const std::size_t first = k;
    for (; k < keyed.size() && keyed[k].first.equals(keyed[first].first); ++k)
      group.push_back(keyed[k].second);
    out.push_back(Value::tuple({path_of(i, group[0], path, &fallback), Value::list(group)}));
  }
  return Value::list(std::move(out));
}

std::size_t positive(const Args& a, const char* name) {
  const Value n = option(a, 0, name, None{});
  if (!n.is_integral() || n.as_int() < 1) fail(std::string(name) + " must be a positive number");
  return static_cast<std::size_t>(n.as_int());
}

Value f_batch(Interpreter&, const Value& v, const Args& a) {
  const std::size_t size = positive(a, "linecount");
  const Value fill = option(a, 1, "fill_with", None{});
  List out, batch;
  for (const Value& item : v.iterate()) {
    if (batch.size() == size) out.push_back(Value::list(std::exchange(batch, {})));
    batch.push_back(item);
  }
  if (!batch.empty()) {
    if (!fill.is_none()) check_items(size);
    while (!fill.is_none() && batch.size() < size) batch.push_back(fill);
    out.push_back(Value::list(std::move(batch)));
  }
  return generator(std::move(out));
}

Value f_slice(Interpreter&, const Value& v, const Args& a) {
  const std::size_t slices = positive(a, "slices");
  const Value fill = option(a, 1, "fill_with", None{});
  check_items(slices);
  const auto items = v.iterate();
  const std::size_t each = items->size() / slices, longer = items->size() % slices;
  List out;
  std::size_t at = 0;
  for (std::size_t s = 0; s < slices; ++s) {
    const std::size_t n = each + (s < longer ? 1 : 0);
    List part(items->begin() + static_cast<std::ptrdiff_t>(at),
              items->begin() + static_cast<std::ptrdiff_t>(at + n));
    if (!fill.is_none() && s >= longer) part.push_back(fill);
    at += n;
    out.push_back(Value::list(std::move(part)));
  }
  return generator(std::move(out));
}

struct Entry {
  std::string_view name;
  Filter filter;
};
constexpr Entry kFilters[] = {{"batch", &f_batch},
                              {"dictsort", &f_dictsort},
                              {"groupby", &f_groupby},
                              {"map", &f_map},
                              {"max", &f_max},
                              {"min", &f_min},
                              {"reject", &f_reject},
                              {"rejectattr", &f_rejectattr},
                              {"select", &f_select},
                              {"slice", &f_slice},
                              {"selectattr", &f_selectattr},
                              {"sort", &f_sort},
                              {"sum", &f_sum},
                              {"unique", &f_unique}};

}  // namespace

Filter find_sequence_filter(std::string_view name) {
  for (const Entry& e : kFilters)
    if (e.name == name) return e.filter;
  return nullptr;
}

}  // namespace axl::tokenizer::jinja
