#pragma once

namespace axl {

/// The rank that the launcher gave this process, known before MPI_Init; 0 without a launcher.
int launched_rank();
/// How many ranks the launcher starts; 1 without a launcher.
int launched_ranks();

}  // namespace axl
