// SPDX-License-Identifier: BSD-3-Clause
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/flow_cones.h"

enum { CAPACITY = 64, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };

static struct flow_cones cones;

static int setup(void **state)
{
	return flow_cones_init(&cones, CAPACITY, 0x1234567890abcdefu);
}

static int teardown(void **state)
{
	flow_cones_fini(&cones);
	return 0;
}

static struct flow_endpoint endpoint(const char *addr, uint16_t port_be, uint8_t protocol)
{
	struct flow_endpoint e = {.port_be = port_be, .protocol = protocol};

	assert_int_equal(ip_addr_parse(addr, &e.addr), 0);
	return e;
}

static bool leads_to(const struct flow_endpoint *outside, const struct flow_endpoint *inside)
{
	struct flow_endpoint found;

	return flow_cones_find(&cones, outside, &found) && found.port_be == inside->port_be &&
	       found.protocol == inside->protocol && ip_addr_equal(&found.addr, &inside->addr);
}

static void an_endpoint_is_its_address_port_and_protocol(void **state)
{
	static const struct {
		const char *outside, *inside;
		uint16_t port, inside_port;
		uint8_t protocol;
	} rows[] = {
		{"203.0.113.2", "198.18.0.7", 5000, 5001, PROTOCOL_UDP},
		{"203.0.113.2", "198.18.0.8", 5000, 5002, PROTOCOL_TCP},
		{"203.0.113.2", "198.18.0.7", 5003, 5000, PROTOCOL_UDP},
		{"203.0.113.3", "198.18.0.9", 5000, 5001, PROTOCOL_UDP},
		{"2001:db8::2", "2001:db8:1::7", 5000, 5001, PROTOCOL_UDP},
		{"2001:db8:0:0:1::2", "2001:db8:1::8", 5000, 5001, PROTOCOL_UDP},
	};
	struct flow_endpoint outside, inside;

	for (unsigned n = 0; n <= sizeof(rows) / sizeof(rows[0]); n++)
		for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			outside = endpoint(rows[i].outside, rows[i].port, rows[i].protocol);
			inside = endpoint(rows[i].inside, rows[i].inside_port, rows[i].protocol);
			if (i == n)
				flow_cones_add(&cones, &outside, &inside);
			assert_int_equal(leads_to(&outside, &inside), i <= n);
		}
	outside = endpoint("203.0.113.2", 5000, PROTOCOL_UDP);
	inside = endpoint("198.18.0.10", 1, PROTOCOL_UDP);
	flow_cones_add(&cones, &outside, &inside); // another's now
	assert_true(leads_to(&outside, &inside));
	flow_cones_remove(&cones, &outside);
	assert_false(leads_to(&outside, &inside));
	flow_cones_remove(&cones, &outside);
	outside = endpoint("203.0.113.2", 5000, PROTOCOL_TCP);
	inside = endpoint("198.18.0.8", 5002, PROTOCOL_TCP);
	assert_true(leads_to(&outside, &inside));
}

static void where_they_crowd_the_newest_is_known(void **state)
{
	struct flow_endpoint outside = endpoint("203.0.113.2", 0, PROTOCOL_UDP);
	struct flow_endpoint inside = endpoint("198.18.0.7", 0, PROTOCOL_UDP), found;
	unsigned n_known = 0;

	for (unsigned i = 0; i < 20 * CAPACITY; i++) {
		outside.port_be = (uint16_t)i;
		inside.port_be = (uint16_t)~i;
		flow_cones_add(&cones, &outside, &inside);
		assert_true(leads_to(&outside, &inside));
	}
	for (unsigned i = 0; i < 20 * CAPACITY; i++) {
		outside.port_be = (uint16_t)i;
		inside.port_be = (uint16_t)~i;
		n_known += leads_to(&outside, &inside);
		flow_cones_remove(&cones, &outside);
		assert_false(flow_cones_find(&cones, &outside, &found));
	}
	assert_in_range(n_known, CAPACITY / 2, CAPACITY + 4);
}

// --- read while it is written ---

static _Atomic bool must_stop;
static struct flow_endpoint changing, hosts[2];

static void *change(void *arg)
{
	for (unsigned i = 0; !atomic_load(&must_stop); i++) {
		flow_cones_add(&cones, &changing, &hosts[i & 1]);
		if (i % 16 == 0)
			flow_cones_remove(&cones, &changing);
	}
	return NULL;
}

static void nobody_reads_half_of_a_change(void **state)
{
	unsigned n_read = 0, n_of[2] = {0};
	pthread_t writer;

	changing = endpoint("2001:db8::2", 5000, PROTOCOL_UDP);
	hosts[0] = endpoint("2001:db8:1:1:1:1:1:1", 0x1111, PROTOCOL_UDP);
	hosts[1] = endpoint("2001:db8:2:2:2:2:2:2", 0x2222, PROTOCOL_UDP);
	atomic_store(&must_stop, false);
	assert_int_equal(pthread_create(&writer, NULL, change, NULL), 0);
	// either is seen in time, whatever cores there are
	while (n_read < 200000 || n_of[0] == 0 || n_of[1] == 0) {
		struct flow_endpoint found;
		unsigned which;

		n_read++;
		if (!flow_cones_find(&cones, &changing, &found))
			continue;
		which = found.port_be == 0x2222;
		assert_int_equal(found.port_be, hosts[which].port_be);
		assert_true(ip_addr_equal(&found.addr, &hosts[which].addr));
		n_of[which]++;
	}
	atomic_store(&must_stop, true);
	pthread_join(writer, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_endpoint_is_its_address_port_and_protocol),
		TEST(where_they_crowd_the_newest_is_known),
		TEST(nobody_reads_half_of_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
