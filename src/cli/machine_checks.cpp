#include "cli/machine_checks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "cli/build_info.hpp"
#include "config/config.hpp"

namespace axl::cli {

std::string cpu_list(const std::vector<int>& cpus) {
  std::string out;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t j = i;
    while (j + 1 < cpus.size() && cpus[j + 1] == cpus[j] + 1) ++j;
    out += fmt::format("{}{}", out.empty() ? "" : ",", cpus[i]);
    if (j > i) out += fmt::format("-{}", cpus[j]);
    i = j + 1;
  }
  return out;
}

namespace {

using Verdict = Check::Verdict;
namespace fs = std::filesystem;
constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  return line;
}

/// The value behind "NAME :" in /proc/cpuinfo or /proc/meminfo.
std::string proc_value(const char* file, std::string_view name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name)) {
      const std::size_t colon = line.find(':');
      if (colon != std::string::npos)
        return line.substr(std::min(line.size(), line.find_first_not_of(" \t", colon + 1)));
    }
  return "";
}

std::vector<int> allowed_cpus() {
  std::vector<int> out;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return out;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &mask)) out.push_back(cpu);
  return out;
}

Check processor() {
  const std::string flags = " " + proc_value("/proc/cpuinfo", "flags") + " ";
  std::string isa;
  for (const char* name : {"avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"})
    if (flags.find(fmt::format(" {} ", name)) != std::string::npos)
      isa += fmt::format("{}{}", isa.empty() ? "" : " ", name);
  Check c{"processor", fmt::format("{} ({})", proc_value("/proc/cpuinfo", "model name"), isa),
          Verdict::good, ""};
  if (flags.find(" avx2 ") == std::string::npos || flags.find(" fma ") == std::string::npos) {
    c.verdict = Verdict::bad;
    c.hint = "the release build needs AVX2 and FMA; build the preset 'native' on this machine";
  }
  return c;
}

Check bf16() {
  if (config::cpu_has_native_bf16()) return {"bf16", "in hardware", Verdict::good, ""};
  return {"bf16", "not in hardware: bf16: auto means f32 here", Verdict::good, ""};
}

/// Physical cores among the processors that this process may use.
int physical_cores(const std::vector<int>& cpus) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const std::string base = fmt::format("/sys/devices/system/cpu/cpu{}/topology/", cpu);
    const auto siblings = first_line(base + "thread_siblings_list");
    cores.insert(siblings ? *siblings : std::to_string(cpu));
  }
  return static_cast<int>(cores.size());
}

Check cores(const std::vector<int>& cpus) {
  const long all = sysconf(_SC_NPROCESSORS_ONLN);
  Check c{"cores",
          fmt::format("{} of {} logical processors allowed ({}), {} physical cores", cpus.size(),
                      all, cpu_list(cpus), physical_cores(cpus)),
          Verdict::good, ""};
  const auto quota = first_line("/sys/fs/cgroup/cpu.max");
  if (quota && !quota->starts_with("max")) {
    std::istringstream in(*quota);
    double limit = 0, period = 0;
    if (in >> limit >> period && period > 0) {
      c.value += fmt::format(", quota of {:.1f} processors", limit / period);
      if (limit / period < static_cast<double>(cpus.size()) - 0.5) {
        c.verdict = Verdict::advice;
        c.hint =
            fmt::format("the container's quota is below its processors: set OMP_NUM_THREADS={}",
                        std::max(1, static_cast<int>(limit / period)));
      }
    }
  }
  return c;
}

Check threads(const std::vector<int>& cpus) {
  const char* value = std::getenv("OMP_NUM_THREADS");
  Check c{"threads",
          value ? fmt::format("OMP_NUM_THREADS={}", value)
                : "OMP_NUM_THREADS is not set: chosen from the cores of each rank",
          Verdict::good, ""};
  for (const char* name : {"OMP_PROC_BIND", "OMP_PLACES"})
    if (const char* v = std::getenv(name)) c.value += fmt::format(", {}={}", name, v);
  if (value) {
    const int n = std::atoi(value);
    if (n < 1) {
      c.verdict = Verdict::bad;
      c.hint = "OMP_NUM_THREADS must be a number of at least 1";
    } else if (n > static_cast<int>(cpus.size())) {
      c.verdict = Verdict::bad;
      c.hint = fmt::format(
          "more threads than processors makes every step slower: unset it, or set "
          "it to at most {}",
          cpus.size());
    }
  }
  return c;
}

Check memory() {
  const double total = std::atof(proc_value("/proc/meminfo", "MemTotal").c_str()) * 1024 / kGiB;
  double available = std::atof(proc_value("/proc/meminfo", "MemAvailable").c_str()) * 1024 / kGiB;
  Check c{"memory", fmt::format("{:.1f} GiB free of {:.1f}", available, total), Verdict::good, ""};
  const auto limit = first_line("/sys/fs/cgroup/memory.max");
  if (limit && *limit != "max") {
    const double gib = std::atof(limit->c_str()) / kGiB;
    c.value += fmt::format(", container limit {:.1f} GiB", gib);
    available = std::min(available, gib);
  }
  if (available < 2) {
    c.verdict = Verdict::advice;
    c.hint =
        "little memory: axolotl-hpc plan CONFIG shows what a run needs; gradient_checkpointing "
        "and a smaller sequence_len lower it";
  }
  return c;
}

