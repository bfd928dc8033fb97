// SPDX-License-Identifier: BSD-3-Clause
// A thread beside the control loop: signals are the loop's, so the thread takes none.
#pragma once

#include <pthread.h>

// `name` has 15 characters at most. 0, or an errno.
int thread_begin(pthread_t *thread, const char *name, void *(*run)(void *ctx), void *ctx);
