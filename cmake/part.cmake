# cs_add_part(NAME SOURCES file... [LINK target...] [THIRD_PARTY target...])
#
# One part of the house: a static library that shows its own folder to whoever links it. LINK names the parts below,
# which are visible through this one; THIRD_PARTY stays private. The folder is searched for "quoted" includes only, so
# that no header of ours can hide a system header of the same name.
function(cs_add_part name)
        cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LINK;THIRD_PARTY")
        if(NOT ARG_SOURCES)
                # Headers only.
                add_library(${name} INTERFACE)
                cs_include_dirs(${name} INTERFACE ${CMAKE_CURRENT_SOURCE_DIR})
                target_link_libraries(${name} INTERFACE ${ARG_LINK})
                return()
        endif()
        add_library(${name} STATIC ${ARG_SOURCES})
        cs_include_dirs(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
        target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE cs_flags ${ARG_THIRD_PARTY})
endfunction()

# cs_include_dirs(TARGET PUBLIC|PRIVATE|INTERFACE dir...)
function(cs_include_dirs target scope)
        foreach(dir IN LISTS ARGN)
                target_compile_options(${target} ${scope} "SHELL:-iquote ${dir}")
        endforeach()
endfunction()
