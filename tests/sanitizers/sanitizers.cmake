# What the runtimes of the sanitizers are told in a build with AXL_SANITIZE: which leaks (leaks.txt) and
# races (races.txt) belong to libraries that we only call. ThreadSanitizer sees nothing of the barriers
# inside an OpenMP runtime; Archer, which comes with LLVM's, tells it of them.
set(AXL_ARCHER "")
if(AXL_SANITIZE MATCHES "thread")
  cmake_path(GET OpenMP_omp_LIBRARY PARENT_PATH axl_openmp_folder)
  find_file(AXL_ARCHER_LIBRARY libarcher.so HINTS ${axl_openmp_folder})
  if(NOT AXL_ARCHER_LIBRARY)
    message(FATAL_ERROR "AXL_SANITIZE=thread needs clang and LLVM's OpenMP with libarcher.so (libomp-14-dev)")
  endif()
  set(AXL_ARCHER ${AXL_ARCHER_LIBRARY})
endif()
# Open MPI unloads its plugins before leaks are looked for: only stacks that go on below them still name
# a library. Walking them costs time at each allocation, so other tests do without.
set(AXL_MPI_SANITIZER_ENVIRONMENT "ASAN_OPTIONS=fast_unwind_on_malloc=0:$ENV{ASAN_OPTIONS}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/environment.cmake.in
               ${CMAKE_CURRENT_BINARY_DIR}/sanitizers.cmake @ONLY)
set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES
             ${CMAKE_CURRENT_BINARY_DIR}/sanitizers.cmake)
