#pragma once
#include <simdjson.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "core/registry.hpp"
#include "tokenizer/models/model.hpp"

namespace axl::tokenizer {

/// One kind of model: the name that tokenizer.json's "type" gives it, and how it is read.
struct ModelSpec {
  std::string_view name;
  std::unique_ptr<Model> (*read)(const simdjson::dom::element& model, std::size_t file_size);
};

ModelSpec bpe_spec();
ModelSpec unigram_spec();
ModelSpec wordpiece_spec();
ModelSpec wordlevel_spec();

const Registry<ModelSpec>& models();
/// Reads a "model" object. Old files leave "type" out: then its fields tell. Error{input}.
std::unique_ptr<Model> read_model(const simdjson::dom::element& model, std::size_t file_size);

}  // namespace axl::tokenizer
