// SPDX-License-Identifier: BSD-3-Clause
#include "control/state_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "control/thread_begin.h"

struct errand {
	void (*run)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

struct state_writer {
	struct event *back;
	int fd; // readable: something was run
	pthread_t thread;
	bool is_running;
	uint64_t n_told; // the loop's alone
	pthread_mutex_t lock;
	pthread_cond_t posted, ran;
	// under the lock; numbers since the start
	struct errand ring[STATE_WRITER_QUEUE_MAX];
	uint64_t n_posted, n_run;
	bool must_stop;
};

// --- the thread ---

static bool take(struct state_writer *writer, struct errand *out)
{
	bool has_one;

	pthread_mutex_lock(&writer->lock);
	while (writer->n_run == writer->n_posted && !writer->must_stop)
		pthread_cond_wait(&writer->posted, &writer->lock);
	has_one = writer->n_run < writer->n_posted;
	if (has_one)
		*out = writer->ring[writer->n_run % STATE_WRITER_QUEUE_MAX];
	pthread_mutex_unlock(&writer->lock);
	return has_one;
}

static void *writer_main(void *arg)
{
	struct state_writer *writer = arg;
	uint64_t one = 1;
	struct errand errand;

	while (take(writer, &errand)) {
		errand.run(errand.ctx);
		pthread_mutex_lock(&writer->lock);
		writer->n_run++;
		pthread_cond_signal(&writer->ran);
		pthread_mutex_unlock(&writer->lock);
		if (write(writer->fd, &one, sizeof(one)) < 0)
			continue; // it is readable already
	}
	return NULL;
}

// --- control ---

static uint64_t count_run(struct state_writer *writer)
{
	uint64_t n;

	pthread_mutex_lock(&writer->lock);
	n = writer->n_run;
	pthread_mutex_unlock(&writer->lock);
	return n;
}

static void tell(struct state_writer *writer)
{
	while (writer->n_told < count_run(writer)) {
		// a copy: once it counts as told, its place is the next one's
		struct errand errand = writer->ring[writer->n_told % STATE_WRITER_QUEUE_MAX];

		writer->n_told++;
		errand.done(errand.ctx);
	}
}

static void on_back(evutil_socket_t fd, short what, void *ctx)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) == sizeof(count))
		tell(ctx);
}

static int start(struct state_writer *writer)
{
	int error = thread_begin(&writer->thread, "millrace-state", writer_main, writer);

	if (error != 0)
		return -error;
	writer->is_running = true;
	return 0;
}

struct state_writer *state_writer_new(struct event_base *base)
{
	struct state_writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return NULL;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->posted, NULL);
	pthread_cond_init(&writer->ran, NULL);
	writer->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (writer->fd >= 0)
		writer->back = event_new(base, writer->fd, EV_READ | EV_PERSIST, on_back, writer);
	if (writer->back != NULL && event_add(writer->back, NULL) == 0 && start(writer) == 0)
		return writer;
	state_writer_free(writer);
	return NULL;
}

void state_writer_free(struct state_writer *writer)
{
	if (writer == NULL)
		return;
	if (writer->is_running) {
		state_writer_wait(writer);
		pthread_mutex_lock(&writer->lock);
		writer->must_stop = true;
		pthread_cond_signal(&writer->posted);
		pthread_mutex_unlock(&writer->lock);
		pthread_join(writer->thread, NULL);
	}
	if (writer->back != NULL)
		event_free(writer->back);
	if (writer->fd >= 0)
		close(writer->fd);
	pthread_cond_destroy(&writer->ran);
	pthread_cond_destroy(&writer->posted);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

int state_writer_post(
	struct state_writer *writer, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	int rc = 0;

	pthread_mutex_lock(&writer->lock);
	if (writer->n_posted - writer->n_told < STATE_WRITER_QUEUE_MAX) {
		writer->ring[writer->n_posted++ % STATE_WRITER_QUEUE_MAX] =
			(struct errand){run, done, ctx};
		pthread_cond_signal(&writer->posted);
	} else {
		rc = -ENOSPC;
	}
	pthread_mutex_unlock(&writer->lock);
	return rc;
}

void state_writer_wait(struct state_writer *writer)
{
	tell(writer);
	while (writer->n_told < writer->n_posted) { // whose changes are ours alone
		pthread_mutex_lock(&writer->lock);
		while (writer->n_run == writer->n_told)
			pthread_cond_wait(&writer->ran, &writer->lock);
		pthread_mutex_unlock(&writer->lock);
		tell(writer);
	}
}
