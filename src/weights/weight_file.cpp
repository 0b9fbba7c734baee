#include "weights/weight_file.hpp"

#include <filesystem>

#include "core/error.hpp"
#include "core/suggest.hpp"
#include "hub/snapshot.hpp"
#include "weights/formats.hpp"
#include "weights/gguf.hpp"

namespace axl::weights {

WeightFile WeightFile::open(const std::string& name) {
  const std::string path = hub::model_folder(name, hub::ModelPart::everything);
  std::error_code ignored;
  WeightFile file = std::filesystem::is_directory(path, ignored) ? open_folder(path)
                    : is_gguf(path)                              ? open_gguf(path)
                                                                 : open_safetensors(path);
  join_four_bit(file);
  file.index_names();
  return file;
}

void WeightFile::index_names() {
  by_name_.reserve(tensors_.size());
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    if (!by_name_.emplace(tensors_[i].name, i).second)
      throw Error(ErrorCode::input,
                  files_.front()->path() + ": two tensors are called '" + tensors_[i].name + "'");
}

const TensorEntry* WeightFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) return &tensors_[found->second];
  for (const ForeignTensor& t : foreign_)
    if (t.name == name)
      throw Error(ErrorCode::unsupported,
                  *t.file + ": tensor '" + t.name + "' has type " + t.type + ", which is not read")
          .hint("save the model as BF16, F16 or F32");
  return nullptr;
}

void WeightFile::replace(TensorEntry entry, std::shared_ptr<const void> owner) {
  owners_.push_back(std::move(owner));
  const auto found = by_name_.find(entry.name);
  if (found != by_name_.end())
    tensors_[found->second] = std::move(entry);
  else
    tensors_.push_back(std::move(entry));
  by_name_.clear();  // its keys are views of the names
  index_names();
}

void WeightFile::remove(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  tensors_.erase(tensors_.begin() + static_cast<std::ptrdiff_t>(found->second));
  by_name_.clear();
  index_names();
}

const TensorEntry& WeightFile::get(std::string_view name) const {
  if (const TensorEntry* entry = find(name)) return *entry;
  std::vector<std::string> names;
  for (const TensorEntry& t : tensors_) names.push_back(t.name);
  const std::string near = nearest(name, names);
  const std::string where = files_.empty() ? "" : files_.front()->path() + ": ";
  throw Error(ErrorCode::input, where + "has no tensor '" + std::string(name) + "'")
      .hint(near.empty() ? "it holds " + std::to_string(names.size()) + " tensors" +
                               (names.empty() ? "" : ", the first is '" + names.front() + "'")
                         : "the nearest name is '" + near + "'");
}

}  // namespace axl::weights
