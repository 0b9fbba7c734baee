#include "checkpoint/merge.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "adapter/completeness.hpp"
#include "adapter/fit_base.hpp"
#include "adapter/vera.hpp"
#include "checkpoint/model_folder.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "family/family.hpp"
#include "weights/convert.hpp"
#include "weights/finite.hpp"
#include "weights/model_config.hpp"
#include "weights/tying.hpp"

namespace axl::checkpoint {
namespace {

using adapter::AdapterFiles;
using adapter::AdapterRole;
using adapter::AdapterTensor;
using weights::Storage;
using weights::TensorEntry;
using weights::TensorToWrite;
using weights::WeightFile;

constexpr std::int64_t kPieceElements = std::int64_t{1} << 18;

std::vector<float> floats(const TensorEntry& t) {
  std::vector<float> out(static_cast<std::size_t>(t.elements()));
  weights::to_finite_float(t, 0, t.elements(), out.data());
  return out;
}

std::vector<float> transposed(const std::vector<float>& in, std::int64_t rows) {
  const auto r = static_cast<std::size_t>(rows);
  const std::size_t c = in.size() / r;
  std::vector<float> out(in.size());
  for (std::size_t i = 0; i < r; ++i)
    for (std::size_t j = 0; j < c; ++j) out[j * r + i] = in[i * c + j];
  return out;
}

/// scaling * left (rows, rank) * right (rank, columns), added to a weight of (rows, columns); with
/// DoRA the weights of every output (a row, or a column of a weight that lies as (in, out)) are
/// then given the length that the magnitude says.
struct Update {
  std::vector<float> left, right, magnitude;
  std::vector<float> row_scales, column_scales;  ///< IA3's, of the sum
  std::vector<double> column_squares;            ///< of the sum, where outputs are columns
  std::int64_t rank = 0;
  float scaling = 0.0f;

  /// The magnitudes of columns ask for the whole matrix once before any of it is written.
  void measure_columns(std::int64_t rows, std::int64_t columns, const float* w) {
    column_squares.resize(static_cast<std::size_t>(columns), 0.0);
    for (std::int64_t i = 0; i < rows * columns; ++i)
      column_squares[static_cast<std::size_t>(i % columns)] +=
          static_cast<double>(w[i]) * static_cast<double>(w[i]);
  }
  void scale_columns(std::int64_t rows, std::int64_t columns, float* w) const {
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      const auto c = static_cast<std::size_t>(i % columns);
      w[i] *= static_cast<float>(static_cast<double>(magnitude[c]) / std::sqrt(column_squares[c]));
    }
  }

  /// IA3: rows first_row... of the weight.
  void scale(std::int64_t first_row, std::int64_t rows, std::int64_t columns, float* w) const {
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      if (!row_scales.empty())
        w[i] *= row_scales[static_cast<std::size_t>(first_row + i / columns)];
      if (!column_scales.empty()) w[i] *= column_scales[static_cast<std::size_t>(i % columns)];
    }
  }

  void add_to(std::int64_t first_row, std::int64_t rows, std::int64_t columns, float* w,
              bool outputs_are_rows = true) const {
    std::vector<float> delta(static_cast<std::size_t>(columns));
    for (std::int64_t i = 0; i < rows; ++i) {
      std::fill(delta.begin(), delta.end(), 0.0f);
      const float* row_of_left = left.data() + (first_row + i) * rank;
      for (std::int64_t k = 0; k < rank; ++k) {
        const float factor = row_of_left[k];
        const float* row_of_right = right.data() + k * columns;
        for (std::int64_t j = 0; j < columns; ++j)
          delta[static_cast<std::size_t>(j)] += factor * row_of_right[j];
      }
      float* row = w + i * columns;
      double square = 0;
      for (std::int64_t j = 0; j < columns; ++j) {
        row[j] += scaling * delta[static_cast<std::size_t>(j)];
        square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
      }
      if (magnitude.empty() || !outputs_are_rows) continue;
      const double wanted = magnitude[static_cast<std::size_t>(first_row + i)];
      const auto factor = static_cast<float>(wanted / std::sqrt(square));
      for (std::int64_t j = 0; j < columns; ++j) row[j] *= factor;
    }
  }
};