Check free_space(const char* name, const std::string& folder, double enough_gib,
                 const std::string& hint) {
  struct statvfs info {};
  if (statvfs(folder.c_str(), &info) != 0)
    return {name, fmt::format("{}: {}", folder, std::strerror(errno)), Verdict::bad, hint};
  const double gib = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize) / kGiB;
  Check c{name, fmt::format("{:.2f} GiB free in {}", gib, folder), Verdict::good, ""};
  if (gib < enough_gib) {
    c.verdict = Verdict::advice;
    c.hint = hint;
  }
  return c;
}

Check scratch_speed(const std::string& folder) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const std::string file = (fs::path(folder) / fmt::format("axolotl-hpc-doctor-{}.tmp", getpid()));
  const auto failed = [&](int error) {
    unlink(file.c_str());
    return Check{"scratch", fmt::format("cannot write to {}: {}", folder, std::strerror(error)),
                 Verdict::bad,
                 "name a folder that can be written to by --scratch, and use it as "
                 "output_dir and dataset_prepared_path"};
  };
  const int fd = open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return failed(errno);
  const std::vector<char> block(std::size_t{4} << 20, 'x');
  const auto start = std::chrono::steady_clock::now();
  int error = 0;
  for (std::size_t done = 0; done < kBytes && error == 0;) {
    const ssize_t n = write(fd, block.data(), std::min(block.size(), kBytes - done));
    if (n < 0)
      error = errno;
    else
      done += static_cast<std::size_t>(n);
  }
  if (error == 0 && fsync(fd) != 0) error = errno;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  close(fd);
  if (error != 0) return failed(error);
  unlink(file.c_str());
  const double rate = static_cast<double>(kBytes) / 1e6 / seconds;
  Check c{"scratch", fmt::format("{:.0f} MB/s written and synced in {}", rate, folder),
          Verdict::good, ""};
  if (rate < 20) {
    c.verdict = Verdict::advice;
    c.hint = "checkpoints will take long here: put output_dir on a faster file system";
  }
  return c;
}

Check accelerator() {
  std::error_code ec;
  if (!fs::exists("/dev/nvidiactl", ec) && !fs::exists("/dev/nvidia0", ec))
    return {"GPU", "none; this build computes on the CPU", Verdict::good, ""};
  int count = 0;
  for (int i = 0; i < 64; ++i) count += fs::exists(fmt::format("/dev/nvidia{}", i), ec);
  return {"GPU",
          fmt::format("{} NVIDIA device{}, not used: this build computes on the CPU", count,
                      count == 1 ? "" : "s"),
          Verdict::good, ""};
}

Check launcher() {
  for (const auto& [variable, what] : {std::pair{"SLURM_JOB_ID", "Slurm job"},
                                       std::pair{"OMPI_COMM_WORLD_SIZE", "mpirun with ranks:"},
                                       std::pair{"PMI_SIZE", "PMI with ranks:"}})
    if (const char* value = std::getenv(variable))
      return {"launcher", fmt::format("{} {}", what, value), Verdict::good, ""};
  Check c{"launcher", "none: one rank", Verdict::good, ""};
  const bool root = geteuid() == 0;
  if (root && !std::getenv("OMPI_ALLOW_RUN_AS_ROOT")) {
    c.verdict = Verdict::advice;
    c.hint =
        "mpirun refuses to run as root unless OMPI_ALLOW_RUN_AS_ROOT=1 and "
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 are set";
  }
  return c;
}

}  // namespace

std::vector<Check> check_machine(const std::string& scratch) {
  const std::vector<int> cpus = allowed_cpus();
  std::vector<Check> out{processor(), bf16(),        cores(cpus), threads(cpus),
                         memory(),    accelerator(), launcher()};
  for (const auto& [name, version] : library_versions()) {
    Check c{name, version, Verdict::good, ""};
    if (name == "HDF5" && version.find("(parallel)") == std::string::npos) {
      c.verdict = Verdict::bad;
      c.hint = "checkpoints need the parallel library: install libhdf5-openmpi-dev and build again";
    }
    if (name == "MPI" || name == "HDF5" || name == "oneDNN" || name == "Kokkos") out.push_back(c);
  }
  out.push_back(free_space("shared memory", "/dev/shm", 0.25,
                           "ranks of a node talk through /dev/shm: give the container more, for "
                           "example --shm-size=1g"));
  out.push_back(free_space("disk", scratch, 2.0,
                           "checkpoints and prepared data need room: use another output_dir"));
  out.push_back(scratch_speed(scratch));
  return out;
}

}  // namespace axl::cli
