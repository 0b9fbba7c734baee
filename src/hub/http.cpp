#include "hub/http.hpp"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/log.hpp"

namespace axl::hub {
namespace {

constexpr int kTries = 6;
constexpr std::size_t kMostBody = std::size_t{64} << 20;  ///< of an answer kept in memory

struct CurlGlobal {
  CurlGlobal() { ::curl_global_init(CURL_GLOBAL_DEFAULT); }
};

/// One request; `write` returns false to stop it.
class Request {
 public:
  Request(const std::string& url, const std::string& token) {
    static const CurlGlobal started;
    curl_.reset(::curl_easy_init());
    AXL_CHECK(curl_ != nullptr, "libcurl could not be started");
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_USERAGENT, "axolotl-hpc");
    set(CURLOPT_ERRORBUFFER, error_);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_CONNECTTIMEOUT, 20L);
    // A transfer that crawls below 100 bytes a second for a minute is as good as broken.
    set(CURLOPT_LOW_SPEED_LIMIT, 100L);
    set(CURLOPT_LOW_SPEED_TIME, 60L);
    if (!token.empty())
      headers_.reset(::curl_slist_append(nullptr, ("Authorization: Bearer " + token).c_str()));
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_HEADERFUNCTION, &Request::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Request::on_body);
    set(CURLOPT_WRITEDATA, this);
  }
  void add_header(const std::string& line) {
    curl_slist* longer = ::curl_slist_append(headers_.get(), line.c_str());
    AXL_CHECK(longer != nullptr, "libcurl is out of memory");
    static_cast<void>(headers_.release());
    headers_.reset(longer);
    set(CURLOPT_HTTPHEADER, headers_.get());
  }
  template <class T>
  void set(CURLoption option, T value) {
    ::curl_easy_setopt(curl_.get(), option, value);
  }
  CURLcode perform() {
    const CURLcode code = ::curl_easy_perform(curl_.get());
    ::curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &response.status);
    return code;
  }
  std::string error(CURLcode code) const {
    return error_[0] != '\0' ? error_ : ::curl_easy_strerror(code);
  }

  Response response;
  std::function<bool(const char*, std::size_t)> write;

 private:
  static std::size_t on_header(char* text, std::size_t size, std::size_t count, void* self) {
    auto& out = static_cast<Request*>(self)->response.headers;
    std::string line(text, size * count);
    if (line.starts_with("HTTP/")) {
      out.clear();  // a redirect's own headers are not the answer's
      return size * count;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) return size * count;
    std::string value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())))
      value.pop_back();
    value.erase(0, std::min(value.find_first_not_of(" \t"), value.size()));
    out[ascii_lower(line.substr(0, colon))] = value;
    return size * count;
  }
  static std::size_t on_body(char* text, std::size_t size, std::size_t count, void* self) {
    return static_cast<Request*>(self)->write(text, size * count) ? size * count : 0;
  }

  struct FreeCurl {
    void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
  };
  std::unique_ptr<CURL, FreeCurl> curl_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  char error_[CURL_ERROR_SIZE] = {};
};

/// Worth another try: the network or a busy server.
bool passing(CURLcode code, long status) {
  if (code != CURLE_OK) return code != CURLE_URL_MALFORMAT && code != CURLE_WRITE_ERROR;
  return status == 429 || status >= 500;
}

void wait_before(int next_try) {
  std::this_thread::sleep_for(std::chrono::milliseconds(250 << std::min(next_try, 6)));
}

[[noreturn]] void unreachable(const std::string& url, const std::string& why) {
  throw Error(ErrorCode::network, "cannot reach " + url + ": " + why)
      .hint(
          "without a network, HF_HUB_OFFLINE=1 uses what the cache holds; HF_ENDPOINT names "
          "another server");
}

