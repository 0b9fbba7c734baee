#define OMPI_SKIP_MPICXX 1
#include "cli/build_info.hpp"

#include <fmt/core.h>
#include <hdf5.h>
#include <mpi.h>
#include <oneapi/dnnl/dnnl.h>

#include <CLI/Version.hpp>

#include "axl_commit.hpp"
#include "core/json.hpp"

namespace axl::cli {

BuildInfo build_info() {
  return {.version = AXL_VERSION,
          .commit = AXL_COMMIT,
          .build = AXL_BUILD_TYPE,
          .arch = AXL_MARCH,
          .compiler = AXL_COMPILER,
          .mpi_compiler = AXL_MPI_COMPILER};
}

std::vector<std::pair<std::string, std::string>> library_versions() {
  std::vector<std::pair<std::string, std::string>> out;
  // MPI_Get_library_version and MPI_Get_version may be called before MPI_Init (MPI 3.1, 8.1).
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  std::string mpi(text, static_cast<std::size_t>(length));
  out.emplace_back("MPI", mpi.substr(0, mpi.find_first_of(",\n")));
  out.emplace_back("Kokkos", AXL_KOKKOS_VERSION);
  const dnnl_version_t* dnnl = dnnl_version();
  out.emplace_back("oneDNN", fmt::format("{}.{}.{}", dnnl->major, dnnl->minor, dnnl->patch));
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
#ifdef H5_HAVE_PARALLEL
  const char* parallel = "parallel";
#else
  const char* parallel = "not parallel";
#endif
  out.emplace_back("HDF5", fmt::format("{}.{}.{} ({})", major, minor, release, parallel));
  out.emplace_back("yaml-cpp", AXL_YAML_VERSION);
  out.emplace_back("CLI11", CLI11_VERSION);
  out.emplace_back("fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100,
                                      FMT_VERSION % 100));
  out.emplace_back("nlohmann-json",
                   fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                               NLOHMANN_JSON_VERSION_PATCH));
  return out;
}

}  // namespace axl::cli
