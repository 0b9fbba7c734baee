# One CTest entry a method of train_test.py and its like.
math(EXPR limit "180 * ${AXL_TIME_FACTOR}")
foreach(suite adapters train evaluation optimizer preference quantised resume stream unreadable)
  file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/${suite}_test.py axl_methods REGEX "^    def test_")
  foreach(line ${axl_methods})
    string(REGEX MATCH "test_[a-z0-9_]+" method "${line}")
    string(REPLACE "test_" "" short ${method})
    add_test(NAME system.${suite}.${short}
             COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/${suite}_test.py $<TARGET_FILE:axolotl-hpc>
                     ${method})
    set_tests_properties(system.${suite}.${short} PROPERTIES LABELS system TIMEOUT ${limit} PROCESSORS 2
                         SKIP_REGULAR_EXPRESSION "OK \\(skipped"
                         ENVIRONMENT "AXL_TIME_FACTOR=${AXL_TIME_FACTOR};${AXL_MPI_SANITIZER_ENVIRONMENT}")
  endforeach()
endforeach()
