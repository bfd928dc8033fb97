// SPDX-License-Identifier: BSD-3-Clause
#include "control/hooks.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/thread_begin.h"

enum { NICE = 10 }; // the loop goes first where both have one core

struct waiting {
	STAILQ_ENTRY(waiting) entry;
	char object[LOG_OBJECT_BYTES];
	struct hook_call call;
};

struct hooks {
	pthread_t thread;
	bool is_running;
	int stop_fd;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	// under the lock
	STAILQ_HEAD(waiting_head, waiting) queue;
	unsigned n_waiting;
	bool must_stop;
	struct hook_counts counts;
};

// --- what a run is told ---

static char *next_word(struct hook_call *call, size_t *room)
{
	if (call->n_words == HOOKS_WORDS_MAX || call->n_bytes == sizeof(call->bytes)) {
		call->is_cut = true;
		return NULL;
	}
	call->at[call->n_words] = call->n_bytes;
	*room = sizeof(call->bytes) - call->n_bytes;
	return call->bytes + call->n_bytes;
}

static void end_word(struct hook_call *call, int n, size_t room)
{
	if (n < 0 || (size_t)n >= room) {
		call->is_cut = true;
		return;
	}
	call->n_bytes += (unsigned)n + 1;
	call->n_words++;
}

void hook_call_argument(struct hook_call *call, const char *text)
{
	size_t room;
	char *to = next_word(call, &room);

	if (to != NULL)
		end_word(call, snprintf(to, room, "%s", text), room);
	call->n_arguments = call->n_words;
}

void hook_call_begin(struct hook_call *call, const char *program)
{
	call->n_bytes = call->n_words = call->n_arguments = 0;
	call->is_cut = false;
	hook_call_argument(call, program);
}

void hook_call_set(struct hook_call *call, const char *name, const char *fmt, ...)
{
	size_t room;
	char *to = next_word(call, &room);
	va_list args;
	int n;

	if (to == NULL)
		return;
	n = snprintf(to, room, "%s=", name);
	if (n > 0 && (size_t)n < room) {
		va_start(args, fmt);
		n += vsnprintf(to + n, room - (size_t)n, fmt, args);
		va_end(args);
	}
	end_word(call, n, room);
}

// --- the thread ---

static enum hook_result run_one(struct hooks *hooks, struct waiting *one)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *arguments[HOOKS_WORDS_MAX + 1] = {NULL}, *environment[HOOKS_WORDS_MAX + 2] = {path};
	struct hook_call *call = &one->call;
	struct hook_process process = {.object = one->object,
		.program = call->bytes,
		.arguments = arguments,
		.environment = environment,
		.stop_fd = hooks->stop_fd,
		.limit_ms = HOOK_LIMIT_MS};

	for (unsigned i = 0; i < call->n_words; i++)
		if (i < call->n_arguments)
			arguments[i] = call->bytes + call->at[i];
		else
			environment[1 + i - call->n_arguments] = call->bytes + call->at[i];
	return hook_process_run(&process);
}

static struct waiting *take_first(struct hooks *hooks)
{
	struct waiting *one = STAILQ_FIRST(&hooks->queue);

	STAILQ_REMOVE_HEAD(&hooks->queue, entry);
	hooks->n_waiting--;
	return one;
}

static void count(struct hook_counts *counts, enum hook_result result)
{
	switch (result) {
	case HOOK_DONE:
		counts->done++;
		return;
	case HOOK_FAILED:
		counts->failed++;
		return;
	case HOOK_TIMED_OUT:
		counts->timed_out++;
		return;
	case HOOK_REFUSED:
		counts->refused++;
		return;
	}
}

static void *run(void *arg)
{
	struct hooks *hooks = arg;

	setpriority(PRIO_PROCESS, 0, NICE); // on Linux, of the thread alone, and of what it starts
	pthread_mutex_lock(&hooks->lock);
	for (;;) {
		struct waiting *one;
		enum hook_result result;

		while (hooks->n_waiting == 0 && !hooks->must_stop)
			pthread_cond_wait(&hooks->wake, &hooks->lock);
		if (hooks->must_stop)
			break;
		one = take_first(hooks);
		pthread_mutex_unlock(&hooks->lock);
		result = run_one(hooks, one);
		free(one);
		pthread_mutex_lock(&hooks->lock);
		count(&hooks->counts, result);
	}
	pthread_mutex_unlock(&hooks->lock);
	return NULL;
}

// --- who tells ---

static int start(struct hooks *hooks)
{
	int error = thread_begin(&hooks->thread, "millrace-hooks", run, hooks);

	if (error != 0)
		return -error;
	hooks->is_running = true;
	return 0;
}

struct hooks *hooks_new(void)
{
	struct hooks *hooks = calloc(1, sizeof(*hooks));

	if (hooks == NULL)
		return NULL;
	STAILQ_INIT(&hooks->queue);
	hooks->stop_fd = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&hooks->lock, NULL);
	pthread_cond_init(&hooks->wake, NULL);
	if (hooks->stop_fd >= 0)
		return hooks;
	hooks_free(hooks);
	return NULL;
}

void hooks_free(struct hooks *hooks)
{
	uint64_t one = 1;

	if (hooks == NULL)
		return;
	if (hooks->is_running) {
		pthread_mutex_lock(&hooks->lock);
		hooks->must_stop = true;
		pthread_cond_signal(&hooks->wake);
		pthread_mutex_unlock(&hooks->lock);
		while (write(hooks->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		pthread_join(hooks->thread, NULL);
	}
	if (hooks->n_waiting > 0)
		log_warning("control", "%u runs of hooks are left out", hooks->n_waiting);
	while (hooks->n_waiting > 0)
		free(take_first(hooks));
	if (hooks->stop_fd >= 0)
		close(hooks->stop_fd);
	pthread_cond_destroy(&hooks->wake);
	pthread_mutex_destroy(&hooks->lock);
	free(hooks);
}

static struct waiting *copy(const char *object, const struct hook_call *call)
{
	struct waiting *one = malloc(sizeof(*one));

	if (one == NULL)
		return NULL;
	snprintf(one->object, sizeof(one->object), "%s", object);
	one->call = *call;
	return one;
}

bool hooks_add(struct hooks *hooks, const char *object, const struct hook_call *call)
{
	struct waiting *one = call->is_cut ? NULL : copy(object, call);
	bool has_room;

	if (!hooks->is_running && start(hooks) != 0) {
		free(one);
		one = NULL;
	}
	pthread_mutex_lock(&hooks->lock);
	has_room = one != NULL && hooks->n_waiting < HOOKS_WAITING_MAX;
	if (has_room) {
		STAILQ_INSERT_TAIL(&hooks->queue, one, entry);
		hooks->n_waiting++;
		pthread_cond_signal(&hooks->wake);
	} else {
		hooks->counts.dropped++;
	}
	pthread_mutex_unlock(&hooks->lock);
	if (has_room)
		return true;
	free(one);
	log_warning(object, "too many runs of the hook %s wait: one is left out", call->bytes);
	return false;
}

void hooks_count(struct hooks *hooks, struct hook_counts *counts)
{
	*counts = (struct hook_counts){0};
	if (hooks == NULL)
		return;
	pthread_mutex_lock(&hooks->lock);
	*counts = hooks->counts;
	pthread_mutex_unlock(&hooks->lock);
}
