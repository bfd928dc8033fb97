// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "control/dns/dns_mail.h"

enum { PUTTERS = 4, WISHES = 2000 };

static unsigned n_freed;

struct dns_parts {
	unsigned n_done;
	unsigned seen[PUTTERS]; // the last number of each
	bool is_in_order;
};

struct numbered {
	unsigned putter, number;
};

static void note(struct dns_parts *parts, void *ctx)
{
	const struct numbered *wish = ctx;

	parts->is_in_order &= parts->seen[wish->putter] + 1 == wish->number;
	parts->seen[wish->putter] = wish->number;
	parts->n_done++;
}

static void count_free(void *ctx)
{
	n_freed++;
	free(ctx);
}

static struct dns_wish *wish_of(unsigned putter, unsigned number)
{
	struct numbered *ctx = malloc(sizeof(*ctx));

	assert_non_null(ctx);
	*ctx = (struct numbered){putter, number};
	return dns_wish_new(note, ctx, count_free);
}

static void turn(struct event_base *base)
{
	assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
}

static void wishes_are_done_in_turn(void **state)
{
	struct event_base *base = event_base_new();
	struct dns_parts parts = {.is_in_order = true};
	struct dns_mail *mail = dns_mail_new(base, &parts);
	struct dns_wish *wishes[3];

	for (unsigned i = 0; i < 3; i++) {
		wishes[i] = wish_of(0, i + 1);
		dns_mail_put(mail, wishes[i]);
		assert_false(dns_wish_is_over(wishes[i]));
	}
	turn(base);
	assert_int_equal(parts.n_done, 3);
	assert_true(parts.is_in_order);
	n_freed = 0;
	for (unsigned i = 0; i < 3; i++) {
		assert_true(dns_wish_is_over(wishes[i]));
		assert_true(dns_wish_is_over(wishes[i])); // and stays so
		assert_true(dns_wish_was_done(wishes[i]));
		dns_wish_leave(wishes[i]);
	}
	assert_int_equal(n_freed, 3);
	dns_mail_free(mail);
	event_base_free(base);
}

static void who_has_left_does_not_hold_it_up(void **state)
{
	struct event_base *base = event_base_new();
	struct dns_parts parts = {.is_in_order = true};
	struct dns_mail *mail = dns_mail_new(base, &parts);
	struct dns_wish *wish = wish_of(0, 1);

	n_freed = 0;
	dns_mail_put(mail, wish);
	dns_wish_leave(wish);
	assert_int_equal(n_freed, 0); // the thread will look at it
	turn(base);
	assert_int_equal(parts.n_done, 1);
	assert_int_equal(n_freed, 1);
	dns_wish_leave(wish_of(0, 2)); // that was never put
	assert_int_equal(n_freed, 2);
	dns_mail_free(mail);
	event_base_free(base);
}

static void what_is_left_in_the_box_is_over_and_not_done(void **state)
{
	struct event_base *base = event_base_new();
	struct dns_parts parts = {.is_in_order = true};
	struct dns_mail *mail = dns_mail_new(base, &parts);
	struct dns_wish *wish = wish_of(0, 1), *left = wish_of(0, 2);

	n_freed = 0;
	dns_mail_put(mail, wish);
	dns_mail_put(mail, left);
	dns_wish_leave(left);
	dns_mail_free(mail);
	dns_wish_wait(wish); // returns
	assert_false(dns_wish_was_done(wish));
	assert_int_equal(parts.n_done, 0);
	dns_wish_leave(wish);
	assert_int_equal(n_freed, 2);
	event_base_free(base);
}

// --- by several threads at once ---

struct putter {
	struct dns_mail *mail;
	unsigned number;
};

static void *put_many(void *arg)
{
	const struct putter *putter = arg;

	for (unsigned i = 1; i <= WISHES; i++) {
		struct dns_wish *wish = wish_of(putter->number, i);

		dns_mail_put(putter->mail, wish);
		if (i % 100 == 0)
			dns_wish_wait(wish);
		dns_wish_leave(wish);
	}
	return NULL;
}

static void none_is_lost_among_many(void **state)
{
	struct event_base *base = event_base_new();
	struct dns_parts parts = {.is_in_order = true};
	struct dns_mail *mail = dns_mail_new(base, &parts);
	struct putter putters[PUTTERS];
	pthread_t threads[PUTTERS];

	for (unsigned i = 0; i < PUTTERS; i++) {
		putters[i] = (struct putter){mail, i};
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, &putters[i]), 0);
	}
	while (parts.n_done < PUTTERS * WISHES)
		assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
	for (unsigned i = 0; i < PUTTERS; i++)
		pthread_join(threads[i], NULL);
	assert_true(parts.is_in_order); // each putter's, in the order in which it put them
	dns_mail_free(mail);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wishes_are_done_in_turn),
		cmocka_unit_test(who_has_left_does_not_hold_it_up),
		cmocka_unit_test(what_is_left_in_the_box_is_over_and_not_done),
		cmocka_unit_test(none_is_lost_among_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
