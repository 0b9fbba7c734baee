#pragma once
#include <mpi.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace axl::parallel {

/// MPI for the lifetime of this object; the first object of run(), so the last to go.
class MpiSession {
 public:
  MpiSession(int* argc, char*** argv);  ///< MPI_THREAD_FUNNELED; Error{comm} when less is had
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

/// A handle of a collective that is under way.
class Request {
 public:
  Request() = default;
  explicit Request(MPI_Request r) : request_(r) {}
  void wait();
  /// Lets MPI make progress; true when complete.
  bool test();

 private:
  MPI_Request request_ = MPI_REQUEST_NULL;
};

/// All collectives of the program go through here, on host memory, in the order of the plan. A
/// default-constructed Comm is one rank without MPI, for commands and tests that need none.
class Comm {
 public:
  Comm() = default;
  /// Duplicates MPI_COMM_WORLD. Collective.
  static Comm world();
  /// The ranks that share this rank's memory. Collective.
  Comm node() const;
  int rank() const { return rank_; }
  int size() const { return size_; }
  MPI_Comm handle() const { return handle_; }  ///< MPI_COMM_NULL for a single rank without MPI

  void barrier() const;
  void broadcast(void* data, std::int64_t bytes, int root) const;
  std::string broadcast(std::string text, int root) const;
  void sum(double* data, std::int64_t n) const;  ///< in place, on every rank
  void sum(std::int64_t* data, std::int64_t n) const;
  std::int64_t max(std::int64_t value) const;
  double max(double value) const;
  std::vector<std::int64_t> gather(std::int64_t value) const;  ///< on every rank
  /// Sum of floats in place, without waiting. `data` may not be touched until the request is done.
  Request start_sum(float* data, std::int64_t n) const;
  /// Frees the communicator. Collective; an unclosed one is left to MPI_Finalize.
  void close();
  /// Ends the job on every rank at once; flushes, prints nothing.
  [[noreturn]] void abort(int exit_code) const;

 private:
  MPI_Comm handle_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
};

/// Set-up phase only: every rank runs `body`, all agree on the outcome, and when one failed all
/// throw the first failing rank's error, naming the rank. Never used while a step's collectives are
/// under way.
void collectively(const Comm& comm, const std::function<void()>& body);

/// One block of memory that all ranks of a node see; `writer()` fills it, then fence().
class NodeShared {
 public:
  explicit NodeShared(const Comm& node) : node_(node) {}
  ~NodeShared();
  NodeShared(const NodeShared&) = delete;
  NodeShared& operator=(const NodeShared&) = delete;
  /// Collective over the node. 64-byte aligned.
  void* allocate(std::int64_t bytes);
  bool writer() const { return node_.rank() == 0; }
  void fence() const { node_.barrier(); }

 private:
  Comm node_;
  struct Mapping {
    void* data;
    std::int64_t bytes;
  };
  std::vector<Mapping> mappings_;
};

}  // namespace axl::parallel
