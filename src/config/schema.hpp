#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.hpp"
#include "config/node.hpp"

// One declaration a key. Parsing, validation, the JSON Schema, the reference page and the command
// line's did-you-mean are all made from these tables; schema_<section>.cpp hold them.
namespace axl::config {

class Report;

/// What a value may look like.
enum class Kind : std::uint8_t {
  boolean,
  integer,
  number,
  text,
  text_list,
  integer_list,
  text_map,
  number_map,
  any,
  // Values that have no member of Config; typed_value() checks them.
  number_list,
  boolean_or_word,  ///< or one of `allowed`
  boolean_or_text,
  boolean_or_map,
  text_or_list,
  text_or_map,
  integer_or_text,
  integer_or_list,
  map,
  map_list
};

/// What happens with a key that is given and not empty.
enum class Action : std::uint8_t {
  implement,  ///< it works
  notice,     ///< accepted; cannot change the result here, the reason is printed
  alias,      ///< another name of `target`
  later,      ///< valid, but cannot be trained here: unsupported with the reason, unless it is off
  unread,     ///< nobody reads it, Axolotl neither: ignored, the doc says what may have been meant
  reject      ///< Axolotl refuses it too: an error with the reason, unless it is off
};

/// What a value may be: enough to check it, to convert it, and to say what is allowed.
struct Field {
  std::string_view name;
  Kind kind = Kind::any;
  std::vector<std::string_view> allowed = {};
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool above_minimum = false;        ///< the minimum itself is not allowed
  std::vector<Field> fields = {};    ///< the keys of a map (of each map of a list); empty: any
  std::string_view old_prefix = {};  ///< of `fields`: also understood with this in front
  bool needed = false;               ///< of a field: the map must have it
};

/// Where a key's value goes; the member's default is the key's default.
template <class Owner>
using Member = std::variant<
    std::monostate, bool Owner::*, std::optional<bool> Owner::*, std::int64_t Owner::*,
    std::optional<std::int64_t> Owner::*, double Owner::*, std::optional<double> Owner::*,
    std::string Owner::*, std::vector<std::string> Owner::*, std::vector<std::int64_t> Owner::*,
    std::map<std::string, std::string> Owner::*, std::map<std::string, std::int64_t> Owner::*,
    std::map<std::string, double> Owner::*,
    std::map<std::string, std::vector<std::string>> Owner::*>;

/// One key. The setters return the key itself, so that a table reads as a list of sentences.
template <class Owner>
struct Key : Field {
  using Reader = void (*)(Owner&, const Node&, const std::string& key, Report&);

  Member<Owner> member;
  Action action = Action::implement;
  std::string_view doc;           ///< what it does, with units; or why it is ignored or refused
  std::string_view target;        ///< of an alias
  std::string_view target_value;  ///< of a boolean alias: what `true` means for the target
  std::string_view default_note;  ///< a derived default, in words
  std::string_view harmless;      ///< of a `later` key: a value that asks for nothing new
  bool required = false;
  bool even_off = false;     ///< of a `reject` key: refused with a value that asks for nothing, too
  bool whole = false;        ///< of a number: without a fraction
  bool list_or_one = false;  ///< of a list: one value stands for a list of one
  Reader reader = nullptr;   ///< for values that one member cannot hold

