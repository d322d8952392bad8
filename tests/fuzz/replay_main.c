/* Runs a fuzz target once on each file of the folders given, without libFuzzer: seeds and past crashes as a plain test.
 * Prints how many files it ran. Fails when that is none, or when the first folder is missing; the others may be. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path, size_t size)
{
        FILE *f = fopen(path, "rb");
        /* Exactly as large as the file, so that the sanitizer sees the first byte past it. */
        uint8_t *data = malloc(size ? size : 1);

        if (!f || !data || fread(data, 1, size, f) != size) {
                fprintf(stderr, "replay: %s: cannot read\n", path);
                exit(1);
        }
        fclose(f);
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, size);
        free(data);
}

static unsigned replay_folder(const char *folder, int required)
{
        struct dirent **names = NULL;
        unsigned ran = 0;
        int n = scandir(folder, &names, NULL, alphasort);

        if (n < 0) {
                if (errno == ENOENT && !required)
                        return 0;
                fprintf(stderr, "replay: %s: %s\n", folder, strerror(errno));
                exit(1);
        }
        for (int i = 0; i < n; i++) {
                char path[4096];
                struct stat st;
                int len = snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);

                if (len > 0 && (size_t)len < sizeof(path) && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
                        replay_file(path, (size_t)st.st_size);
                        ran++;
                }
                free(names[i]);
        }
        free(names);
        return ran;
}

int main(int argc, char **argv)
{
        unsigned ran = 0;

        for (int i = 1; i < argc; i++)
                ran += replay_folder(argv[i], i == 1);
        printf("replayed %u files\n", ran);
        return ran ? 0 : 1;
}
