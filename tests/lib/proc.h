/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_PROC_H
#define IOTD_TESTS_PROC_H

/*
 * Programs under test. What they print goes to files in IOTD_TEST_DIR; waiting is waiting for the
 * file to grow or for the program to end, with a deadline. They die with the test program.
 * What cannot be started ends the test program: nothing after it could be trusted.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libiotclient/base/macro.h"

/* Ends the test program with a message, as a failure. */
void fixture_fatal(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

/* Ends the test program as skipped (exit status 77). */
void fixture_skip(const char *why) __attribute__((noreturn));

/* CLOCK_MONOTONIC; and the point in time after which a test gives up (scaled, test-loop.h). */
uint64_t fixture_now_ms(void);
uint64_t fixture_deadline_ms(void);
/* What is left until then for poll(2); 0 when it is over. */
int fixture_left_ms(uint64_t deadline_ms);

/* Path of a file of the source tree, of the build tree, or of this test's own directory; the
 * text is the caller's. */
char *fixture_source_path(const char *name);
char *fixture_build_path(const char *name);
char *fixture_test_path(const char *name);
/* Writes a file of the test's directory with that mode; returns its path. */
char *fixture_write_file(const char *name, mode_t mode, const char *text);
/* Whether a program is there (searched in PATH). Tests that need others skip without it. */
bool fixture_has_program(const char *name);

enum proc_stream { PROC_STDOUT, PROC_STDERR, PROC_STREAM_COUNT_ };

struct proc;

/* argv ends with NULL; argv[0] is a path, or a name in PATH. */
struct proc *proc_start(const char *const *argv);
pid_t proc_pid(const struct proc *p);
/*
 * Its open descriptors, its resident memory but for files (pages of code come and go), and the
 * processor time that it took so far.
 */
int proc_n_fds(const struct proc *p);
long proc_rss_kib(const struct proc *p);
uint64_t proc_cpu_ms(const struct proc *p);
/* Under a sanitizer freed memory stays. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PROC_RSS_IS_TELLING false
#else
#define PROC_RSS_IS_TELLING true
#endif
/* A pipe to its standard input, or -1 (then it is /dev/null). Closed by proc_free(). */
struct proc *proc_start_with_stdin(const char *const *argv, int *ret_fd);

/*
 * The next whole line of the stream that contains text (NULL: any line), without its newline;
 * lines before it are skipped. NULL when the program ended or the deadline passed before; the
 * running test has failed then. The text is the caller's.
 */
char *proc_wait_line(struct proc *p, enum proc_stream stream, const char *text);
/* The same where an end, or silence, is no failure. */
char *proc_wait_line_or_end(struct proc *p, enum proc_stream stream, const char *text);
/* All that it has printed so far. The text is the caller's. */
char *proc_output(struct proc *p, enum proc_stream stream);

void proc_signal(struct proc *p, int signal);
/* Waits for the end: the exit status, 128 + n for signal n, -1 after the deadline (and killed). */
int proc_wait(struct proc *p);
/*
 * SIGTERM (unless it has ended), waits, checks that the exit status is 0 - otherwise the running
 * test has failed and the output is shown - and frees. Accepts NULL, always returns NULL.
 */
struct proc *proc_stop(struct proc *p);
/* SIGKILL, for tests of just that. Frees; accepts NULL. */
struct proc *proc_kill(struct proc *p);

/* Runs to the end. The exit status as proc_wait(); standard output in *ret_out (may be NULL). */
int proc_run(const char *const *argv, char **ret_out);

#endif /* IOTD_TESTS_PROC_H */