  Key&& at_least(double v) && {
    minimum = v;
    return std::move(*this);
  }
  Key&& more_than(double v) && {
    minimum = v;
    above_minimum = true;
    return std::move(*this);
  }
  Key&& at_most(double v) && {
    maximum = v;
    return std::move(*this);
  }
  Key&& one_of(std::vector<std::string_view> values) && {
    allowed = std::move(values);
    return std::move(*this);
  }
  Key&& read_by(Reader r) && {
    reader = r;
    return std::move(*this);
  }
  Key&& of_kind(Kind k) && {
    kind = k;
    return std::move(*this);
  }
  Key&& derived(std::string_view note) && {
    default_note = note;
    return std::move(*this);
  }
  Key&& is_whole() && {
    whole = true;
    return std::move(*this);
  }
  Key&& takes_one() && {
    list_or_one = true;
    return std::move(*this);
  }
  Key&& is_required() && {
    required = true;
    return std::move(*this);
  }
};

template <class Owner>
struct Section {
  std::string_view title;
  std::vector<Key<Owner>> keys;
};

using ConfigKey = Key<Config>;
using ConfigSection = Section<Config>;
using DatasetKey = Key<DatasetConfig>;

template <class T>
constexpr Kind kind_for() {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::optional<bool>>)
    return Kind::boolean;
  else if constexpr (std::is_same_v<T, std::int64_t> ||
                     std::is_same_v<T, std::optional<std::int64_t>>)
    return Kind::integer;
  else if constexpr (std::is_same_v<T, double> || std::is_same_v<T, std::optional<double>>)
    return Kind::number;
  else if constexpr (std::is_same_v<T, std::string>)
    return Kind::text;
  else if constexpr (std::is_same_v<T, std::vector<std::string>>)
    return Kind::text_list;
  else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
    return Kind::integer_list;
  else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>)
    return Kind::text_map;
  else if constexpr (std::is_same_v<T, std::map<std::string, std::vector<std::string>>>)
    return Kind::any;
  else
    return Kind::number_map;
}

/// A key that works.
template <class Owner, class T>
Key<Owner> key(std::string_view name, T Owner::*member, std::string_view doc) {
  Key<Owner> k;
  k.name = name;
  k.member = member;
  k.kind = kind_for<T>();
  k.doc = doc;
  return k;
}

template <class Owner>
Key<Owner> plain_key(std::string_view name, Action action, std::string_view doc) {
  Key<Owner> k;
  k.name = name;
  k.action = action;
  k.doc = doc;
  return k;
}

/// Several keys with one reason.
void add(std::vector<ConfigKey>& keys, Action action, std::vector<Field> fields,
         std::string_view reason);
/// The key of that name, which must be among `keys`.
ConfigKey& declared(std::vector<ConfigKey>& keys, std::string_view name);
/// Bounds of keys that were added without.
void bound(std::vector<ConfigKey>& keys, std::initializer_list<std::string_view> names,
           double minimum, double maximum = std::numeric_limits<double>::infinity());

inline ConfigKey alias(std::string_view name, std::string_view target,
                       std::string_view value = "") {
  ConfigKey k = plain_key<Config>(name, Action::alias, "");
  k.target = target;
  k.target_value = value;
  return k;
}

// What the maps hold that Axolotl declares key by key.
std::vector<Field> fsdp_fields();
std::vector<Field> trl_fields();
std::vector<Field> vllm_fields();
std::vector<Field> ebft_fields();
std::vector<Field> quantization_fields();

// The sections, one file each.
ConfigSection model_section();
ConfigSection data_section();
ConfigSection sequence_section();
ConfigSection adapter_section();
ConfigSection batch_section();
ConfigSection optimizer_section();
ConfigSection precision_section();
ConfigSection output_section();
ConfigSection distributed_section();
ConfigSection tracking_section();
ConfigSection task_section();
ConfigSection plugin_section();

/// Every top-level key, in the order of the reference page.
const std::vector<ConfigSection>& sections();
/// The keys of one entry of `datasets:`.
const std::vector<DatasetKey>& dataset_keys();

/// nullptr for a name that no table knows. Patterns are looked at last.
const ConfigKey* find_key(std::string_view name);
/// The optimisers that are accepted (config/optimizers.cpp).
const std::vector<std::string_view>& optimizer_names();
/// Dataset types that this program converts; data/formats has one for each.
const std::vector<std::string_view>& dataset_types();
/// Those of them that take a prompt style behind a colon, as in alpaca:chat.
const std::vector<std::string_view>& styled_dataset_types();
const std::vector<std::string_view>& prompt_styles();
/// Dataset types of `rl`: what follows dpo, ipo, simpo, orpo or kto.
const std::vector<std::string_view>& preference_types();

}  // namespace axl::config
