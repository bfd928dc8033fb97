// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns_mail.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

// Two hold a wish: who put it, and the box. The last to let go frees it.
enum { HOLDERS = 2 };

struct dns_wish {
	struct dns_wish *next; // that was put before, or NULL
	dns_wish_fn fn;
	void *ctx;
	void (*free_ctx)(void *ctx);
	sem_t over;
	bool is_over, was_done; // of who put it; before `over`
	bool was_put;
	atomic_uint holders;
};

struct dns_mail {
	struct dns_parts *parts;
	int fd; // readable: there is something in it
	struct event *event;
	_Atomic(struct dns_wish *) last;
};

// --- wishes ---

struct dns_wish *dns_wish_new(dns_wish_fn fn, void *ctx, void (*free_ctx)(void *ctx))
{
	struct dns_wish *wish = calloc(1, sizeof(*wish));

	if (wish == NULL)
		return NULL;
	wish->fn = fn;
	wish->ctx = ctx;
	wish->free_ctx = free_ctx;
	sem_init(&wish->over, 0, 0);
	atomic_init(&wish->holders, HOLDERS);
	return wish;
}

static void let_go(struct dns_wish *wish, unsigned n)
{
	if (atomic_fetch_sub(&wish->holders, n) > n)
		return;
	sem_destroy(&wish->over);
	if (wish->free_ctx != NULL)
		wish->free_ctx(wish->ctx);
	free(wish);
}

bool dns_wish_is_over(struct dns_wish *wish)
{
	if (!wish->is_over)
		wish->is_over = sem_trywait(&wish->over) == 0;
	return wish->is_over;
}

void dns_wish_wait(struct dns_wish *wish)
{
	while (!wish->is_over)
		wish->is_over = sem_wait(&wish->over) == 0; // or a signal came
}

bool dns_wish_was_done(const struct dns_wish *wish)
{
	return wish->is_over && wish->was_done;
}

void dns_wish_leave(struct dns_wish *wish)
{
	if (wish != NULL)
		let_go(wish, wish->was_put ? 1 : HOLDERS);
}

static void end_wish(struct dns_wish *wish, bool was_done)
{
	wish->was_done = was_done;
	sem_post(&wish->over);
	let_go(wish, 1);
}

// --- the box ---

// All that is in it, the first one first.
static struct dns_wish *take_all(struct dns_mail *mail)
{
	struct dns_wish *wish = atomic_exchange(&mail->last, NULL), *first = NULL;

	while (wish != NULL) {
		struct dns_wish *before = wish->next;

		wish->next = first;
		first = wish;
		wish = before;
	}
	return first;
}

static void on_mail(evutil_socket_t fd, short what, void *ctx)
{
	struct dns_mail *mail = ctx;
	eventfd_t ignored;

	eventfd_read(fd, &ignored);
	for (struct dns_wish *wish = take_all(mail), *next; wish != NULL; wish = next) {
		next = wish->next;
		wish->fn(mail->parts, wish->ctx);
		end_wish(wish, true);
	}
}

struct dns_mail *dns_mail_new(struct event_base *base, struct dns_parts *parts)
{
	struct dns_mail *mail = calloc(1, sizeof(*mail));

	if (mail == NULL)
		return NULL;
	mail->parts = parts;
	mail->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mail->fd >= 0)
		mail->event = event_new(base, mail->fd, EV_READ | EV_PERSIST, on_mail, mail);
	if (mail->event != NULL && event_add(mail->event, NULL) == 0)
		return mail;
	dns_mail_free(mail);
	return NULL;
}

void dns_mail_free(struct dns_mail *mail)
{
	if (mail == NULL)
		return;
	for (struct dns_wish *wish = take_all(mail), *next; wish != NULL; wish = next) {
		next = wish->next;
		end_wish(wish, false);
	}
	if (mail->event != NULL)
		event_free(mail->event);
	if (mail->fd >= 0)
		close(mail->fd);
	free(mail);
}

void dns_mail_put(struct dns_mail *mail, struct dns_wish *wish)
{
	wish->was_put = true;
	wish->next = atomic_load(&mail->last);
	while (!atomic_compare_exchange_weak(&mail->last, &wish->next, wish))
		;
	eventfd_write(mail->fd, 1);
}
