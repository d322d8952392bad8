# cs_flags: how our own code is compiled and linked. Targets that must stay plain (the fixtures: a process with a
# sanitizer's allocator is no model of anything) just do not link it.
add_library(cs_flags INTERFACE)

target_compile_definitions(cs_flags INTERFACE _GNU_SOURCE=)
target_compile_options(cs_flags INTERFACE
        -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
        $<$<BOOL:${CS_WERROR}>:-Werror>
        -fPIE)
target_link_options(cs_flags INTERFACE -pie)

if(CS_SANITIZE)
        target_compile_options(cs_flags INTERFACE
                -fsanitize=${CS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_link_options(cs_flags INTERFACE -fsanitize=${CS_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
        target_compile_options(cs_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
        target_link_options(cs_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

# Which ways are taken how often the compiler guesses, or is told by runs (tests/bench/train.sh), which saves a tenth of the time. What they
# told lies beside the objects; code that has changed since is compiled as if there were nothing. Warnings are for builds that guess: what
# else is warned of by one that is told comes from what it inlines. The program is then optimised as a whole when it is linked (cli/), which
# saves some percent more; its tests are linked from the same objects as they are (tests/), or each would be optimised as a whole, too.
if(CS_PROFILE AND NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
        message(FATAL_ERROR "CS_PROFILE: only with gcc")
elseif(CS_PROFILE STREQUAL "record")
        target_compile_options(cs_flags INTERFACE -fprofile-generate -fprofile-update=atomic)
        target_link_options(cs_flags INTERFACE -fprofile-generate)
elseif(CS_PROFILE STREQUAL "use")
        target_compile_options(cs_flags INTERFACE -fprofile-use -fprofile-partial-training -w
                -flto=auto -ffat-lto-objects)
elseif(CS_PROFILE)
        message(FATAL_ERROR "CS_PROFILE: neither record nor use: ${CS_PROFILE}")
endif()