/// Everything that decides one tensor of the merged model.
struct Plan {
  std::string name;
  const TensorEntry* values = nullptr;  ///< of the base, or of the adapter where it holds it whole
  Storage target = Storage::f32;
  const TensorEntry* a = nullptr;
  const TensorEntry* b = nullptr;
  const TensorEntry* magnitude = nullptr;
  const TensorEntry* token_rows = nullptr;
  const TensorEntry* scales = nullptr;    ///< IA3's
  bool scales_input = false;              ///< of a feed-forward module
  const TensorEntry* lambda_b = nullptr;  ///< VeRA's
  const TensorEntry* lambda_d = nullptr;
  bool embedding = false;
  bool conv1d = false;    ///< the weight lies as (in, out)
  bool four_bit = false;  ///< the values go through 4 bits first
  float scaling = 0.0f;
  bool changed() const { return adapted() || four_bit; }
  bool adapted() const { return has_product() || token_rows != nullptr || scales != nullptr; }
  bool has_product() const { return a != nullptr || lambda_b != nullptr; }
};

class Merge {
 public:
  Merge(const std::string& base, const std::string& adapter, const MergeOptions& options)
      : base_path_(base),
        options_(options),
        config_(weights::read_model_config(base)),
        base_(WeightFile::open(base)),
        adapter_(AdapterFiles::open(adapter)) {
    check_tensors(base_path_, base_);
    tables_ = family::family_of(config_).tables();
    weights::settle_tying(config_, base_, tables_[0], tables_[1]);
    adapter::fit_base(config_, base_, adapter_, tables_);
    for (const std::string& note :
         adapter::check_complete(adapter_, adapter::base_names(config_, base_, tables_[1])))
      log::warning("{}", note);
    find_linears();
    read_projection();
    for (const TensorEntry& t : base_.tensors()) add(t.name, t);
    untie_if_touched();
    for (const AdapterTensor& t : adapter_.tensors())
      if (!used_.contains(t.entry) && !is_tied_head(t))
        refuse(t.entry->name, "has no counterpart in the base model " + base_path_);
  }

  MergeSummary write(const std::string& target) {
    refuse_overwriting(target, base_path_, "the base model", true);
    refuse_overwriting(target, adapter_.folder(), "the adapter", true);
    ModelFolder folder(target, options_.overwrite);
    write_companions(base_path_, config_, main_storage(), folder.path());
    // It may know more tokens than the base's.
    adopt_tokenizer(adapter_.folder(), config_, folder.path());
    MergeSummary summary;
    for (const Plan& p : plans_) {
      ++summary.tensors;
      summary.merged += p.adapted() ? 1 : 0;
      summary.four_bit += p.four_bit ? 1 : 0;
      summary.replaced += !p.changed() && used_.contains(p.values) ? 1 : 0;
      summary.bytes += weights::bytes_of(p.target, p.values->elements());
    }
    std::int64_t done = 0;
    std::vector<TensorToWrite> tensors;
    for (const Plan& p : plans_)
      tensors.push_back({p.name, p.target, p.values->shape, [&, plan = &p](const auto& sink) {
                           write_tensor(*plan, [&](std::span<const std::byte> bytes) {
                             sink(bytes);
                             done += static_cast<std::int64_t>(bytes.size());
                             if (options_.progress) options_.progress("merge", done, summary.bytes);
                           });
                         }});
    for (TensorToWrite& t : weights::carried(base_)) tensors.push_back(std::move(t));
    weights::write_model_safetensors(folder.path(), tensors, options_.max_shard_bytes);
    folder.commit();
    return summary;
  }

 private:
  [[noreturn]] void refuse(const std::string& tensor, const std::string& what) const {
    throw Error(ErrorCode::input,
                adapter_.folder() + ": the adapter's tensor '" + tensor + "' " + what)
        .hint("is this the base model that the adapter was trained on?");
  }

  /// The matrices that are brought into 4 bits: those of the layers.
  void find_linears() {
    if (!options_.four_bit) return;
    for (const std::string& module : adapter::base_names(config_, base_, tables_[1]).matrices) {
      const std::string name = module + ".weight";
      if (name != tables_[0] && name != tables_[1] &&
          module != family::family_of(config_).modules.positions)
        linears_.insert(name);
    }
  }

