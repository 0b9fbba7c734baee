#include "core/placeholder.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "core/ascii.hpp"
#include "core/json.hpp"

namespace axl {
namespace {

constexpr std::uint64_t kLongestPage = 256 << 10, kLongestMessage = 2048;

/// What hubs and file servers answer in place of a file, in lower case: the whole of the answer.
constexpr std::string_view kAnswers[] = {"entry not found",
                                         "repository not found",
                                         "revision not found",
                                         "file not found",
                                         "invalid username or password.",
                                         "not found",
                                         "404: not found",
                                         "404 not found",
                                         "404 page not found",
                                         "403 forbidden",
                                         "401 unauthorized",
                                         "access denied",
                                         "forbidden",
                                         "unauthorized",
                                         "bad gateway",
                                         "502 bad gateway",
                                         "504 gateway timeout",
                                         "503 service unavailable",
                                         "service unavailable",
                                         "internal server error",
                                         "500 internal server error",
                                         "too many requests",
                                         "429 too many requests"};
/// How longer ones begin.
constexpr std::string_view kBeginnings[] = {
    "access to model ", "access to dataset ", "access to this resource is disabled",
    "cannot access gated repo", "invalid credentials in authorization header"};
/// What an error speaks of, as JSON or in the title of a page.
constexpr std::string_view kErrorWords[] = {"not found",
                                            "404",
                                            "403",
                                            "401",
                                            "denied",
                                            "forbidden",
                                            "unauthorized",
                                            "restricted",
                                            "gated",
                                            "invalid username",
                                            "invalid token",
                                            "invalid credentials",
                                            "authenticat",
                                            "can't find",
                                            "rate limit",
                                            "too many requests",
                                            "internal error",
                                            "internal server",
                                            "bad gateway",
                                            "unavailable",
                                            "timeout"};
constexpr std::string_view kTitleWords[] = {"error",    "log in",        "login",
                                            "sign in",  "hugging face",  "moved",
                                            "redirect", "just a moment", "attention"};

template <class Words>
bool speaks_of(std::string_view low, const Words& words) {
  return std::any_of(std::begin(words), std::end(words),
                     [&](std::string_view word) { return low.find(word) != low.npos; });
}

std::string_view without_space(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// One or several pointers after each other and nothing else, as far as `head` goes.
bool is_lfs_pointer(std::string_view head, bool whole) {
  constexpr std::string_view kVersions[] = {"version https://git-lfs.github.com/spec/",
                                            "version https://hawser.github.com/spec/"};
  const auto begins = [](std::string_view line, const auto& with) {
    return std::any_of(std::begin(with), std::end(with),
                       [&](std::string_view start) { return line.starts_with(start); });
  };
  if (!begins(head, kVersions)) return false;
  constexpr std::string_view kKeys[] = {"oid sha256:", "size ", "ext-"};
  while (!head.empty()) {
    const std::size_t feed = head.find('\n');
    if (feed == std::string_view::npos && !whole) break;  // the rest of this line is not in `head`
    const std::string_view line = without_space(head.substr(0, feed));
    if (!line.empty() && !begins(line, kVersions) && !begins(line, kKeys)) return false;
    head.remove_prefix(feed == std::string_view::npos ? head.size() : feed + 1);
  }
  return true;
}

/// What stands before the first tag of a page's own: an XML declaration, comments.
std::string_view without_prologue(std::string_view low) {
  for (;;) {
    low = low.substr(std::min(low.size(), low.find_first_not_of(" \t\r\n")));
    const std::string_view end = low.starts_with("<?xml") ? "?>" : "-->";
    if (!low.starts_with("<?xml") && !low.starts_with("<!--")) return low;
    const std::size_t at = low.find(end);
    if (at == std::string_view::npos) return {};
    low.remove_prefix(at + end.size());
  }
}

bool is_page(std::string_view low) {
  for (const std::string_view tag : {"<!doctype html", "<html", "<head>", "<head\n"})
    if (low.starts_with(tag)) return true;
  return false;
}

bool is_error_page(std::string_view low) {
  const std::size_t title = low.find("<title");
  if (title == std::string_view::npos) return false;
  const std::string_view text = low.substr(title, low.find("</title", title) - title);
  return speaks_of(text, kErrorWords) || speaks_of(text, kTitleWords);
}

/// {"error": "Repository not found"}, {"message": "Not Found", "status": "404"}, ...: one object
/// with nothing but what servers say of an error. A row has an answer or a label too.
bool is_json_message(std::string_view low) {
  if (!low.starts_with('{') || !low.ends_with('}') || !speaks_of(low, kErrorWords)) return false;
  static constexpr std::string_view kKeys[] = {
      "error",       "errors",    "message", "msg",       "status",     "statuscode",
      "status_code", "code",      "success", "detail",    "details",    "reason",
      "path",        "timestamp", "data",    "requestid", "request_id", "documentation_url",
      "error_code",  "errorcode"};
  const auto value = try_parse_json<nlohmann::json>(std::string(low));
  if (!value.is_object()) return false;
  for (const auto& item : value.items())
    if (std::find(std::begin(kKeys), std::end(kKeys), item.key()) == std::end(kKeys)) return false;
  return value.contains("error") || value.contains("errors") || value.contains("message") ||
         value.contains("msg") || value.contains("detail");
}

bool is_message(std::string_view low, std::string_view after_prologue) {
  if (std::find(std::begin(kAnswers), std::end(kAnswers), low) != std::end(kAnswers)) return true;
  if (low.find('\n') == low.npos)
    for (const std::string_view start : kBeginnings)
      if (low.starts_with(start)) return true;
  return is_json_message(low) || after_prologue.starts_with("<error>") ||
         after_prologue.starts_with("<error ");
}

}  // namespace

void refuse_placeholder(std::string_view head, std::uint64_t bytes,
                        const std::filesystem::path& path, bool text, ErrorCode code) {
  const bool whole = bytes <= std::min<std::uint64_t>(kPlaceholderHead, head.size());
  head = head.substr(0, kPlaceholderHead);
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return;
  head.remove_prefix(first);
  const UserLocation where{path.string(), 0, 0, ""};
  if (head.front() == 'v' && is_lfs_pointer(head, whole))
    throw Error(code, "is a Git LFS pointer, not the file itself")
        .at(where)
        .hint("run `git lfs pull` in its repository");
  if (head.front() != '<' && bytes > kLongestMessage) return;
  const std::string low = ascii_lower(std::string(without_space(head)));
  const std::string_view after = without_prologue(low);
  if (is_page(after) && (!text || (bytes <= kLongestPage && is_error_page(low))))
    throw Error(code, "is an HTML page, not the file itself")
        .at(where)
        .hint(
            "a download answered with a page (an error, or a login): open it, and download again");
  if (bytes <= kLongestMessage && is_message(low, after))
    throw Error(code, "holds a server's message, not the file itself: '" +
                          std::string(head.substr(0, head.find_first_of("\r\n"))) + "'")
        .at(where)
        .hint("a download failed: check its address and your access, and download again");
}

}  // namespace axl
