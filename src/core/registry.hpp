#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/suggest.hpp"

namespace axl {

/// An immutable, ordered name -> Spec table; `Spec` has a `std::string_view name` member.
/// Each folder lists its specs in its registry.cpp: no static constructor registers itself, since
/// linkers drop those from static libraries and their order is undefined.
template <class Spec>
class Registry {
 public:
  Registry(std::string_view kind, std::initializer_list<Spec> entries)
      : Registry(kind, std::vector<Spec>(entries)) {}
  /// For folders where one file lists several related specs.
  Registry(std::string_view kind, std::vector<Spec> entries)
      : kind_(kind), entries_(std::move(entries)) {
    for (std::size_t i = 0; i < entries_.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        AXL_CHECK(entries_[i].name != entries_[j].name,
                  kind_ + " registered twice: " + std::string(entries_[i].name));
  }
  const Spec* find(std::string_view name) const {
    for (const Spec& s : entries_)
      if (s.name == name) return &s;
    return nullptr;
  }
  /// Throws Error{config} that names the known ones and the nearest.
  const Spec& get(std::string_view name) const {
    if (const Spec* s = find(name)) return *s;
    const std::string near = nearest(name, names());
    throw Error(ErrorCode::config, "unknown " + kind_ + " '" + std::string(name) + "'")
        .hint((near.empty() ? "" : "did you mean '" + near + "'? ") + "known: " + joined());
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const Spec& s : entries_) out.emplace_back(s.name);
    return out;
  }
  std::string joined() const {
    std::string out;
    for (const Spec& s : entries_) {
      if (!out.empty()) out += ", ";
      out += s.name;
    }
    return out;
  }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::string kind_;
  std::vector<Spec> entries_;
};

}  // namespace axl
