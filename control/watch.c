// SPDX-License-Identifier: BSD-3-Clause
#include "control/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/thread_begin.h"

enum { INTERVAL_MS = 500 };

struct watch {
	struct dataplane *dp;
	int stop_fd; // readable: it is time to end
	pthread_t thread;
	_Atomic unsigned n_stalls;
};

static void log_worker(void *ctx, const struct dp_worker_news *news)
{
	struct watch *watch = ctx;
	char part[32];

	snprintf(part, sizeof(part), "worker %u", news->worker);
	watch->n_stalls += news->is_stalled;
	if (news->is_stalled)
		log_error(part, "on core %d has made no turn for %u ms", news->core,
			news->stalled_ms);
	else
		log_info(part, "on core %d turns again", news->core);
}

static void *watch_main(void *arg)
{
	struct watch *watch = arg;
	struct pollfd stop = {.fd = watch->stop_fd, .events = POLLIN};

	while (poll(&stop, 1, INTERVAL_MS) <= 0)
		dataplane_watch(watch->dp, clock_now_ms(), log_worker, watch);
	return NULL;
}

struct watch *watch_new(struct dataplane *dp, struct error *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int error = ENOMEM;

	if (watch == NULL)
		goto fail;
	watch->dp = dp;
	watch->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (watch->stop_fd < 0) {
		error = errno;
		goto fail;
	}
	error = thread_begin(&watch->thread, "millrace-watch", watch_main, watch);
	if (error != 0) {
		close(watch->stop_fd);
		goto fail;
	}
	return watch;
fail:
	free(watch);
	error_set(err, "cannot start the thread that watches the workers: %s", strerror(error));
	return NULL;
}

unsigned watch_stalls(const struct watch *watch)
{
	return watch == NULL ? 0 : watch->n_stalls;
}

void watch_free(struct watch *watch)
{
	uint64_t one = 1;

	if (watch == NULL)
		return;
	if (write(watch->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(watch->thread, NULL);
	close(watch->stop_fd);
	free(watch);
}
