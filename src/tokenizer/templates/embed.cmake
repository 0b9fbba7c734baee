# Compiles every template of this folder into the program: `axl_embed_templates(OUT)` writes
# templates/embedded.hpp and .cpp below the build folder, with one std::string_view a file, and puts
# the .cpp's path into OUT. Parts are put in place of the statements that name them,
#   {%- from 'parts/text.jinja' import text -%}   {%- include 'parts/gemma3_turns.jinja' -%}
# so each template is whole by itself: it is saved beside the tokenizer, and others render it too.
function(axl_write_if_different path text)
  file(WRITE ${path}.new "${text}")
  file(COPY_FILE ${path}.new ${path} ONLY_IF_DIFFERENT)
endfunction()

function(axl_embed_templates out)
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/templates)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/*.jinja)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  file(GLOB templates CONFIGURE_DEPENDS ${folder}/*.jinja)
  set(header "#pragma once\n#include <string_view>\n\nnamespace axl::tokenizer::embedded {\n")
  set(source "#include \"tokenizer/templates/embedded.hpp\"\n\nnamespace axl::tokenizer::embedded {\n")
  foreach(path ${templates})
    get_filename_component(name ${path} NAME_WE)
    file(READ ${path} text)
    while(text MATCHES "{%- (from|include) '(parts/[a-z0-9_]+\\.jinja)'[^%]*%}\n?")
      set(statement "${CMAKE_MATCH_0}")
      file(READ ${folder}/${CMAKE_MATCH_2} part)
      string(REPLACE "${statement}" "${part}" text "${text}")
    endwhile()
    string(APPEND header "extern const std::string_view ${name};\n")
    string(APPEND source "const std::string_view ${name} = R\"jinja(${text})jinja\";\n")
  endforeach()
  set(target ${CMAKE_CURRENT_BINARY_DIR}/embedded/tokenizer/templates)
  axl_write_if_different(${target}/embedded.hpp "${header}}  // namespace axl::tokenizer::embedded\n")
  axl_write_if_different(${target}/embedded.cpp "${source}}  // namespace axl::tokenizer::embedded\n")
  set(${out} ${target}/embedded.cpp PARENT_SCOPE)
endfunction()
