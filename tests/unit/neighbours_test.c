// SPDX-License-Identifier: BSD-3-Clause
// A real kernel resolves what workers want; the far end of the link is this test, by the TAP's
// descriptor.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "tests/unit/kernel_fixture.h"
#include "tests/unit/recording_dataplane.h"

enum { SKIPPED = 77, LAN = 0 };

static const char config_text[] = "ports: {lan: {driver: 'null'}}\n"
				  "interfaces:\n"
				  "  lan: {port: lan, addresses: [198.18.0.1/16]}\n";

static const struct mac_addr far_mac = {{0x02, 0, 0, 0, 0xbb, 0x02}};

// ARP requests seen on the link since the last setup, and whether they are answered.
static unsigned n_requests;
static bool is_answering;

static int setup(void **state)
{
	struct error err = {0};

	n_requests = 0;
	is_answering = true;
	if (kernel_fixture_start(config_text, &err) == 0) {
		shell("sysctl -qw net.ipv4.neigh.lan.delay_first_probe_time=1 "
		      "net.ipv4.neigh.lan.retrans_time_ms=200");
		return 0;
	}
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static int teardown(void **state)
{
	kernel_fixture_stop();
	return 0;
}

static void answer(int fd, const uint8_t *frame)
{
	uint8_t reply[ETH_HLEN + sizeof(struct ether_arp)];
	struct ether_arp asked, arp;

	memcpy(&asked, frame + ETH_HLEN, sizeof(asked));
	arp = asked;
	arp.ea_hdr.ar_op = htons(ARPOP_REPLY);
	memcpy(arp.arp_sha, far_mac.bytes, ETH_ALEN);
	memcpy(arp.arp_spa, asked.arp_tpa, 4);
	memcpy(arp.arp_tha, asked.arp_sha, ETH_ALEN);
	memcpy(arp.arp_tpa, asked.arp_spa, 4);
	memcpy(reply, asked.arp_sha, ETH_ALEN);
	memcpy(reply + ETH_ALEN, far_mac.bytes, ETH_ALEN);
	memcpy(reply + 12, frame + 12, 2);
	memcpy(reply + ETH_HLEN, &arp, sizeof(arp));
	assert_int_equal(write(fd, reply, sizeof(reply)), sizeof(reply));
}

// The host at the far end, which has every address.
static void serve_link(void)
{
	int fd = kernel_router.interfaces.list[LAN].tap.fd;
	uint8_t frame[2048];
	ssize_t len;

	while ((len = read(fd, frame, sizeof(frame))) > 0) {
		if (len < ETH_HLEN + (ssize_t)sizeof(struct ether_arp) || frame[12] != 0x08 ||
			frame[13] != 0x06)
			continue;
		n_requests++;
		if (is_answering)
			answer(fd, frame);
	}
}

static struct ip_addr host(unsigned i)
{
	return (struct ip_addr){.family = IP_V4, .v4 = {198, 18, (uint8_t)(i >> 8), (uint8_t)i}};
}

static void want(unsigned i)
{
	struct ip_addr addr = host(i);

	neighbours_want(&kernel_router.neighbours, LAN, &addr, clock_now_ms());
}

static bool host_9_is_known(void)
{
	serve_link();
	return recorded_neighbour(LAN, "198.18.0.9") != NULL;
}

static bool host_9_is_unknown(void)
{
	serve_link();
	return recorded_neighbour(LAN, "198.18.0.9") == NULL;
}

static void a_wanted_neighbour_is_resolved_by_the_kernel(void **state)
{
	want(9);
	assert_true(kernel_fixture_wait(host_9_is_known, 2000));
	assert_memory_equal(&recorded_neighbour(LAN, "198.18.0.9")->mac, &far_mac, sizeof(far_mac));
	assert_true(n_requests >= 1);
}

static bool something_was_given_up(void)
{
	serve_link();
	return recording.n_neighbour_deletes > 0;
}

static void one_that_does_not_answer_is_given_up_and_leaves_the_kernels_table(void **state)
{
	is_answering = false;
	want(9);
	assert_true(kernel_fixture_wait(something_was_given_up, 5000));
	kernel_fixture_run(100);
	assert_string_equal(shell("ip neigh show dev lan"), "");
	assert_int_equal(n_requests, 3);
	want(9); // asked again too soon
	kernel_fixture_run(100);
	serve_link();
	assert_int_equal(n_requests, 3);
}

static bool nothing_is_open(void)
{
	serve_link();
	neighbours_expire(&kernel_router.neighbours, clock_now_ms());
	return neighbour_table_count(kernel_router.neighbours.table) == 0;
}

static void a_scan_stays_within_its_limits_and_leaves_nothing(void **state)
{
	is_answering = false;
	for (unsigned i = 10; i < 2000; i++)
		want(i);
	kernel_fixture_run(100);
	serve_link();
	assert_int_equal(n_requests, NEIGHBOURS_ASK_MAX);
	assert_true(kernel_fixture_wait(nothing_is_open, 8000));
	assert_string_equal(shell("ip neigh show dev lan"), "");
}

static void what_others_write_is_followed(void **state)
{
	shell("ip neigh add 198.18.0.9 lladdr 02:00:00:00:cc:03 dev lan nud permanent");
	assert_true(kernel_fixture_wait(host_9_is_known, 2000));
	assert_int_equal(recorded_neighbour(LAN, "198.18.0.9")->mac.bytes[4], 0xcc);
	shell("ip neigh del 198.18.0.9 dev lan");
	assert_true(kernel_fixture_wait(host_9_is_unknown, 2000));
}

static void multicast_and_others_devices_are_left_alone(void **state)
{
	shell("ip tuntap add dev other mode tap && ip link set other up && "
	      "ip neigh add 198.18.77.1 lladdr 02:00:00:00:cc:04 dev other");
	kernel_fixture_run(200);
	for (unsigned i = 0; i < recording.n_neighbours; i++)
		assert_false(ip_addr_is_multicast(&recording.neighbours[i].addr));
	assert_null(recorded_neighbour(LAN, "198.18.77.1"));
	shell("ip link del other");
}

static bool host_9_is_reachable(void)
{
	serve_link();
	return strstr(shell("ip neigh show dev lan"), "REACHABLE") != NULL;
}

static void traffic_keeps_a_stale_neighbour_fresh(void **state)
{
	shell("ip neigh add 198.18.0.9 lladdr 02:00:00:00:bb:02 dev lan nud stale");
	assert_true(kernel_fixture_wait(host_9_is_known, 2000));
	neighbours_keep_fresh(&kernel_router.neighbours); // unused: nobody asks
	kernel_fixture_run(1500);
	serve_link();
	assert_int_equal(n_requests, 0);
	recording.used[0] = (struct recorded_neighbour){LAN, host(9), far_mac};
	recording.n_used = 1;
	neighbours_keep_fresh(&kernel_router.neighbours);
	assert_true(kernel_fixture_wait(host_9_is_reachable, 4000));
	assert_int_equal(n_requests, 1); // one unicast probe
	assert_non_null(recorded_neighbour(LAN, "198.18.0.9"));
}

static void a_question_that_the_kernel_refuses_counts_as_failed(void **state)
{
	shell("ip link del lan"); // which nobody has told us yet
	want(9);
	kernel_fixture_run(200);
	assert_true(recording.n_neighbour_deletes > 0);
	assert_int_equal(neighbour_table_counters(kernel_router.neighbours.table)->failed, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wanted_neighbour_is_resolved_by_the_kernel),
		TEST(one_that_does_not_answer_is_given_up_and_leaves_the_kernels_table),
		TEST(a_scan_stays_within_its_limits_and_leaves_nothing),
		TEST(what_others_write_is_followed),
		TEST(multicast_and_others_devices_are_left_alone),
		TEST(traffic_keeps_a_stale_neighbour_fresh),
		TEST(a_question_that_the_kernel_refuses_counts_as_failed),
	};

	if (!kernel_fixture_enter_namespace())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
