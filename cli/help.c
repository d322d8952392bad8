/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

static const char text[] =
        "Usage: corescan [OPTION...] CORE\n"
        "       corescan [OPTION...] --live PID\n"
        "\n"
        "Names what fills a process's memory, and the library that owns it. CORE is an ELF\n"
        "core of gcore or of the kernel; a running process is read without stopping it.\n"
        "\n"
        "What to show (several may be given; none: --summary)\n"
        "      --summary          verdict, memory by kind, top clusters, top libraries\n"
        "      --heap             allocators by arena: in use, free and kept, top; what\n"
        "                         malloc_trim would give back\n"
        "      --clusters         recurring objects and texts, largest first, with owner\n"
        "                         and evidence\n"
        "      --libraries        bytes by owning library\n"
        "      --leaks            blocks that nothing points to, and what hangs on them, by\n"
        "                         cluster, with owner\n"
        "      --regions          what each part of the address space is, and whose\n"
        "      --at ADDR          what is at an address: block, cluster, owner, referrers, how it\n"
        "                         is held, and its words with their meanings\n"
        "      --refs ADDR        who points into the block there, and who at those\n"
        "      --depth N          with --refs: so many levels (usual: 3)\n"
        "\n"
        "Selecting\n"
        "      --top N            the N largest; 0: all (usual: summary 5, text 10, JSON 50)\n"
        "      --min-bytes SIZE   only clusters and libraries of SIZE bytes and more\n"
        "      --library GLOB     only what such libraries own; '-': what has no owner\n"
        "      --cluster ID       only this cluster, with all that is known of it\n"
        "      --region KIND      only regions of this kind (malloc-used, stack, ...)\n"
        "\n"
        "Symbols\n"
        "      --sysroot DIR      look for the target's files below DIR\n"
        "      --debug-dir DIR    separate debug files, instead of /usr/lib/debug\n"
        "      --max-memory SIZE  memory for a compressed core; else half of what is left\n"
        "      --temp-dir DIR     decompress into a nameless file in DIR instead\n"
        "\n"
        "Output\n"
        "      --json             one JSON object instead of text\n"
        "      --blocks FILE      write one line per in-use block to FILE, tab-separated:\n"
        "                         address, usable size, library, confidence, cluster, leak\n"
        "  -o, --output FILE      write the report to FILE\n"
        "      --color WHEN       auto, always or never\n"
        "      --progress WHEN    auto, always or never\n"
        "\n"
        "Running\n"
        "      --freeze           with --live: stop the process while it is read\n"
        "  -j, --jobs N           threads; 0: one for each processor (usual)\n"
        "      --strict           exit 3 when the answer is partial\n"
        "      --fail-on VERDICT  exit 4 when the verdict is this one, or one of a list with\n"
        "                         commas: leak, growth, fragmentation, retention,\n"
        "                         managed-heap, cache-or-live-data, healthy, unknown\n"
        "  -h, --help             show this text\n"
        "  -V, --version          show the version\n"
        "\n"
        "SIZE takes K, M or G (1024).\n"
        "\n"
        "Exit status: 0 done; 2 wrong usage, or the input cannot be read at all; 3 with\n"
        "--strict: the answer is partial; 4 the --fail-on verdict holds.\n";

void cs_help_print(FILE *to)
{
        (void)fputs(text, to);
}

void cs_help_print_version(FILE *to)
{
        (void)fputs("corescan " CS_VERSION "\n", to);
}
