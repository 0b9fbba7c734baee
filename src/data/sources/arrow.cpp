#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <parquet/arrow/reader.h>

#include <charconv>
#include <cmath>

#include "core/error.hpp"
#include "data/sources/decode.hpp"

// Parquet and Arrow IPC files by the Arrow C++ library, row by row as JSON lines.

namespace axl::data {
namespace {

[[noreturn]] void fail(const std::string& path, const arrow::Status& status) {
  throw Error(ErrorCode::input, "cannot read " + path + ": " + status.message());
}

void check(const std::string& path, const arrow::Status& status) {
  if (!status.ok()) fail(path, status);
}

template <class T>
T take(const std::string& path, arrow::Result<T> result) {
  if (!result.ok()) fail(path, result.status());
  return std::move(result).ValueUnsafe();
}

template <class Number>
void append_number(std::string& out, Number value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  out.append(text, error == std::errc{} ? end : text);
}

void append_value(std::string& out, const arrow::Array& array, std::int64_t i, int depth);

template <class List>
void append_list(std::string& out, const List& list, std::int64_t i, int depth) {
  out += '[';
  const std::int64_t begin = list.value_offset(i), end = begin + list.value_length(i);
  for (std::int64_t k = begin; k < end; ++k) {
    if (k > begin) out += ", ";
    append_value(out, *list.values(), k, depth + 1);
  }
  out += ']';
}

void append_struct(std::string& out, const arrow::StructArray& array, std::int64_t i, int depth) {
  out += '{';
  for (int k = 0; k < array.num_fields(); ++k) {
    if (k > 0) out += ", ";
    append_json_string(out, array.struct_type()->field(k)->name());
    out += ": ";
    append_value(out, *array.field(k), i, depth + 1);
  }
  out += '}';
}

void append_map(std::string& out, const arrow::MapArray& map, std::int64_t i, int depth) {
  out += '{';
  const std::int64_t begin = map.value_offset(i), end = begin + map.value_length(i);
  for (std::int64_t k = begin; k < end; ++k) {
    if (k > begin) out += ", ";
    std::string key;
    append_value(key, *map.keys(), k, depth + 1);
    if (key.starts_with('"'))
      out += key;
    else
      append_json_string(out, key);
    out += ": ";
    append_value(out, *map.items(), k, depth + 1);
  }
  out += '}';
}

void append_double(std::string& out, double value) {
  if (std::isfinite(value))
    append_number(out, value);
  else
    out += "null";
}

template <class Array>
const Array& as(const arrow::Array& array) {
  return static_cast<const Array&>(array);
}

void append_value(std::string& out, const arrow::Array& array, std::int64_t i, int depth) {
  constexpr int kDeepest = 64;
  if (depth > kDeepest || array.IsNull(i)) {
    out += "null";
    return;
  }
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      out += as<arrow::BooleanArray>(array).Value(i) ? "true" : "false";
      return;
    case arrow::Type::INT8:
      return append_number(out, static_cast<int>(as<arrow::Int8Array>(array).Value(i)));
    case arrow::Type::INT16:
      return append_number(out, as<arrow::Int16Array>(array).Value(i));
    case arrow::Type::INT32:
      return append_number(out, as<arrow::Int32Array>(array).Value(i));
    case arrow::Type::INT64:
      return append_number(out, as<arrow::Int64Array>(array).Value(i));
    case arrow::Type::UINT8:
      return append_number(out, static_cast<int>(as<arrow::UInt8Array>(array).Value(i)));
    case arrow::Type::UINT16:
      return append_number(out, as<arrow::UInt16Array>(array).Value(i));
    case arrow::Type::UINT32:
      return append_number(out, as<arrow::UInt32Array>(array).Value(i));
    case arrow::Type::UINT64:
      return append_number(out, as<arrow::UInt64Array>(array).Value(i));
    case arrow::Type::FLOAT:
      return append_double(out, static_cast<double>(as<arrow::FloatArray>(array).Value(i)));
    case arrow::Type::DOUBLE:
      return append_double(out, as<arrow::DoubleArray>(array).Value(i));
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return append_json_string(out, as<arrow::BinaryArray>(array).GetView(i));
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return append_json_string(out, as<arrow::LargeBinaryArray>(array).GetView(i));
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return append_json_string(out, as<arrow::BinaryViewArray>(array).GetView(i));
    case arrow::Type::LIST:
      return append_list(out, as<arrow::ListArray>(array), i, depth);
    case arrow::Type::LARGE_LIST:
      return append_list(out, as<arrow::LargeListArray>(array), i, depth);
    case arrow::Type::FIXED_SIZE_LIST:
      return append_list(out, as<arrow::FixedSizeListArray>(array), i, depth);
    case arrow::Type::STRUCT:
      return append_struct(out, as<arrow::StructArray>(array), i, depth);
    case arrow::Type::MAP:
      return append_map(out, as<arrow::MapArray>(array), i, depth);
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = as<arrow::DictionaryArray>(array);
      return append_value(out, *dictionary.dictionary(), dictionary.GetValueIndex(i), depth + 1);
    }
    case arrow::Type::EXTENSION:
      return append_value(out, *as<arrow::ExtensionArray>(array).storage(), i, depth + 1);
    default: {  // dates, times, decimals: as Arrow writes them
      const auto scalar = array.GetScalar(i);
      append_json_string(out, scalar.ok() ? (*scalar)->ToString() : "");
    }
  }
}

