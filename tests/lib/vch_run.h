/* vch_run.h - runs another program and waits for it. */
#ifndef VCH_RUN_H
#define VCH_RUN_H

#include "vch_test.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The words of the formatted line, split at spaces, are the program and its arguments; no shell is
 * between. Its output is dropped, files that it makes are for the owner only. Returns its exit
 * status, 127 if it cannot be started, -1 if a signal ended it. */
VCH_PRINTF(1, 2) static inline int t_run(const char *fmt, ...)
{
    char line[4096], *argv[64], *rest = line;
    size_t n = 0;
    va_list ap;
    int status;
    pid_t pid;

    va_start(ap, fmt);
    status = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    assert_true(status > 0 && (size_t)status < sizeof(line));
    while (n < 63 && (argv[n] = strsep(&rest, " ")) != NULL) {
        n++;
    }
    argv[n] = NULL;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        if (null >= 0 && dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(null, 2) >= 0) {
            umask(077);
            execvp(argv[0], argv);
        }
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
