#include "data/workers.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace axl::data {

std::int64_t available_threads() {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::thread::hardware_concurrency()));
}

void run_parts(std::size_t count, std::int64_t threads,
               const std::function<PartWorker()>& make_worker, const std::function<void()>& watch) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable all_done;
  std::exception_ptr failure;
  std::size_t failed_part = count;

  const auto work = [&] {
    std::size_t part = 0;
    try {
      const PartWorker worker = make_worker();
      while (!stop && (part = next++) < count) worker(part);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure || part < failed_part) {
        failed_part = part;
        failure = std::current_exception();
      }
      stop = true;
    }
  };

  const std::size_t wanted =
      std::clamp<std::size_t>(static_cast<std::size_t>(std::max<std::int64_t>(threads, 1)), 1,
                              std::max<std::size_t>(1, count));
  if (wanted == 1 && !watch) {
    work();
  } else {
    std::size_t ended = 0;
    std::vector<std::jthread> pool;  // whatever is thrown here: joined before what they use goes
    const auto add_thread = [&] {
      pool.emplace_back([&] {
        work();
        const std::lock_guard lock(mutex);
        ++ended;
        all_done.notify_one();
      });
    };
    try {
      add_thread();
      try {
        while (pool.size() < wanted) add_thread();
      } catch (const std::system_error&) {
        // The system gives no more threads: those that are there do all parts.
      }
      std::unique_lock lock(mutex);
      while (!all_done.wait_for(lock, std::chrono::milliseconds(100),
                                [&] { return ended == pool.size(); }))
        if (watch) {
          lock.unlock();
          watch();
          lock.lock();
        }
    } catch (...) {
      stop = true;
      throw;
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace axl::data
