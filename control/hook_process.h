// SPDX-License-Identifier: BSD-3-Clause
// One run of an operator's program, without a shell: what it says goes to the log, line by line,
// and whoever takes too long is ended with all that they started. Waits; never on the loop.
#pragma once

#include <stdint.h>

enum {
	HOOK_LIMIT_MS = 10000, // then it is killed
	HOOK_STOP_MS = 1000,   // the same, when the router ends meanwhile
	HOOK_LINES_MAX = 20,   // of one run; what it says beyond is counted
	HOOK_LINE_BYTES = 512,
};

struct hook_process {
	const char *object;	// of the log, "dhcp lan"
	const char *program;	// an absolute path
	char *const *arguments; // the program's name first, NULL last
	char *const *environment;
	int stop_fd;	   // readable: the router ends
	uint64_t limit_ms; // HOOK_LIMIT_MS
};

enum hook_result {
	HOOK_DONE = 0,
	HOOK_FAILED,	// an exit status other than 0, or a signal
	HOOK_TIMED_OUT, // was killed
	HOOK_REFUSED,	// is not to be run, or cannot be
};

// Says in the log what did not go well.
enum hook_result hook_process_run(const struct hook_process *process);
