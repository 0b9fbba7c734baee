#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace axl::hub {

struct Response {
  long status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case, of the last answer
  std::string body;
};

/// Bytes so far and in all (0: unknown).
using Progress = std::function<void(std::int64_t, std::int64_t)>;

/// GET with redirects followed; the token goes to the named host alone. Error{network} when there
/// is no answer at all after several tries; any status is returned.
Response get(const std::string& url, const std::string& token);
/// HEAD without following a redirect.
Response head(const std::string& url, const std::string& token);
/// What bytes that an earlier download left are worth.
enum class Partial : std::uint8_t {
  checked,  ///< `path` is named by its content, and the caller checks it
  unknown   ///< they may belong to what the address held then
};

/// Downloads to `path`, going on from the bytes that are there already: those of `unknown` origin
/// only while the server has the same ETag, which waits in PATH.etag. Broken connections are tried
/// again. Error{input} with the status, Error{network} when no try helped.
void download(const std::string& url, const std::string& token, const std::string& path,
              Partial partial, const Progress& progress);

}  // namespace axl::hub
