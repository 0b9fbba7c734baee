# Fuzz targets of the data layer. axl_add_fuzz_target(NAME SOURCE LIBS ...) comes from the folder's
# CMakeLists.txt; seeds lie in corpus/NAME.
axl_add_fuzz_target(jsonl jsonl_fuzz.cpp LIBS axl_data nlohmann_json::nlohmann_json)
if(AXL_ENABLE_ARROW)
  axl_add_fuzz_target(parquet parquet_fuzz.cpp LIBS axl_data)
endif()
