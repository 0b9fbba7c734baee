# One CTest entry a method of train_test.py and of stream_test.py.
foreach(suite train stream)
  file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/${suite}_test.py axl_methods REGEX "^    def test_")
  foreach(line ${axl_methods})
    string(REGEX MATCH "test_[a-z0-9_]+" method "${line}")
    string(REPLACE "test_" "" short ${method})
    add_test(NAME system.${suite}.${short}
             COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/${suite}_test.py $<TARGET_FILE:axolotl-hpc>
                     ${method})
    set_tests_properties(system.${suite}.${short} PROPERTIES LABELS system TIMEOUT 180 PROCESSORS 2
                         SKIP_REGULAR_EXPRESSION "OK \\(skipped"
                         ENVIRONMENT "${AXL_MPI_SANITIZER_ENVIRONMENT}")
  endforeach()
endforeach()