Response ask(const std::string& url, const std::string& token, bool body) {
  for (int i = 0;; ++i) {
    Request request(url, token);
    request.set(CURLOPT_FOLLOWLOCATION, body ? 1L : 0L);
    request.set(CURLOPT_NOBODY, body ? 0L : 1L);
    request.write = [&](const char* text, std::size_t size) {
      request.response.body.append(text, size);
      return request.response.body.size() <= kMostBody;
    };
    const CURLcode code = request.perform();
    if (!passing(code, request.response.status)) {
      if (code != CURLE_OK) unreachable(url, request.error(code));
      return std::move(request.response);
    }
    // A name that does not resolve will not do so in a second.
    const bool hopeless = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT;
    if (i + 1 == kTries || hopeless) {
      if (code != CURLE_OK) unreachable(url, request.error(code));
      return std::move(request.response);
    }
    wait_before(i);
  }
}

/// Keeps the ETag of what is being downloaded; a weak one does not promise the same bytes.
void remember(const std::string& path, const Response& response) {
  const auto tag = response.headers.find("etag");
  std::error_code ignored;
  if (tag == response.headers.end() || tag->second.starts_with("W/"))
    std::filesystem::remove(path, ignored);
  else
    std::ofstream(path, std::ios::binary | std::ios::trunc) << tag->second;
}

}  // namespace

Response get(const std::string& url, const std::string& token) { return ask(url, token, true); }
Response head(const std::string& url, const std::string& token) { return ask(url, token, false); }

void download(const std::string& url, const std::string& token, const std::string& path,
              Partial partial, const Progress& progress) {
  const std::string tag_file = path + ".etag";
  std::string why;
  for (int i = 0; i < kTries; ++i) {
    std::error_code failed;
    std::int64_t have = 0;
    if (std::filesystem::exists(path, failed))
      have = static_cast<std::int64_t>(std::filesystem::file_size(path, failed));
    struct Close {
      void operator()(std::FILE* file) const { std::fclose(file); }
    };
    const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "ab"));
    if (!file) throw Error(ErrorCode::io, "cannot write " + path);
    Request request(url, token);
    request.set(CURLOPT_FOLLOWLOCATION, 1L);
    const std::string tag = read_or_nothing(tag_file);
    const bool resumes = have > 0 && (!tag.empty() || partial == Partial::checked);
    if (resumes) {
      request.set(CURLOPT_RANGE, (std::to_string(have) + "-").c_str());
      // A server that has something else by now sends all of it.
      if (!tag.empty()) request.add_header("If-Range: " + tag);
    }
    bool first = true, full_disk = false;
    std::int64_t done = have;
    request.write = [&](const char* text, std::size_t size) {
      if (first) {
        first = false;
        remember(tag_file, request.response);
        const auto range = request.response.headers.find("content-range");
        const bool resumed = range != request.response.headers.end() &&
                             range->second.starts_with("bytes " + std::to_string(have) + "-");
        if (!resumed && have > 0) {  // from the start
          if (::ftruncate(::fileno(file.get()), 0) != 0) return false;
          done = 0;
        }
      }
      if (std::fwrite(text, 1, size, file.get()) != size) {
        full_disk = true;
        return false;
      }
      done += static_cast<std::int64_t>(size);
      if (progress) progress(done, 0);
      return true;
    };
    request.set(CURLOPT_FAILONERROR, 1L);
    const CURLcode code = request.perform();
    const bool flushed = std::fflush(file.get()) == 0;
    if (full_disk || !flushed) throw Error(ErrorCode::io, "cannot write " + path + ": disk full?");
    const long status = request.response.status;
    if (code == CURLE_OK || (status == 416 && resumes)) {  // 416: all of it is there already
      std::filesystem::remove(tag_file, failed);
      return;
    }
    if (status == 401 || status == 403 || status == 404)
      throw Error(ErrorCode::input, url + " answered " + std::to_string(status) +
                                        (status == 404 ? " (not found)" : " (not allowed)"))
          .hint("private and gated files need HF_TOKEN");
    why = request.error(code);
    if (!passing(code, status)) break;
    if (i + 1 < kTries) {
      log::info("{}: {}; trying again from byte {}", url, why, done);
      wait_before(i);
    }
  }
  unreachable(url, why);
}

}  // namespace axl::hub