  /// `source` is the base's tensor that `name` starts from.
  void add(const std::string& name, const TensorEntry& source) {
    Plan p;
    p.name = name;
    p.values = &source;
    p.target = weights::is_integer(source.storage)
                   ? source.storage
                   : options_.dtype.value_or(weights::plain(source.storage));
    if (const TensorEntry* whole = adapter_.find(AdapterRole::parameter, name)) {
      if (whole->shape != source.shape) refuse(whole->name, "has another shape than the base's");
      used_.insert(whole);
      p.values = whole;
    }
    if (const TensorEntry* copy = adapter_.find(AdapterRole::base_copy, name)) {
      if (copy->shape != source.shape) refuse(copy->name, "has another shape than the base's");
      used_.insert(copy);
    }
    p.four_bit = linears_.contains(name) && p.values == &source && !quant::is_quantised(source);
    p.conv1d = p.four_bit && family::family_of(config_).conv1d;
    if (name.ends_with(".bias")) add_scales(name.substr(0, name.size() - 5), p);
    if (name.ends_with(".weight")) {
      add_scales(name.substr(0, name.size() - 7), p);
      add_vera(name.substr(0, name.size() - 7), p);
      add_update(name.substr(0, name.size() - 7), p);
      add_token_rows(name.substr(0, name.size() - 7), p);
    }
    plans_.push_back(std::move(p));
  }

  bool is_conv1d(const std::string& module) const {
    return family::family_of(config_).conv1d && module + ".weight" != tables_[1];
  }

  /// Where IA3 scales what comes out of a module, its bias is scaled with it.
  void add_scales(const std::string& module, Plan& p) {
    const TensorEntry* scales = adapter_.find(AdapterRole::ia3_l, module);
    if (scales == nullptr) return;
    const bool bias = p.values->shape.size() == 1;
    const bool feedforward = adapter_.config().is_feedforward(module);
    if (bias && feedforward) return;
    used_.insert(scales);
    p.scales = scales;
    p.scales_input = feedforward;
    p.conv1d = !bias && is_conv1d(module);
    if (scales->elements() != p.values->shape[feedforward != p.conv1d ? 1 : 0])
      refuse(scales->name, "does not fit the base's weight of " + module);
  }

  void add_vera(const std::string& module, Plan& p) {
    p.lambda_b = adapter_.find(AdapterRole::vera_b, module);
    p.lambda_d = adapter_.find(AdapterRole::vera_d, module);
    if (p.lambda_b == nullptr) return;
    used_.insert({p.lambda_b, p.lambda_d});
    p.conv1d = is_conv1d(module);
    const std::int64_t in = p.values->shape[p.conv1d ? 0 : 1], out = p.values->shape[p.conv1d];
    if (p.lambda_b->elements() != out || p.lambda_d->elements() != projection_.rank ||
        in > projection_.inputs || out > projection_.outputs)
      refuse(p.lambda_b->name, "does not fit the base's weight of " + module);
  }

  /// The file's, or the one that its key makes for the widest modules under it.
  void read_projection() {
    if (adapter_.config().peft_type != "VERA") return;
    if (const auto saved = adapter::saved_projection(adapter_)) {
      projection_ = *saved;
    } else {
      std::int64_t inputs = 0, outputs = 0;
      for (const AdapterTensor& t : adapter_.tensors()) {
        if (t.role != AdapterRole::vera_b) continue;
        const TensorEntry* weight = base_.find(t.name + ".weight");
        if (weight == nullptr || weight->shape.size() != 2) continue;  // refused later
        const bool turned = is_conv1d(t.name);
        inputs = std::max(inputs, weight->shape[turned ? 0 : 1]);
        outputs = std::max(outputs, weight->shape[turned ? 1 : 0]);
      }
      projection_ = adapter::VeraProjection::make(adapter_.config().r, inputs, outputs,
                                                  adapter_.config().projection_prng_key);
    }
    for (const AdapterTensor& t : adapter_.tensors())
      if (t.role == AdapterRole::vera_a_shared || t.role == AdapterRole::vera_b_shared)
        used_.insert(t.entry);
  }

