#include "checkpoint/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "checkpoint/hdf5_handle.hpp"
#include "core/durable_file.hpp"
#include "core/error.hpp"

namespace axl::checkpoint {
namespace {

constexpr const char* kJsonName = "/json";
constexpr const char* kTensorGroup = "/tensors/";
constexpr hsize_t kMaxJsonBytes = hsize_t{64} << 20;
/// Of the file: 2 holds a dataset for each (state, parameter). 1, which had no such attribute, held
/// every state as one flat array.
constexpr std::int64_t kFormat = 2;
constexpr const char* kFormatName = "format";
constexpr const char* kWriterName = "written_by";

/// The message of the frame where HDF5 met the problem.
herr_t keep_innermost(unsigned depth, const H5E_error2_t* frame, void* text) {
  if (depth == 0 && frame->desc != nullptr) *static_cast<std::string*>(text) = frame->desc;
  return 0;
}

[[noreturn]] void fail(ErrorCode code, const std::string& path, const std::string& what) {
  const std::string reason = hdf5_reason();
  throw Error(code, path + ": " + what + (reason.empty() ? "" : ": " + reason));
}

std::string dataset_name(const std::string& tensor) { return kTensorGroup + tensor; }

/// HDF5 has no dimension of length 1 for free scalars: a tensor without dimensions is stored as
/// (1).
std::vector<hsize_t> dimensions_of(const StateTensor& t) {
  std::vector<hsize_t> out;
  for (const std::int64_t d : t.shape) out.push_back(static_cast<hsize_t>(d));
  if (out.empty()) out.push_back(1);
  return out;
}

/// How a tensor's elements lie in the file and in memory.
hid_t file_type(const StateTensor& t) {
  AXL_CHECK(t.dtype == DType::f32 || t.dtype == DType::u8,
            t.name + ": states are f32 or u8, not " + std::string(name_of(t.dtype)));
  return t.dtype == DType::u8 ? H5T_STD_U8LE : H5T_IEEE_F32LE;
}
hid_t memory_type(const StateTensor& t) {
  return t.dtype == DType::u8 ? H5T_NATIVE_UINT8 : H5T_NATIVE_FLOAT;
}

hid_t access_list(const parallel::Comm* comm) {
  const hid_t list = H5Pcreate(H5P_FILE_ACCESS);
  // Locks are refused by many cluster file systems; who writes is settled by the .tmp folder.
  H5Pset_file_locking(list, false, true);
  if (comm != nullptr && comm->handle() != MPI_COMM_NULL)
    H5Pset_fapl_mpio(list, comm->handle(), MPI_INFO_NULL);
  return list;
}

void create_dataset(hid_t file, const std::string& path, const StateTensor& t) {
  const std::vector<hsize_t> dimensions = dimensions_of(t);
  const Handle space(
      H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), nullptr), &H5Sclose);
  const Handle links(H5Pcreate(H5P_LINK_CREATE), &H5Pclose);
  const Handle create(H5Pcreate(H5P_DATASET_CREATE), &H5Pclose);
  H5Pset_create_intermediate_group(links, 1);
  H5Pset_layout(create, H5D_CONTIGUOUS);
  H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
  const Handle dataset(H5Dcreate2(file, dataset_name(t.name).c_str(), file_type(t), space, links,
                                  create, H5P_DEFAULT),
                       &H5Dclose);
  if (!dataset.valid()) fail(ErrorCode::io, path, "cannot create the dataset of '" + t.name + "'");
}

void write_json(hid_t file, const std::string& path, const std::string& json) {
  const hsize_t length = json.size();
  const Handle space(H5Screate_simple(1, &length, nullptr), &H5Sclose);
  const Handle dataset(
      H5Dcreate2(file, kJsonName, H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      &H5Dclose);
  if (!dataset.valid() || (length > 0 && H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL,
                                                  H5P_DEFAULT, json.data()) < 0))
    fail(ErrorCode::io, path, "cannot write the trainer's state");
}

