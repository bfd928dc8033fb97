// SPDX-License-Identifier: BSD-3-Clause
// From one config of the forwarder to another, while its thread is busy: who hands over goes on.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/addr.h"
#include "control/dns/dns_change.h"
#include "control/learned_dns.h"
#include "tests/unit/config_fixture.h"

enum { LIMIT_SEC = 60 }; // of all tests: who waits for what does not come ends by SIGALRM

static struct learned_dns learned;

static struct config *config_of(const char *dns)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s%s\n", ROUTER, dns);
	return parse_good(text);
}

static void learn(const char *interface, uint32_t rank, const char *server)
{
	struct learned_dns_entry entry = {.rank = rank, .n_servers = 1};

	snprintf(entry.interface, sizeof(entry.interface), "%s", interface);
	snprintf(entry.by, sizeof(entry.by), "dhcp4");
	assert_int_equal(ip_addr_parse(server, &entry.servers[0]), 0);
	assert_int_equal(learned_dns_set(&learned, &entry), 0);
}

// --- what the thread does ---

struct pause {
	sem_t has_begun, may_end;
};

static void hold(struct dns_parts *parts, void *ctx)
{
	struct pause *pause = ctx;

	sem_post(&pause->has_begun);
	sem_wait(&pause->may_end);
}

// From here on the thread does nothing, as if it had too much to do.
static struct dns_wish *keep_busy(struct dns *dns, struct pause *pause)
{
	struct dns_wish *wish = dns_wish_new(hold, pause, NULL);

	sem_init(&pause->has_begun, 0, 0);
	sem_init(&pause->may_end, 0, 0);
	dns_put(dns, wish);
	assert_int_equal(sem_wait(&pause->has_begun), 0);
	return wish;
}

static void expect_upstreams(struct dns *dns, unsigned n, const char *const *names)
{
	struct dns_state *state = malloc(sizeof(*state));
	struct dns_wish *wish = dns_wish_new(dns_tell_state, state, free);

	dns_put(dns, wish);
	dns_wish_wait(wish);
	assert_true(dns_wish_was_done(wish));
	assert_int_equal(state->n_upstreams, n);
	for (unsigned i = 0; i < n; i++)
		assert_string_equal(state->upstreams[i].name, names[i]);
	dns_wish_leave(wish);
}

static int change(struct dns **dns, const char *text, struct error *err)
{
	struct config *config = config_of(text);
	int rc = dns_change_now(dns, &config->dns, &learned, NULL, NULL, err);

	config_free(config); // all that it needs it has copied
	return rc;
}

static const char first_text[] = "dns: {listen: lan, upstreams: 203.0.113.53}",
		  second_text[] = "dns: {listen: lan, upstreams: [203.0.113.1, 203.0.113.2]}";

static void one_config_follows_another(void **state)
{
	struct error err = {0};
	struct dns *dns = NULL;

	assert_int_equal(change(&dns, first_text, &err), 0);
	expect_upstreams(dns, 1, (const char *[]){"203.0.113.53"});
	assert_int_equal(change(&dns, second_text, &err), 0);
	expect_upstreams(dns, 2, (const char *[]){"203.0.113.1", "203.0.113.2"});
	assert_int_equal(change(&dns, "", &err), 0); // without `dns`
	assert_null(dns);
}

static void what_cannot_be_made_leaves_the_old_one(void **state)
{
	struct error err = {0};
	struct dns *dns = NULL;

	// by its own thread, and by the one that makes it ready
	assert_int_equal(
		change(&dns, "dns: {listen: lan, dnssec: true, trust-anchor: /nowhere}", &err), -1);
	assert_null(dns);
	assert_non_null(strstr(err.text, "/nowhere"));
	assert_int_equal(change(&dns, first_text, &err), 0);
	assert_int_equal(
		change(&dns, "dns: {listen: lan, dnssec: true, trust-anchor: /nowhere}", &err), -1);
	assert_int_equal(change(&dns,
				 "dns: {listen: lan, tls-certificates: /nowhere, "
				 "upstreams: 203.0.113.1 tls dns.example.net}",
				 &err),
		-1);
	expect_upstreams(dns, 1, (const char *[]){"203.0.113.53"});
	dns_free(dns);
}

static void who_hands_over_does_not_wait_for_the_thread(void **state)
{
	struct config *config = config_of(second_text), *third;
	struct error err = {0};
	struct dns_change *to, *vain;
	struct dns *dns = NULL;
	struct dns_wish *busy;
	struct pause pause;

	assert_int_equal(change(&dns, first_text, &err), 0);
	to = dns_change_begin(dns, &config->dns, &learned, NULL, NULL, &err);
	assert_int_equal(dns_change_prepare(to, &err), 0);
	third = config_of(first_text);
	vain = dns_change_begin(dns, &third->dns, &learned, NULL, NULL, &err);
	assert_int_equal(dns_change_prepare(vain, &err), 0);

	busy = keep_busy(dns, &pause);
	assert_ptr_equal(dns_change_commit(to, &learned), dns);
	dns_relearn(dns, &learned);
	assert_false(dns_wish_is_over(busy)); // all of it while the thread was busy
	sem_post(&pause.may_end);

	dns_change_end(to); // in force by then
	expect_upstreams(dns, 2, (const char *[]){"203.0.113.1", "203.0.113.2"});
	dns_change_end(vain); // made ready, and not wanted
	expect_upstreams(dns, 2, (const char *[]){"203.0.113.1", "203.0.113.2"});
	dns_wish_leave(busy);
	dns_free(dns);
	config_free(config);
	config_free(third);
}

static void what_is_learned_is_asked(void **state)
{
	struct config *config = config_of("dns: {listen: lan, upstreams: learned, records: "
					  "[{name: nas, addresses: 198.18.0.5}]}");
	struct error err = {0};
	struct dns_change *to;
	struct dns *dns = NULL;

	learn("wan", 100, "198.51.100.1");
	to = dns_change_begin(dns, &config->dns, &learned, NULL, NULL, &err);
	assert_int_equal(dns_change_prepare(to, &err), 0);
	learn("lte", 50, "198.51.100.2"); // after it has looked
	dns = dns_change_commit(to, &learned);
	dns_change_end(to);
	expect_upstreams(dns, 1, (const char *[]){"198.51.100.2"});
	config_free(config);
	// and without any config to read
	learned_dns_forget(&learned, "lte", "dhcp4");
	dns_relearn(dns, &learned);
	expect_upstreams(dns, 1, (const char *[]){"198.51.100.1"});
	learned_dns_forget(&learned, "wan", "dhcp4");
	dns_relearn(dns, &learned);
	expect_upstreams(dns, 0, NULL); // nobody is asked then
	dns_free(dns);
	learned_dns_fini(&learned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_config_follows_another),
		cmocka_unit_test(what_cannot_be_made_leaves_the_old_one),
		cmocka_unit_test(who_hands_over_does_not_wait_for_the_thread),
		cmocka_unit_test(what_is_learned_is_asked),
	};

	alarm(LIMIT_SEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
