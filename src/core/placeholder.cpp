#include "core/placeholder.hpp"

#include <string>

#include "core/ascii.hpp"

namespace axl {
namespace {

constexpr std::uint64_t kLongestPointer = 1024, kLongestPage = 256 << 10, kLongestMessage = 512;

/// What hubs answer in place of a file.
constexpr std::string_view kMessages[] = {"entry not found",
                                          "repository not found",
                                          "invalid username or password.",
                                          "access to model ",
                                          "access to dataset ",
                                          "{\"error\":",
                                          "<?xml version=\"1.0\" encoding=\"utf-8\"?><error>",
                                          "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<error>"};
constexpr std::string_view kTitleWords[] = {"error",   "not found", "404",          "403",
                                            "401",     "denied",    "forbidden",    "log in",
                                            "sign in", "login",     "hugging face", "unauthorized"};

bool is_error_page(std::string_view low) {
  const std::size_t title = low.find("<title");
  if (title == std::string_view::npos) return false;
  const std::string_view text = low.substr(title, low.find("</title", title) - title);
  for (const std::string_view word : kTitleWords)
    if (text.find(word) != std::string_view::npos) return true;
  return false;
}

}  // namespace

void refuse_placeholder(std::string_view head, std::uint64_t bytes,
                        const std::filesystem::path& path, bool text, ErrorCode code) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return;
  head = head.substr(first, kPlaceholderHead);
  const UserLocation where{path.string(), 0, 0, ""};
  if (bytes <= kLongestPointer && head.starts_with("version https://git-lfs.github.com/spec/"))
    throw Error(code, "is a Git LFS pointer, not the file itself")
        .at(where)
        .hint("run `git lfs pull` in its repository");
  const std::string low = ascii_lower(std::string(head));
  const bool page = low.starts_with("<!doctype html") || low.starts_with("<html");
  if (page && (!text || (bytes <= kLongestPage && is_error_page(low))))
    throw Error(code, "is an HTML page, not the file itself")
        .at(where)
        .hint(
            "a download answered with a page (an error, or a login): open it, and download again");
  if (bytes > kLongestMessage) return;
  for (const std::string_view message : kMessages)
    if (low.starts_with(message))
      throw Error(code, "holds a server's message, not the file itself: '" +
                            std::string(head.substr(0, head.find_first_of("\r\n"))) + "'")
          .at(where)
          .hint("a download failed: check its address and your access, and download again");
}

}  // namespace axl