void write_format(hid_t file, const std::string& path) {
  const Handle scalar(H5Screate(H5S_SCALAR), &H5Sclose);
  const Handle format(
      H5Acreate2(file, kFormatName, H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT), &H5Aclose);
  const Handle text(H5Tcopy(H5T_C_S1), &H5Tclose);
  const std::string writer = "axolotl-hpc " AXL_VERSION;
  H5Tset_size(text, writer.size());
  const Handle written_by(H5Acreate2(file, kWriterName, text, scalar, H5P_DEFAULT, H5P_DEFAULT),
                          &H5Aclose);
  if (!format.valid() || !written_by.valid() || H5Awrite(format, H5T_NATIVE_INT64, &kFormat) < 0 ||
      H5Awrite(written_by, text, writer.data()) < 0)
    fail(ErrorCode::io, path, "cannot write its format");
}

void reserve_disk(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status {};
  int problem = descriptor < 0 || ::fstat(descriptor, &status) != 0 ? errno : 0;
  if (problem == 0 && status.st_size > 0)
    problem = ::posix_fallocate(descriptor, 0, status.st_size);
  if (descriptor >= 0) ::close(descriptor);
  if (problem != 0)
    throw Error(ErrorCode::io, "cannot reserve " + std::to_string(status.st_size) + " bytes for " +
                                   path + ": " + std::strerror(problem));
}

/// Room for what HDF5 writes itself: names, dimensions, the JSON. A file that HDF5 cannot flush it
/// cannot close either, and the process dies when the library ends (HDF5 1.10): a full disk has to
/// show before.
void try_space(const std::string& path, const TrainState& state) {
  constexpr std::size_t kFile = std::size_t{64} << 10, kDataset = 2048;
  const std::size_t bytes = kFile + state.json.size() + kDataset * state.tensors.size();
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  const int problem =
      descriptor < 0 ? errno : ::posix_fallocate(descriptor, 0, static_cast<off_t>(bytes));
  if (descriptor >= 0) ::close(descriptor);
  if (problem != 0)
    throw Error(ErrorCode::io, "cannot reserve " + std::to_string(bytes) + " bytes for " + path +
                                   ": " + std::strerror(problem));
}

/// Empty when fine. Independent transfers: a rank that cannot write must not stop the others.
std::string write_share(hid_t file, const StateTensor& t, int rank, int size) {
  const Handle dataset(H5Dopen2(file, dataset_name(t.name).c_str(), H5P_DEFAULT), &H5Dclose);
  if (!dataset.valid()) return "cannot open the dataset of '" + t.name + "': " + hdf5_reason();
  std::vector<hsize_t> count = dimensions_of(t);
  const auto rows = static_cast<std::int64_t>(count.front());
  const Share share = share_of(rows, rank, size);
  if (share.first == share.last || t.elements() == 0) return {};
  std::vector<hsize_t> start(count.size(), 0);
  start.front() = static_cast<hsize_t>(share.first);
  count.front() = static_cast<hsize_t>(share.last - share.first);
  const Handle space(H5Dget_space(dataset), &H5Sclose);
  const Handle memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                      &H5Sclose);
  const auto* data = static_cast<const std::byte*>(t.data) +
                     share.first * (t.elements() / rows) * size_of(t.dtype);
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr) <
          0 ||
      H5Dwrite(dataset, memory_type(t), memory, space, H5P_DEFAULT, data) < 0)
    return "cannot write '" + t.name + "': " + hdf5_reason();
  return {};
}

herr_t collect_name(hid_t, const char* name, const H5O_info_t* info, void* names) {
  if (info->type == H5O_TYPE_DATASET) static_cast<std::set<std::string>*>(names)->insert(name);
  return 0;
}

