#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "weights/weight_file.hpp"

namespace axl::data {

/// Takes text in pieces.
using TextSink = std::function<void(std::string_view)>;

/// Text that was made while running: kept in memory while it is small, in an unlinked temporary
/// file ($TMPDIR) that is memory-mapped beyond that.
class Spool {
 public:
  explicit Spool(std::size_t memory_limit = std::size_t{64} << 20);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  void append(std::string_view text);  ///< Error{io} when the temporary folder is full
  /// Ends appending; the text stays where it is as long as the spool lives.
  std::string_view finish();
  std::string_view view() const { return view_; }

 private:
  void flush();
  std::size_t limit_;
  std::string buffer_;
  std::string_view view_;
  int file_ = -1;
  std::unique_ptr<weights::MappedFile> map_;
};

}  // namespace axl::data