  /// B with its rows and columns scaled, and A, as far as the weight reaches.
  void put_vera(const Plan& p, Update& update) const {
    const std::vector<float> b = floats(*p.lambda_b), d = floats(*p.lambda_d);
    const std::int64_t r = projection_.rank;
    const std::int64_t in = p.values->shape[p.conv1d ? 0 : 1];
    const auto out = static_cast<std::int64_t>(b.size());
    update.rank = r;
    update.scaling = 1.0f;
    std::vector<float> outputs(static_cast<std::size_t>(out * r));
    for (std::int64_t i = 0; i < out * r; ++i)
      outputs[static_cast<std::size_t>(i)] = b[static_cast<std::size_t>(i / r)] *
                                             projection_.b[static_cast<std::size_t>(i)] *
                                             d[static_cast<std::size_t>(i % r)];
    std::vector<float> inputs;
    for (std::int64_t k = 0; k < r; ++k) {
      const auto row = projection_.a.begin() + k * projection_.inputs;
      inputs.insert(inputs.end(), row, row + in);
    }
    update.left = p.conv1d ? transposed(inputs, r) : std::move(outputs);
    update.right = p.conv1d ? transposed(outputs, out) : std::move(inputs);
  }

  void add_update(const std::string& module, Plan& p) {
    p.a = adapter_.find(AdapterRole::lora_a, module);
    p.b = adapter_.find(AdapterRole::lora_b, module);
    if (p.a == nullptr) {
      p.a = adapter_.find(AdapterRole::embedding_a, module);
      p.b = adapter_.find(AdapterRole::embedding_b, module);
      p.embedding = p.a != nullptr;
    }
    if (p.a == nullptr) return;
    used_.insert(p.a);
    used_.insert(p.b);
    p.conv1d = !p.embedding && is_conv1d(module);
    p.magnitude = adapter_.find(AdapterRole::magnitude, module);
    if (p.magnitude != nullptr) {
      used_.insert(p.magnitude);
      if (p.magnitude->elements() != p.values->shape[p.conv1d ? 1 : 0])
        refuse(p.magnitude->name, "does not fit the base's weight of " + module);
    }
    p.scaling = static_cast<float>(adapter_.config().scaling_of(module));
    const std::vector<std::int64_t> product = p.embedding || p.conv1d
                                                  ? std::vector{p.a->shape[1], p.b->shape[0]}
                                                  : std::vector{p.b->shape[0], p.a->shape[1]};
    if (product != p.values->shape)
      refuse(p.a->name, "does not fit the base's weight of " + module);
  }

  void add_token_rows(const std::string& module, Plan& p) {
    p.token_rows = adapter_.find(AdapterRole::token_rows, module);
    if (p.token_rows == nullptr) return;
    used_.insert(p.token_rows);
    const std::vector<std::int64_t>& ids = adapter_.config().trainable_tokens;
    const bool inside = std::all_of(ids.begin(), ids.end(),
                                    [&](std::int64_t id) { return id < p.values->shape[0]; });
    if (!inside || p.token_rows->shape[1] != p.values->shape[1])
      refuse(p.token_rows->name, "does not fit the base's weight of " + module);
  }

  /// The frozen head that PEFT saves beside an enlarged embedding is the embedding where they are
  /// tied (adapter::fit_base).
  bool is_tied_head(const AdapterTensor& t) const {
    return config_.tie_word_embeddings && t.role == AdapterRole::base_copy && t.name == tables_[1];
  }

  /// Whether the adapter changes one end of a tied pair apart from the other. Token rows are the
  /// same at both ends.
  bool touches(const std::string& module) const {
    return std::any_of(
        adapter_.tensors().begin(), adapter_.tensors().end(), [&](const AdapterTensor& t) {
          if (t.role == AdapterRole::token_rows || t.role == AdapterRole::base_copy) return false;
          return t.name == (t.role == AdapterRole::parameter ? module + ".weight" : module);
        });
  }

  /// A tied base has one matrix for both ends; the adapter changes one end or each differently.
  void untie_if_touched() {
    if (!config_.tie_word_embeddings) return;
    const auto module_of = [](const std::string& table) {
      return table.substr(0, table.size() - std::string_view(".weight").size());
    };
    if (!touches(module_of(tables_[0])) && !touches(module_of(tables_[1]))) return;
    if (base_.find(tables_[1]) == nullptr) add(tables_[1], base_.get(tables_[0]));
    auto raw = parse_json<nlohmann::ordered_json>(config_.raw);
    raw["tie_word_embeddings"] = false;
    config_.raw = json_text(raw);
  }

  Storage main_storage() const {
    const Plan* largest = nullptr;
    for (const Plan& p : plans_)
      if (!weights::is_integer(p.target) &&
          (largest == nullptr || p.values->elements() > largest->values->elements()))
        largest = &p;
    return largest == nullptr ? Storage::f32 : largest->target;
  }

