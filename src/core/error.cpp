#include "core/error.hpp"

#include "core/utf8.hpp"

namespace axl {

std::string to_string(const UserLocation& where) {
  std::string out;
  if (!where.file.empty()) {
    out += where.file;
    if (where.line > 0) out += ":" + std::to_string(where.line);
    if (where.line > 0 && where.column > 0) out += ":" + std::to_string(where.column);
    out += ": ";
  }
  if (!where.key.empty()) out += where.key + ": ";
  return out;
}

int Error::exit_code() const noexcept {
  switch (code_) {
    case ErrorCode::config:
    case ErrorCode::input:
    case ErrorCode::network:
    case ErrorCode::data:
    case ErrorCode::unsupported:
    case ErrorCode::checkpoint:
      return kExitBadInput;
    default:
      return kExitFailed;
  }
}

void Error::render() {
  text_ = to_string(where_) + message_;
  if (!hint_.empty()) text_ += "\n  hint: " + hint_;
  if (rank_ >= 0) text_ += "\n  rank: " + std::to_string(rank_);
  text_ = printable(text_);
}

}  // namespace axl
