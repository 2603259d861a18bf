/* Runs a fuzz target over its corpus without libFuzzer: each file as it is, at every truncation,
 * and with every byte flipped (all eight bits at once, and the lowest). */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long runs;

static void run(const uint8_t *data, size_t n)
{
    uint8_t *exact = malloc(n == 0 ? 1 : n); /* exactly its size: an over-read is seen */

    if (exact == NULL) {
        abort();
    }
    memcpy(exact, data, n);
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    runs++;
}

static void replay(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL) {
        perror(path);
        exit(1);
    }
    n = fread(data, 1, sizeof(data), f);
    fclose(f);
    run(data, n);
    for (size_t i = 0; i < n && n <= 16384; i++) {
        run(data, i);
        data[i] ^= 0xff;
        run(data, n);
        data[i] ^= 0xfe;
        run(data, n);
        data[i] ^= 0x01;
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        struct dirent *e;
        char path[4096];

        if (dir == NULL) {
            perror(argv[i]);
            return 1;
        }
        while ((e = readdir(dir)) != NULL) {
            if (e->d_name[0] != '.') {
                snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
                replay(path);
            }
        }
        closedir(dir);
    }
    printf("%lu inputs replayed\n", runs);
    return runs == 0;
}
