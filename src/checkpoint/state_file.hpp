#pragma once
#include <functional>
#include <string>

#include "checkpoint/train_state.hpp"
#include "parallel/comm.hpp"

namespace axl::checkpoint {

/// trainer_state.h5: the dataset /tensors/STATE/PARAMETER for every state of every parameter, of
/// its global shape and type; the dataset /json; the attributes `format` and `written_by`. HDF5's
/// own error printing is off; its innermost message is part of ours.

/// One rank lays the file out: datasets of their final shapes, the JSON text, and every byte of
/// disk reserved, so that a full disk shows here and not inside a collective write.
void create_state_file(const std::string& path, const TrainState& state);

/// Every rank writes its contiguous share of the rows of each tensor. A rank that fails still takes
/// part in every collective call; what went wrong on this rank is returned ("" = nothing).
std::string write_shares_collective(const parallel::Comm& comm, const std::string& path,
                                    const TrainState& state);

/// Rows [first, last) of `rows` that `rank` of `size` writes.
struct Share {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
Share share_of(std::int64_t rows, int rank, int size);

/// Fills the tensors of `state` and its JSON on every rank, whatever number of ranks wrote the
/// file: each rank reads what it holds from the file. Error{checkpoint}, on every rank alike, when
/// names, shapes or types differ or when another version wrote the file. `judge` is called with the
/// JSON before any tensor is looked at, and may refuse by throwing.
void read_state_collective(const parallel::Comm& comm, const std::string& path, TrainState& state,
                           const std::function<void(const std::string& json)>& judge = {});

}  // namespace axl::checkpoint