class StateReader {
 public:
  explicit StateReader(const std::string& path) : path_(path), file_(open(path), &H5Fclose) {
    if (!file_.valid()) fail(ErrorCode::checkpoint, path, "cannot be opened");
    check_format();
  }

  /// Both sides must name the same tensors of the same shapes, before anything is read.
  void check(const TrainState& state) const {
    std::set<std::string> stored;
    const Handle group(H5Gopen2(file_, "/tensors", H5P_DEFAULT), &H5Gclose);
    if (group.valid() && H5Ovisit(group, H5_INDEX_NAME, H5_ITER_NATIVE, &collect_name, &stored) < 0)
      fail(ErrorCode::checkpoint, path_, "cannot list its tensors");
    for (const StateTensor& t : state.tensors) {
      if (stored.erase(t.name) == 0)
        throw Error(ErrorCode::checkpoint, path_ + ": holds no tensor '" + t.name + "'")
            .hint("the checkpoint is of a run with other trained parameters or another optimizer");
      check_tensor(t);
    }
    if (!stored.empty())
      throw Error(ErrorCode::checkpoint,
                  path_ + ": holds a tensor '" + *stored.begin() + "' that this run does not have")
          .hint("the checkpoint is of a run with other trained parameters or another optimizer");
  }

  void read(const StateTensor& t) const {
    const Handle dataset(H5Dopen2(file_, dataset_name(t.name).c_str(), H5P_DEFAULT), &H5Dclose);
    if (t.elements() == 0) return;
    if (!dataset.valid() ||
        H5Dread(dataset, memory_type(t), H5S_ALL, H5S_ALL, H5P_DEFAULT, t.data) < 0)
      fail(ErrorCode::checkpoint, path_, "cannot read '" + t.name + "'");
  }

  std::string json() const {
    const Handle dataset(H5Dopen2(file_, kJsonName, H5P_DEFAULT), &H5Dclose);
    if (!dataset.valid()) fail(ErrorCode::checkpoint, path_, "holds no trainer's state");
    const Handle space(H5Dget_space(dataset), &H5Sclose);
    hsize_t length = 0;
    if (H5Sget_simple_extent_ndims(space) != 1 ||
        H5Sget_simple_extent_dims(space, &length, nullptr) < 0 || length > kMaxJsonBytes)
      fail(ErrorCode::checkpoint, path_, "the trainer's state has an impossible size");
    std::string out(length, '\0');
    if (length > 0 &&
        H5Dread(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()) < 0)
      fail(ErrorCode::checkpoint, path_, "cannot read the trainer's state");
    return out;
  }

 private:
  static hid_t open(const std::string& path) {
    quiet_hdf5();
    const Handle access(access_list(nullptr), &H5Pclose);
    return H5Fopen(path.c_str(), H5F_ACC_RDONLY, access);
  }

  void check_format() const {
    std::int64_t found = 1;
    std::string writer = "axolotl-hpc 0.1.0 of before states had names";
    if (H5Aexists(file_, kFormatName) > 0) {
      const Handle format(H5Aopen(file_, kFormatName, H5P_DEFAULT), &H5Aclose);
      if (H5Aread(format, H5T_NATIVE_INT64, &found) < 0)
        fail(ErrorCode::checkpoint, path_, "cannot read its format");
      writer = written_by();
    }
    if (found == kFormat) return;
    throw Error(ErrorCode::checkpoint,
                path_ + ": written by " + writer + " in format " + std::to_string(found) +
                    "; axolotl-hpc " AXL_VERSION " reads format " + std::to_string(kFormat))
        .hint(
            "go on with the version that wrote it, or start anew from its weights: lora_model_dir "
            "or base_model: the checkpoint's folder");
  }

  std::string written_by() const {
    const Handle attribute(H5Aopen(file_, kWriterName, H5P_DEFAULT), &H5Aclose);
    const Handle type(attribute.valid() ? H5Aget_type(attribute) : -1, &H5Tclose);
    const std::size_t size = type.valid() ? H5Tget_size(type) : 0;
    if (size == 0 || size > 256 || H5Tis_variable_str(type) != 0) return "another version";
    std::string out(size, '\0');
    return H5Aread(attribute, type, out.data()) < 0 ? "another version" : out;
  }

