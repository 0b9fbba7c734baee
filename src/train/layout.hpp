#pragma once
#include <string>

#include "parallel/comm.hpp"

namespace axl::train {

/// Which processors this rank computes on.
struct ThreadLayout {
  int threads = 1;
  std::string description;  ///< "2 ranks x 1 thread on node7; bound by the launcher"
};

/// Chooses threads per rank from OMP_NUM_THREADS, else from the affinity masks of the node's ranks:
/// disjoint masks (the launcher bound us) are used whole, a shared mask is cut into equal slices
/// and this process is bound to its own. Collective over the node; before the first OpenMP region.
ThreadLayout choose_threads(const parallel::Comm& world, const parallel::Comm& node);

}  // namespace axl::train
