// SPDX-License-Identifier: BSD-3-Clause
// Sets that are filled by name: two threads, as in the router. ThreadSanitizer may look on.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "config_fixture.h"
#include "control/dns/dns_answer.h"
#include "control/dns/set_feed.h"
#include "recording_dataplane.h"

enum {
	ADDRESSES = 300, // several times what is taken at a time
	ANSWERS = 3000,
	FOLLOWS = 300,
	NAMES = 64,
	NOW = 1700000000,
};

static const char text[] = ROUTER "dns: {listen: lan}\n"
				  "sets: {sites: {names: [many.example, '*.below.example']}}\n";

static struct event_base *base;
static struct config *config;
static struct dataplane *dp;
static struct bans bans;
static struct set_feed *feed;

static int setup(void **state)
{
	struct error err;

	base = event_base_new();
	config = parse_good(text);
	dp = recording_reset();
	if (bans_open(&bans, config, NULL, NULL, dp, NOW, &err) != 0)
		return -1;
	feed = set_feed_new(base, &bans);
	return feed == NULL ? -1 : set_feed_follow(feed, config);
}

static int teardown(void **state)
{
	set_feed_free(feed);
	bans_close(&bans, NOW);
	config_free(config);
	event_base_free(base);
	recording_reset();
	return 0;
}

// An answer with `n` addresses from 198.18.`from` on.
static size_t write_answer(const char *name, unsigned from, unsigned n, uint8_t *out, size_t room)
{
	struct dns_message query = {.question = {.type = DNS_A, .class = DNS_CLASS_IN}};
	struct dns_answer answer;

	if (dns_name_parse(name, &query.question.name) != 0)
		return 0;
	dns_answer_begin(&answer, &query, out, room);
	for (unsigned i = from; i < from + n; i++) {
		struct ip_addr addr = {
			.family = IP_V4, .v4 = {198, 18, (uint8_t)(i >> 8), (uint8_t)i}};

		dns_answer_add_address(&answer, &query.question.name, 600, &addr);
	}
	return dns_answer_end(&answer, DNS_NOERROR, 0);
}

struct asker {
	atomic_bool is_done;
	bool may_leave;
	uint32_t n_there; // when it came back
	unsigned n_left;
};

static void *note_many(void *ctx)
{
	static uint8_t out[DNS_MESSAGE_BYTES];
	struct asker *asker = ctx;

	asker->may_leave = set_feed_note(
		feed, out, write_answer("many.example", 0, ADDRESSES, out, sizeof(out)));
	asker->n_there = recording.timed[0].n;
	atomic_store(&asker->is_done, true);
	return NULL;
}

// The control loop, until the other thread has done.
static void serve(struct asker *asker, void *(*fn)(void *ctx))
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fn, asker), 0);
	while (!atomic_load(&asker->is_done))
		event_base_loop(base, EVLOOP_NONBLOCK);
	pthread_join(thread, NULL);
}

static void every_address_of_an_answer_is_there_before_it_leaves(void **state)
{
	struct asker asker = {.is_done = false};

	serve(&asker, note_many);
	assert_true(asker.may_leave);
	assert_int_equal(asker.n_there, ADDRESSES);
}

static void an_answer_does_not_leave_when_control_is_too_late(void **state)
{
	static uint8_t out[DNS_UDP_BYTES];

	assert_false(
		set_feed_note(feed, out, write_answer("many.example", 0, 1, out, sizeof(out))));
	assert_int_equal(recording.timed[0].n, 0);
	// of another name nothing waits
	assert_true(
		set_feed_note(feed, out, write_answer("other.example", 0, 1, out, sizeof(out))));
}

static void *note_again_and_again(void *ctx)
{
	static uint8_t out[DNS_UDP_BYTES];
	struct asker *asker = ctx;

	for (unsigned i = 0; i < ANSWERS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%u.below.example", i % NAMES);
		asker->n_left +=
			set_feed_note(feed, out, write_answer(name, i % 512, 4, out, sizeof(out)));
	}
	atomic_store(&asker->is_done, true);
	return NULL;
}

// The names change all the time meanwhile.
static void names_change_while_answers_come(void **state)
{
	struct asker asker = {.is_done = false};
	unsigned n_followed = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, note_again_and_again, &asker), 0);
	while (!atomic_load(&asker.is_done)) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (n_followed < FOLLOWS)
			assert_int_equal(set_feed_follow(feed, config), 0);
		n_followed++;
	}
	pthread_join(thread, NULL);
	assert_int_equal(asker.n_left, ANSWERS);
	assert_int_equal(recording.timed[0].n, 512 + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_address_of_an_answer_is_there_before_it_leaves, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_answer_does_not_leave_when_control_is_too_late, setup, teardown),
		cmocka_unit_test_setup_teardown(names_change_while_answers_come, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
