// Rows of any content: decoding, finding, parsing, recognising, reading as a conversation. The
// first byte chooses the kind of file. Nothing but Error and RowError may come out.

#include "core/error.hpp"
#include "core/json.hpp"
#include "data/chat/conversation.hpp"
#include "data/detect.hpp"
#include "data/source.hpp"

namespace {

using namespace axl::data;

void use(const Row& row) {
  const axl::config::DatasetConfig dataset;
  for (const std::string& column : row.column_names()) {
    try {
      row.text(column);
    } catch (const RowError&) {
    }
    row.value(column);
  }
  if (const auto found = detect_format(row, dataset)) {
    if (found->dataset.type == "chat_template")
      read_conversation(row, found->dataset, "message['role'] message.thinking");
  }
}

void read(SourceFile& file) {
  RowList list;
  find_rows(file, 0, list);
  RowParser parser;
  for (const RowRef& ref : list.rows) {
    try {
      use(parser.parse(file, ref));
    } catch (const RowError&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::size_t made = 0;
  SourceFile file;
  file.path = "fuzz";
  file.kind = static_cast<FileKind>(data[0] % 4);  // json, jsonl, text, csv
  const auto compression = static_cast<Compression>(data[0] / 4 % 3);
  try {
    file.decoded = std::make_unique<Spool>();
    SourceFile packed;
    packed.path = "fuzz";
    packed.kind = file.kind;
    packed.compression = compression;
    const TextSink keep = [&](std::string_view piece) {
      // A bomb of a few bytes must not count as a finding of memory.
      static constexpr std::size_t kMost = std::size_t{1} << 20;
      made += piece.size();
      if (made > kMost) throw axl::Error(axl::ErrorCode::data, "enough");
      file.decoded->append(piece);
    };
    const auto chain = decoders(packed);
    const std::size_t half = text.size() / 2;
    run_decoders(chain, 0, text.substr(0, half), keep);
    run_decoders(chain, 0, text.substr(half), keep);
    finish_decoders(chain, keep);
    file.decoded->finish();
    if (file.kind == FileKind::csv) file.kind = FileKind::jsonl;
    read(file);
    const auto array = json_decoder("fuzz", "data");
    array->append(text, [](std::string_view) {});
    array->finish([](std::string_view) {});
  } catch (const axl::Error&) {
  }
  return 0;
}
