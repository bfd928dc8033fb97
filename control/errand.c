// SPDX-License-Identifier: BSD-3-Clause
#include "control/errand.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "control/thread_begin.h"

enum { NICE = 10 }; // the loop goes first where both have one core

struct errand {
	struct event *back;
	int fd; // readable: the thread is done
	bool is_under_way;
	pthread_t thread;
	void (*run)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

static void *errand_main(void *arg)
{
	struct errand *errand = arg;
	uint64_t one = 1;

	setpriority(PRIO_PROCESS, 0, NICE); // on Linux, of the thread alone
	errand->run(errand->ctx);
	while (write(errand->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

static void on_back(evutil_socket_t fd, short what, void *ctx)
{
	struct errand *errand = ctx;
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return;
	pthread_join(errand->thread, NULL);
	errand->is_under_way = false;
	errand->done(errand->ctx); // it may send the next one
}

struct errand *errand_new(struct event_base *base)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (errand == NULL)
		return NULL;
	errand->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (errand->fd >= 0)
		errand->back = event_new(base, errand->fd, EV_READ | EV_PERSIST, on_back, errand);
	if (errand->back != NULL && event_add(errand->back, NULL) == 0)
		return errand;
	errand_free(errand);
	return NULL;
}

void errand_free(struct errand *errand)
{
	if (errand == NULL)
		return;
	if (errand->is_under_way)
		pthread_join(errand->thread, NULL);
	if (errand->back != NULL)
		event_free(errand->back);
	if (errand->fd >= 0)
		close(errand->fd);
	free(errand);
}

int errand_begin(struct errand *errand, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	int error;

	if (errand->is_under_way)
		return -EBUSY;
	errand->run = run;
	errand->done = done;
	errand->ctx = ctx;
	error = thread_begin(&errand->thread, "millrace-errand", errand_main, errand);
	if (error != 0)
		return -error;
	errand->is_under_way = true;
	return 0;
}