/// Offsets and lengths inside of a hostile file are checked before they are followed.
void write_rows(const std::string& path, const arrow::RecordBatch& batch, std::string& text) {
  check(path, batch.ValidateFull());
  for (std::int64_t i = 0; i < batch.num_rows(); ++i) {
    text += '{';
    for (int k = 0; k < batch.num_columns(); ++k) {
      if (k > 0) text += ", ";
      append_json_string(text, batch.column_name(k));
      text += ": ";
      append_value(text, *batch.column(k), i, 0);
    }
    text += "}\n";
  }
}

std::shared_ptr<arrow::io::MemoryMappedFile> map(const std::string& path) {
  return take(path, arrow::io::MemoryMappedFile::Open(path, arrow::io::FileMode::READ));
}

}  // namespace

bool has_arrow() { return true; }

TextSource open_parquet(const std::string& path) {
  try {
    auto opened = take(path, parquet::arrow::OpenFile(map(path), arrow::default_memory_pool()));
    opened->set_use_threads(false);
    opened->set_batch_size(1024);
    const std::shared_ptr<parquet::arrow::FileReader> file = std::move(opened);
    const std::shared_ptr<arrow::RecordBatchReader> batches =
        take(path, file->GetRecordBatchReader());
    return [path, file, batches](std::string& text) {
      text.clear();
      try {
        std::shared_ptr<arrow::RecordBatch> batch;
        check(path, batches->ReadNext(&batch));
        if (!batch) return false;
        write_rows(path, *batch, text);
        return true;
      } catch (const parquet::ParquetException& e) {
        throw Error(ErrorCode::input, "cannot read " + path + ": " + e.what());
      }
    };
  } catch (const parquet::ParquetException& e) {
    throw Error(ErrorCode::input, "cannot read " + path + ": " + e.what());
  }
}

TextSource open_arrow(const std::string& path) {
  const auto file = map(path);
  const auto magic = take(path, file->ReadAt(0, 6));
  if (magic->ToString() == "ARROW1") {
    const auto reader = take(path, arrow::ipc::RecordBatchFileReader::Open(file));
    return [path, reader, i = 0](std::string& text) mutable {
      text.clear();
      if (i >= reader->num_record_batches()) return false;
      write_rows(path, *take(path, reader->ReadRecordBatch(i++)), text);
      return true;
    };
  }
  // What the Hugging Face library caches and save_to_disk writes: a stream.
  const auto reader = take(path, arrow::ipc::RecordBatchStreamReader::Open(file));
  return [path, reader](std::string& text) {
    text.clear();
    std::shared_ptr<arrow::RecordBatch> batch;
    check(path, reader->ReadNext(&batch));
    if (!batch) return false;
    write_rows(path, *batch, text);
    return true;
  };
}

}  // namespace axl::data
