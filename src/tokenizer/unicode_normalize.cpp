#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/error.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::unicode {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

/// Left as they are, and barriers to reordering and composing, whatever utf8proc says. The
/// `tokenizers` package normalises by Unicode 9: all but one of these came later and have a
/// decomposition or a combining class in utf8proc's tables. (Found by comparing all code points
/// with the package.) U+11A7 stands before the first trailing consonant, from which the Unicode
/// Standard (section 3.12) counts; utf8proc 2.8 takes it for one and drops it.
constexpr auto kBarriers = std::to_array<Range>(
    {Range{0x7FD, 0x7FD}, {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},
     {0xC3C, 0xC3C},      {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x11A7, 0x11A7},
     {0x1715, 0x1715},    {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},   {0x32FF, 0x32FF},
     {0xA7F2, 0xA7F4},    {0xA82C, 0xA82C},   {0xAB69, 0xAB69},   {0x10781, 0x10785},
     {0x10787, 0x107B0},  {0x107B2, 0x107BA}, {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC},
     {0x10EFD, 0x10EFF},  {0x10F46, 0x10F50}, {0x10F82, 0x10F85}, {0x11070, 0x11070},
     {0x1133B, 0x1133B},  {0x1145E, 0x1145E}, {0x11839, 0x1183A}, {0x11938, 0x11938},
     {0x1193D, 0x1193E},  {0x11943, 0x11943}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34},
     {0x11A47, 0x11A47},  {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45},
     {0x11D97, 0x11D97},  {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1}, {0x1E030, 0x1E06D},
     {0x1E08F, 0x1E08F},  {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF},
     {0x1E4EC, 0x1E4EF},  {0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9}});

bool is_barrier(char32_t c) {
  if (c < kBarriers.front().first || c > kBarriers.back().last) return false;
  const auto* r =
      std::lower_bound(kBarriers.begin(), kBarriers.end(), c,
                       [](const Range& range, char32_t code) { return range.last < code; });
  return r != kBarriers.end() && r->first <= c;
}

void append_normalized(std::string_view text, int options, std::string& out) {
  if (text.empty()) return;
  utf8proc_uint8_t* raw = nullptr;
  const utf8proc_ssize_t n = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                          static_cast<utf8proc_ssize_t>(text.size()), &raw,
                                          static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> guard(raw, &std::free);
  if (n < 0)
    throw Error(ErrorCode::input, std::string("cannot normalise text: ") + utf8proc_errmsg(n));
  out.append(reinterpret_cast<const char*>(raw), static_cast<std::size_t>(n));
}

int options_of(Form form) {
  const bool composes = form == Form::nfc || form == Form::nfkc;
  const bool compatible = form == Form::nfkc || form == Form::nfkd;
  return UTF8PROC_STABLE | (composes ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
         (compatible ? UTF8PROC_COMPAT : 0);
}

/// Is the character its own normal form, in which nothing that stands before it can take part?
/// False for all marks and conjoining Jamo: some of them combine with what is before them.
bool compute_inert(char32_t code, Form form) {
  constexpr char32_t kFirstMedialJamo = 0x1160, kLastJamo = 0x11FF;
  if (is_barrier(code) || (code >= kFirstMedialJamo && code <= kLastJamo)) return false;
  const utf8proc_property_t* const p = utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
  if (p->combining_class != 0 || (classes(code) & kMark) != 0) return false;
  std::string before, after;
  append(code, before);
  append_normalized(before, options_of(form), after);
  return before == after;
}

/// Two bits for each form: known, and inert. Filled in character by character.
constinit std::array<std::uint8_t, 0x110000> inert_table{};

bool is_inert(char32_t code, Form form) {
  const int shift = 2 * static_cast<int>(form);
  const std::atomic_ref entry(inert_table[code]);
  const int bits = entry.load(std::memory_order_relaxed) >> shift;
  if ((bits & 1) != 0) return (bits & 2) != 0;
  const bool inert = compute_inert(code, form);
  entry.fetch_or(static_cast<std::uint8_t>((inert ? 3 : 1) << shift), std::memory_order_relaxed);
  return inert;
}

/// The first character of [p, end) that is not inert.
const char* inert_end(const char* p, const char* end, Form form) {
  while (p < end) {
    if (static_cast<unsigned char>(*p) < 0x80) {
      std::uint64_t eight = 0;
      for (; end - p >= 8; p += 8) {
        std::memcpy(&eight, p, sizeof eight);
        if ((eight & 0x8080808080808080U) != 0) break;
      }
      while (p < end && static_cast<unsigned char>(*p) < 0x80) ++p;
      continue;
    }
    const Decoded d = decode(p, end);
    if (!is_inert(d.code, form)) return p;
    p += d.bytes;
  }
  return end;
}

/// The first character of [p, end) that is inert.
const char* inert_begin(const char* p, const char* end, Form form) {
  while (p < end && static_cast<unsigned char>(*p) >= 0x80) {
    const Decoded d = decode(p, end);
    if (is_inert(d.code, form)) break;
    p += d.bytes;
  }
  return p;
}

/// Normalises a stretch, barriers apart.
void append_stretch(std::string_view text, Form form, std::string& out) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded d = decode(text.data() + at, text.data() + text.size());
    if (is_barrier(d.code)) {
      append_normalized(text.substr(begin, at - begin), options_of(form), out);
      out.append(text, at, d.bytes);
      begin = at + d.bytes;
    }
    at += d.bytes;
  }
  append_normalized(text.substr(begin), options_of(form), out);
}

}  // namespace

std::string normalize(std::string_view text, Form form) {
  const char* const end = text.data() + text.size();
  const char* done = text.data();
  std::string out;
  for (const char* p = done; p < end;) {
    const char* stretch = inert_end(p, end, form);
    if (stretch == end) break;
    const char* const next = inert_begin(stretch, end, form);
    // The inert character before it may take part: e and an accent.
    if (stretch > done) {
      do {
        --stretch;
      } while (stretch > done && (static_cast<unsigned char>(*stretch) & 0xC0) == 0x80);
    }
    out.append(done, stretch);
    append_stretch({stretch, static_cast<std::size_t>(next - stretch)}, form, out);
    p = done = next;
  }
  return out.append(done, end);
}

}  // namespace axl::tokenizer::unicode
