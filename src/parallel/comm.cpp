#include "parallel/comm.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace axl::parallel {
namespace {

void check(int status, const char* what) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(ErrorCode::comm,
              std::string(what) + ": " + std::string(text, static_cast<std::size_t>(length)));
}

/// MPI counts are int: longer buffers go in pieces.
constexpr std::int64_t kPiece = 1 << 30;
template <class F>
void in_pieces(std::int64_t n, F f) {
  for (std::int64_t first = 0; first < n; first += kPiece)
    f(first, static_cast<int>(std::min(kPiece, n - first)));
}

}  // namespace

MpiSession::MpiSession(int* argc, char*** argv) {
  int provided = MPI_THREAD_SINGLE;
  check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED)
    throw Error(ErrorCode::comm, "this MPI library does not support MPI_THREAD_FUNNELED");
}

MpiSession::~MpiSession() {
  int done = 0;
  MPI_Finalized(&done);
  if (done == 0) MPI_Finalize();
}

void Request::wait() { check(MPI_Wait(&request_, MPI_STATUS_IGNORE), "MPI_Wait"); }

bool Request::test() {
  int done = 0;
  check(MPI_Test(&request_, &done, MPI_STATUS_IGNORE), "MPI_Test");
  return done != 0;
}

Comm Comm::world() {
  Comm c;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &c.handle_), "MPI_Comm_dup");
  MPI_Comm_set_errhandler(c.handle_, MPI_ERRORS_RETURN);
  MPI_Comm_rank(c.handle_, &c.rank_);
  MPI_Comm_size(c.handle_, &c.size_);
  return c;
}

Comm Comm::node() const {
  if (handle_ == MPI_COMM_NULL) return {};
  Comm c;
  check(MPI_Comm_split_type(handle_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &c.handle_),
        "MPI_Comm_split_type");
  MPI_Comm_rank(c.handle_, &c.rank_);
  MPI_Comm_size(c.handle_, &c.size_);
  return c;
}

void Comm::barrier() const {
  if (size_ > 1) check(MPI_Barrier(handle_), "MPI_Barrier");
}

void Comm::broadcast(void* data, std::int64_t bytes, int root) const {
  if (size_ == 1) return;
  in_pieces(bytes, [&](std::int64_t first, int n) {
    check(MPI_Bcast(static_cast<std::byte*>(data) + first, n, MPI_BYTE, root, handle_),
          "MPI_Bcast");
  });
}

std::string Comm::broadcast(std::string text, int root) const {
  auto n = static_cast<std::int64_t>(text.size());
  broadcast(&n, sizeof n, root);
  text.resize(static_cast<std::size_t>(n));
  broadcast(text.data(), n, root);
  return text;
}

void Comm::sum(double* data, std::int64_t n) const {
  if (size_ > 1)
    check(MPI_Allreduce(MPI_IN_PLACE, data, static_cast<int>(n), MPI_DOUBLE, MPI_SUM, handle_),
          "MPI_Allreduce");
}

void Comm::sum(std::int64_t* data, std::int64_t n) const {
  if (size_ > 1)
    check(MPI_Allreduce(MPI_IN_PLACE, data, static_cast<int>(n), MPI_INT64_T, MPI_SUM, handle_),
          "MPI_Allreduce");
}

std::int64_t Comm::max(std::int64_t value) const {
  if (size_ > 1)
    check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MAX, handle_), "MPI_Allreduce");
  return value;
}

double Comm::max(double value) const {
  if (size_ > 1)
    check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, handle_), "MPI_Allreduce");
  return value;
}

std::vector<std::int64_t> Comm::gather(std::int64_t value) const {
  std::vector<std::int64_t> all(static_cast<std::size_t>(size_), value);
  if (size_ > 1)
    check(MPI_Allgather(&value, 1, MPI_INT64_T, all.data(), 1, MPI_INT64_T, handle_),
          "MPI_Allgather");
  return all;
}

Request Comm::start_sum(float* data, std::int64_t n) const {
  if (size_ == 1 || n == 0) return {};
  AXL_CHECK(n <= std::numeric_limits<int>::max(), "start_sum: bucket of more than 2^31 elements");
  MPI_Request r = MPI_REQUEST_NULL;
  check(MPI_Iallreduce(MPI_IN_PLACE, data, static_cast<int>(n), MPI_FLOAT, MPI_SUM, handle_, &r),
        "MPI_Iallreduce");
  return Request(r);
}

void Comm::close() {
  if (handle_ != MPI_COMM_NULL) MPI_Comm_free(&handle_);
}

void Comm::abort(int exit_code) const {
  std::fflush(nullptr);
  if (handle_ != MPI_COMM_NULL && size_ > 1) MPI_Abort(handle_, exit_code);
  std::_Exit(exit_code);
}

}  // namespace axl::parallel
