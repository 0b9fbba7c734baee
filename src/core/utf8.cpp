#include "core/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace axl {
namespace {

/// Bytes of the sequence that begins at `p`, of which `rest` are there; 0 when it is none.
std::size_t sequence_length(const unsigned char* p, std::size_t rest) {
  const auto follows = [&](std::size_t i, unsigned char least = 0x80, unsigned char most = 0xBF) {
    return i < rest && p[i] >= least && p[i] <= most;
  };
  const unsigned char c = p[0];
  if (c < 0x80) return 1;
  if (c >= 0xC2 && c <= 0xDF) return follows(1) ? 2 : 0;
  if (c == 0xE0) return follows(1, 0xA0) && follows(2) ? 3 : 0;
  if (c == 0xED) return follows(1, 0x80, 0x9F) && follows(2) ? 3 : 0;
  if (c >= 0xE1 && c <= 0xEF) return follows(1) && follows(2) ? 3 : 0;
  if (c == 0xF0) return follows(1, 0x90) && follows(2) && follows(3) ? 4 : 0;
  if (c == 0xF4) return follows(1, 0x80, 0x8F) && follows(2) && follows(3) ? 4 : 0;
  if (c >= 0xF1 && c <= 0xF3) return follows(1) && follows(2) && follows(3) ? 4 : 0;
  return 0;
}

}  // namespace

std::size_t first_not_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t i = 0;
  while (i < text.size()) {
    // Most text is ASCII: eight bytes at a time.
    std::uint64_t word = 0;
    while (i + sizeof word <= text.size()) {
      std::memcpy(&word, p + i, sizeof word);
      if ((word & 0x8080808080808080ull) != 0) break;
      i += sizeof word;
    }
    if (i == text.size()) break;
    const std::size_t n = sequence_length(p + i, text.size() - i);
    if (n == 0) return i;
    i += n;
  }
  return std::string_view::npos;
}

std::string marked_encoding(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\xFF\xFE\0\0"sv)) return "UTF-32 (little-endian)";
  if (head.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32 (big-endian)";
  if (head.starts_with("\xFF\xFE"sv)) return "UTF-16 (little-endian)";
  if (head.starts_with("\xFE\xFF"sv)) return "UTF-16 (big-endian)";
  return "";
}

std::string wide_encoding(std::string_view head) {
  if (std::string marked = marked_encoding(head); !marked.empty()) return marked;
  constexpr std::size_t kLookedAt = 4096;
  head = head.substr(0, kLookedAt);
  if (head.size() < 4 || head.find('\0') == std::string_view::npos) return "";
  std::size_t zeros[4] = {};  // by their place in a group of four bytes
  for (std::size_t i = 0; i < head.size(); ++i) zeros[i % 4] += head[i] == '\0';
  const std::size_t group = head.size() / 4, most = group - group / 4, few = group / 8;
  if (zeros[2] >= most && zeros[3] >= most && zeros[0] <= few) return "UTF-32 (little-endian)";
  if (zeros[0] >= most && zeros[1] >= most && zeros[3] <= few) return "UTF-32 (big-endian)";
  // Half of the characters being Latin is enough: blanks, digits and line ends are.
  const std::size_t half = group + (group < 4 ? 1 : 0);
  if (zeros[1] + zeros[3] >= half && zeros[0] + zeros[2] <= few) return "UTF-16 (little-endian)";
  if (zeros[0] + zeros[2] >= half && zeros[1] + zeros[3] <= few) return "UTF-16 (big-endian)";
  return "";
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view good = text.substr(0, std::min(first_not_utf8(text), text.size()));
    const auto escape = [&](char c) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15U]};
    };
    for (const char c : good) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F)
        escape(c);
      else
        out += c;
    }
    text.remove_prefix(good.size());
    if (text.empty()) break;
    escape(text.front());
    text.remove_prefix(1);
  }
  return out;
}

std::string likely_encoding(std::string_view text, std::size_t at) {
  if (std::string wide = wide_encoding(text); !wide.empty()) return wide;
  // Only Windows' code page has characters where Latin-1 has none.
  const std::string_view rest = text.substr(std::min(at, text.size()), 4096);
  const bool windows = std::any_of(rest.begin(), rest.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 0x80 && u <= 0x9F;
  });
  return windows ? "Windows-1252" : "Latin-1";
}

std::string hint_of_encoding(const std::string& encoding) {
  std::string name = encoding.substr(0, encoding.find(' '));
  if (name == "Latin-1") name = "ISO-8859-1";
  if (encoding.ends_with("(little-endian)")) name += "LE";
  if (encoding.ends_with("(big-endian)")) name += "BE";
  return "texts must be UTF-8; convert it: iconv -f " + name + " -t UTF-8 FILE > NEW";
}

std::string why_not_utf8(std::string_view line, std::size_t at, const std::string& encoding) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(line[at]);
  return std::string("not UTF-8: byte 0x") + kDigits[byte >> 4] + kDigits[byte & 15] +
         " at column " + std::to_string(at + 1) + "; it looks like " + encoding;
}

void require_utf8(std::string_view text, const std::string& path, ErrorCode code) {
  const std::string marked = marked_encoding(text);
  if (!marked.empty())
    throw Error(code, "is " + marked + " text, as its byte order mark says")
        .at({path, 0, 0, ""})
        .hint(hint_of_encoding(marked));
  // Zero bytes are UTF-8, so that a text of Latin characters alone would pass.
  if (const std::string wide = wide_encoding(text); !wide.empty())
    throw Error(code, "is not UTF-8: it looks like " + wide + ", to judge by its zero bytes")
        .at({path, 0, 0, ""})
        .hint(hint_of_encoding(wide));
  const std::size_t at = first_not_utf8(text);
  if (at == std::string_view::npos) return;
  const std::string_view before = text.substr(0, at);
  const std::size_t feed = before.rfind('\n');
  const std::size_t begin = feed == std::string_view::npos ? 0 : feed + 1;
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::string encoding = likely_encoding(text, at);
  throw Error(code, why_not_utf8(text.substr(begin), at - begin, encoding))
      .at({path, static_cast<int>(line), static_cast<int>(at - begin + 1), ""})
      .hint(hint_of_encoding(encoding));
}

}  // namespace axl