  void check_tensor(const StateTensor& t) const {
    const Handle dataset(H5Dopen2(file_, dataset_name(t.name).c_str(), H5P_DEFAULT), &H5Dclose);
    const Handle space(dataset.valid() ? H5Dget_space(dataset) : -1, &H5Sclose);
    const std::vector<hsize_t> expected = dimensions_of(t);
    std::vector<hsize_t> found;
    const int rank = space.valid() ? H5Sget_simple_extent_ndims(space) : -1;
    if (rank > 0 && rank <= H5S_MAX_RANK) {
      found.resize(static_cast<std::size_t>(rank));
      H5Sget_simple_extent_dims(space, found.data(), nullptr);
    }
    const Handle type(dataset.valid() ? H5Dget_type(dataset) : -1, &H5Tclose);
    if (found == expected && type.valid() && H5Tequal(type, file_type(t)) <= 0)
      throw Error(ErrorCode::checkpoint, path_ + ": tensor '" + t.name + "' is not of type " +
                                             std::string(name_of(t.dtype)))
          .hint("the optimizer must be as when it was written");
    if (found == expected) return;
    const auto text = [](const std::vector<hsize_t>& d) {
      std::string out;
      for (const hsize_t n : d) out += (out.empty() ? "" : ", ") + std::to_string(n);
      return "(" + out + ")";
    };
    throw Error(ErrorCode::checkpoint, path_ + ": tensor '" + t.name + "' has shape " +
                                           text(found) + ", this run has " + text(expected))
        .hint("adapter, lora_r, lora_target_modules and base_model must be as when it was written");
  }

  std::string path_;
  Handle file_;
};

}  // namespace

void quiet_hdf5() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5Eclear2(H5E_DEFAULT);
}

std::string hdf5_reason() {
  std::string out;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, &keep_innermost, &out);
  H5Eclear2(H5E_DEFAULT);
  return out;
}

Share share_of(std::int64_t rows, int rank, int size) {
  return {rows * rank / size, rows * (rank + 1) / size};
}

void create_state_file(const std::string& path, const TrainState& state) {
  try_space(path, state);
  quiet_hdf5();
  {
    const Handle access(access_list(nullptr), &H5Pclose);
    Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), &H5Fclose);
    if (!file.valid()) fail(ErrorCode::io, path, "cannot be created");
    write_format(file, path);
    write_json(file, path, state.json);
    for (const StateTensor& t : state.tensors) create_dataset(file, path, t);
    if (file.close() < 0) fail(ErrorCode::io, path, "cannot be written");
  }
  reserve_disk(path);
}

std::string write_shares_collective(const parallel::Comm& comm, const std::string& path,
                                    const TrainState& state) {
  quiet_hdf5();
  const Handle access(access_list(&comm), &H5Pclose);
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, access), &H5Fclose);
  if (!file.valid()) return path + ": cannot be opened: " + hdf5_reason();
  std::string problem;
  for (const StateTensor& t : state.tensors)
    if (problem.empty()) problem = write_share(file, t, comm.rank(), comm.size());
  if (file.close() < 0 && problem.empty()) problem = "cannot be closed: " + hdf5_reason();
  return problem.empty() ? problem : path + ": " + problem;
}

void read_state_collective(const parallel::Comm& comm, const std::string& path, TrainState& state,
                           const std::function<void(const std::string& json)>& judge) {
  parallel::collectively(comm, [&] {
    const StateReader reader(path);
    state.json = reader.json();
    if (judge) judge(state.json);
    reader.check(state);
    for (const StateTensor& t : state.tensors) reader.read(t);
  });
}

}  // namespace axl::checkpoint
