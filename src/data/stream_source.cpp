#include "data/stream_source.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/placeholder.hpp"
#include "core/utf8.hpp"

namespace axl::data {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;
/// The program that fills a pipe may start after this one.
constexpr double kPipePatience_s = 60;
/// A longer row is no row: the file is not what its name says.
constexpr std::size_t kLongestRow = std::size_t{64} << 20;

bool is_regular(const SourcePlace& place) {
  struct stat facts {};
  return ::stat(place.path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

}  // namespace

/// One open file as lines.
class RowStream::File {
 public:
  explicit File(const SourcePlace& place) : place_(place) {
    const bool table = place.kind == FileKind::parquet || place.kind == FileKind::arrow;
    if (table) const weights::MappedFile refuses_what_is_no_table(place.path);
    if (place.kind == FileKind::parquet)
      table_ = open_parquet(place.path);
    else if (place.kind == FileKind::arrow)
      table_ = open_arrow(place.path);
    if (table_) return;
    chain_ = decoders(place, place.kind == FileKind::csv ? &lines_ : nullptr);
    if (place.kind == FileKind::json || place.kind == FileKind::jsonl)
      chain_.push_back(json_decoder(place.path, place.field, &in_document_));
    file_.emplace(InputFile::or_pipe(place.path, kPipePatience_s));
    buffer_.resize(kPiece);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// The line of the row that next() gave last; for tables its number. From 1.
  std::int64_t line() const {
    return place_.kind == FileKind::csv ? lines_[static_cast<std::size_t>(rows_ - 1 - noted_)]
                                        : rows_;
  }
  bool in_document() const { return in_document_; }

  /// False at the end.
  bool next(std::string_view& line) {
    for (;;) {
      const std::size_t end = text_.find('\n', at_);
      if (end != std::string::npos || (ended_ && at_ < text_.size())) {
        const std::size_t stop = std::min(end, text_.size());
        line = std::string_view(text_).substr(at_, stop - at_);
        at_ = std::min(stop + 1, text_.size());
        if (first_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);  // byte order mark
        first_ = false;
        if (place_.kind == FileKind::text) check_text(line);
        ++rows_;
        if (place_.kind == FileKind::csv) forget_lines();
        return true;
      }
      if (ended_) return false;
      text_.erase(0, at_);
      at_ = 0;
      if (text_.size() > kLongestRow)
        throw Error(ErrorCode::data, place_.path + ": a row is longer than " +
                                         std::to_string(kLongestRow >> 20) + " MiB");
      read();
    }
  }

 private:
  void check_text(std::string_view line) const {
    const std::size_t bad = first_not_utf8(line);
    if (bad == std::string_view::npos) return;
    const std::string encoding = likely_encoding(line, bad);
    throw Error(ErrorCode::data, why_not_utf8(line, bad, encoding))
        .at({place_.path, static_cast<int>(rows_ + 1), static_cast<int>(bad + 1), ""})
        .hint(hint_of_encoding(encoding));
  }
  /// Those of rows before the last one; they would add up in a file without end.
  void forget_lines() {
    constexpr std::int64_t kMostKept = 4096;
    const std::int64_t old = rows_ - 1 - noted_;
    if (old < kMostKept) return;
    lines_.erase(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(old));
    noted_ += old;
  }
  void read() {
    if (table_) {
      std::string piece;
      ended_ = !table_(piece);
      text_ += piece;
      return;
    }
    const ssize_t n = ::read(file_->descriptor(), buffer_.data(), buffer_.size());
    if (n < 0 && errno == EINTR) return;
    if (n < 0)
      throw Error(ErrorCode::input, "cannot read " + place_.path + ": " + std::strerror(errno));
    const TextSink keep = [this](std::string_view text) { text_ += text; };
    if (!begun_) {
      begun_ = true;
      const std::string_view head(buffer_.data(), static_cast<std::size_t>(n));
      const auto bytes = std::max<std::uint64_t>(file_->bytes(), head.size());
      refuse_placeholder(head, bytes, place_.path, place_.kind == FileKind::text, ErrorCode::data);
    }
    if (n == 0) {
      finish_decoders(chain_, keep);
      ended_ = true;
    } else {
      run_decoders(chain_, 0, {buffer_.data(), static_cast<std::size_t>(n)}, keep);
    }
  }

  SourcePlace place_;
  TextSource table_;
  std::vector<std::unique_ptr<Decoder>> chain_;
  std::optional<InputFile> file_;
  std::string buffer_, text_;
  std::size_t at_ = 0;
  std::int64_t rows_ = 0;             ///< given out
  std::vector<std::uint32_t> lines_;  ///< of a CSV file: where its rows begin, from `noted_` on
  std::int64_t noted_ = 0;
  bool ended_ = false, first_ = true, begun_ = false, in_document_ = false;
};

RowStream::RowStream(const config::DatasetConfig& dataset)
    : places_(list_sources(dataset)),
      where_(dataset.where),
      name_(dataset.path),
      skip_(dataset.skip) {
  if (places_.empty())
    throw Error(ErrorCode::data, "dataset '" + name_ + "' has no files").at(where_);
}

RowStream::~RowStream() = default;

void RowStream::open() {
  file_ = std::make_unique<File>(places_[static_cast<std::size_t>(position_.file)]);
}

bool RowStream::in_document() const { return file_ && file_->in_document(); }

bool RowStream::is_repeatable() const {
  return std::all_of(places_.begin(), places_.end(), is_regular);
}

std::optional<StreamedRow> RowStream::next() {
  for (;;) {
    if (ended_) return std::nullopt;
    if (!file_) open();
    const SourcePlace& place = places_[static_cast<std::size_t>(position_.file)];
    std::string_view line;
    if (file_->next(line)) {
      ++position_.row;
      const bool plain = place.kind == FileKind::text;
      if (!plain) {
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) continue;
        line.remove_prefix(first);
      }
      if (line.ends_with('\r')) line.remove_suffix(1);
      ++position_.in_pass;
      if (position_.in_pass <= skip_) continue;
      ++position_.drawn;
      return StreamedRow{line, plain, &place.path, file_->line()};
    }
    const bool last = position_.file + 1 == static_cast<std::int64_t>(places_.size());
    if (last && position_.in_pass <= skip_)
      throw Error(ErrorCode::data, "dataset '" + name_ + "' has no rows")
          .at(where_)
          .hint(skip_ > 0 ? "skip leaves out all of them" : "its files are empty");
    if (last && !is_repeatable()) {
      ended_ = true;  // the position stays: a checkpoint leads to here, not beyond
      return std::nullopt;
    }
    file_.reset();
    position_.row = 0;
    ++position_.file;
    if (last) {
      position_.file = 0;
      ++position_.pass;
      position_.in_pass = 0;
    }
  }
}

void RowStream::seek(const SourcePosition& position) {
  if (position.file < 0 || position.file >= static_cast<std::int64_t>(places_.size()) ||
      position.row < 0)
    throw Error(ErrorCode::checkpoint,
                "dataset '" + name_ + "' has other files than when the position was saved")
        .at(where_);
  position_ = position;
  position_.row = 0;
  ended_ = false;
  open();
  std::string_view line;
  while (position_.row < position.row) {
    if (!file_->next(line))
      throw Error(ErrorCode::checkpoint, places_[static_cast<std::size_t>(position_.file)].path +
                                             " has fewer rows than when the position was saved");
    ++position_.row;
  }
}

}  // namespace axl::data
