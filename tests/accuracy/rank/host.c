/* SPDX-License-Identifier: Apache-2.0 */
/* rank-host ROUNDS LIBRARY:SIZE...: loads the libraries, and lets each take its step, round by round. Then it says "ready", and
 * waits. A library exports "setup" (its block size) and "step" (the round). */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIBRARIES = 16 };

static void (*steps[LIBRARIES])(unsigned);

/* What dead frames left on the stack. */
static __attribute__((noinline)) void wipe(void)
{
        volatile char frames[96 * 1024];
        for (size_t i = 0; i < sizeof frames; i++)
                frames[i] = 0;
}

static __attribute__((noinline)) void load(int i, char *argument)
{
        char *colon = strrchr(argument, ':');
        *colon = 0;
        void *library = dlopen(argument, RTLD_NOW);
        if (!library) {
                fprintf(stderr, "%s\n", dlerror());
                exit(1);
        }
        void (*setup)(size_t) = (void (*)(size_t))dlsym(library, "setup");
        steps[i] = (void (*)(unsigned))dlsym(library, "step");
        if (!setup || !steps[i]) {
                fprintf(stderr, "%s: no setup or step\n", argument);
                exit(1);
        }
        setup(strtoul(colon + 1, NULL, 10));
}

int main(int argc, char **argv)
{
        int n = argc - 2;
        if (n < 1 || n > LIBRARIES)
                return 2;
        for (int i = 0; i < n; i++)
                load(i, argv[i + 2]);
        for (unsigned round = 0; round < strtoul(argv[1], NULL, 10); round++) {
                for (int i = 0; i < n; i++)
                        steps[i](round);
        }
        wipe();
        (void)!write(1, "ready\n", 6);
        for (;;)
                pause();
}