  void write_tensor(const Plan& p,
                    const std::function<void(std::span<const std::byte>)>& sink) const {
    if (!p.changed()) {
      if (weights::is_integer(p.target)) return sink(p.values->bytes);
      return weights::converted(*p.values, p.target).write(sink);
    }
    Update update;
    if (p.a != nullptr) {
      update.rank = p.a->shape[0];
      update.scaling = p.scaling;
      const bool turned = p.embedding || p.conv1d;
      update.left = turned ? transposed(floats(*p.a), update.rank) : floats(*p.b);
      update.right = turned ? transposed(floats(*p.b), p.b->shape[0]) : floats(*p.a);
      if (p.magnitude != nullptr) update.magnitude = floats(*p.magnitude);
    }
    if (p.lambda_b != nullptr) put_vera(p, update);
    if (p.scales != nullptr)
      (p.scales_input != p.conv1d ? update.column_scales : update.row_scales) = floats(*p.scales);
    const std::int64_t rows = p.values->shape[0];
    const std::int64_t columns = p.values->shape.size() == 1 ? 1 : p.values->shape[1];
    const std::int64_t step = std::max<std::int64_t>(1, kPieceElements / columns);
    std::vector<float> values(static_cast<std::size_t>(step * columns));
    std::vector<std::byte> bytes;
    const std::vector<float> in_four_bits = p.four_bit ? through_four_bits(p) : values;
    const auto load = [&](std::int64_t row, std::int64_t n) {
      if (p.four_bit)
        std::copy_n(in_four_bits.begin() + row * columns, n * columns, values.begin());
      else
        weights::to_finite_float(*p.values, row * columns, n * columns, values.data());
    };
    const bool by_column = p.conv1d && !update.magnitude.empty();
    for (std::int64_t row = 0; by_column && row < rows; row += step) {
      const std::int64_t n = std::min(step, rows - row);
      load(row, n);
      update.add_to(row, n, columns, values.data(), false);
      update.measure_columns(n, columns, values.data());
    }
    for (std::int64_t row = 0; row < rows; row += step) {
      const std::int64_t n = std::min(step, rows - row);
      load(row, n);
      if (p.has_product()) update.add_to(row, n, columns, values.data(), !p.conv1d);
      update.scale(row, n, columns, values.data());
      if (by_column) update.scale_columns(n, columns, values.data());
      if (p.token_rows != nullptr) replace_rows(*p.token_rows, row, n, values.data());
      bytes.resize(static_cast<std::size_t>(weights::bytes_of(p.target, n * columns)));
      weights::encode_finite(p.name, row * columns, values.data(), n * columns, p.target,
                             bytes.data());
      sink(bytes);
    }
  }

  /// As the file has them, after 4 bits. bitsandbytes numbers the elements of a Conv1D's matrix as
  /// those of its transpose.
  std::vector<float> through_four_bits(const Plan& p) const {
    std::vector<float> values = floats(*p.values);
    if (p.conv1d) values = transposed(values, p.values->shape[0]);
    quant::through_four_bits(*options_.four_bit, values);
    return p.conv1d ? transposed(values, p.values->shape[1]) : values;
  }

  /// `values`: rows [first, first + count) of the embedding.
  void replace_rows(const TensorEntry& token_rows, std::int64_t first, std::int64_t count,
                    float* values) const {
    const std::vector<std::int64_t>& ids = adapter_.config().trainable_tokens;
    const std::int64_t columns = token_rows.shape[1];
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (ids[i] >= first && ids[i] < first + count)
        weights::to_finite_float(token_rows, static_cast<std::int64_t>(i) * columns, columns,
                                 values + (ids[i] - first) * columns);
  }

  std::string base_path_;
  const MergeOptions& options_;
  weights::ModelConfig config_;
  WeightFile base_;
  AdapterFiles adapter_;
  std::vector<std::string> tables_;  ///< parameters of the embedding and of the head
  std::vector<Plan> plans_;
  std::set<const TensorEntry*> used_;
  std::set<std::string> linears_;
  adapter::VeraProjection projection_;
};

}  // namespace

MergeSummary merge_adapter(const std::string& base, const std::string& adapter,
                           const std::string& target, const MergeOptions& options) {
  if (options.dtype && weights::block_of(*options.dtype) > 1)
    throw Error(ErrorCode::input, "a Hugging Face folder cannot hold quantised weights")
        .hint("take f32, f16 or bf16");
  return Merge(base, adapter, options).write(target);
}

}  // namespace axl::checkpoint
