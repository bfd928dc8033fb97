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
#include "control/announce.h"
#include "tests/unit/kernel_fixture.h"
#include "tests/unit/recording_dataplane.h"

enum { SKIPPED = 77, LAN = 0 };

static const char config_text[] = "ports: {lan: {driver: 'null'}}\n"
				  "interfaces:\n"
				  "  lan: {port: lan, addresses: [198.18.0.1/16]}\n";

static const struct mac_addr far_mac = {{0x02, 0, 0, 0, 0xbb, 0x02}};

// ARP requests seen on the link since the last setup, and whether they are answered.
static unsigned n_requests, n_announcements, n_advertisements;
static bool is_answering;

static int setup(void **state)
{
	struct error err = {0};

	n_requests = n_announcements = n_advertisements = 0;
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

static bool is_announcement(const uint8_t *frame)
{
	struct ether_arp arp;

	memcpy(&arp, frame + ETH_HLEN, sizeof(arp));
	return memcmp(arp.arp_spa, arp.arp_tpa, 4) == 0;
}

// An unsolicited neighbour advertisement of our link-local address, as RFC 4861 4.4 wants it.
static void check_advertisement(const uint8_t *frame, size_t len)
{
	static const uint8_t link_local[16] = {
		0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0xaa, 0x01};
	static const uint8_t option[8] = {2, 1, 0x02, 0, 0, 0, 0xaa, 0x01};
	const uint8_t *ip = frame + ETH_HLEN, *icmp = ip + 40;

	if (len < ETH_HLEN + 40 + 32 || ip[6] != IPPROTO_ICMPV6 || icmp[0] != 136)
		return;
	assert_int_equal(ip[7], 255);
	assert_memory_equal(ip + 8, link_local, sizeof(link_local));
	assert_int_equal(icmp[4], 0xa0); // Router, Override
	assert_memory_equal(icmp + 8, link_local, sizeof(link_local));
	assert_memory_equal(icmp + 24, option, sizeof(option));
	n_advertisements++;
}

// The host at the far end, which has every address.
static void serve_link(void)
{
	int fd = kernel_router.interfaces.list[LAN].tap.fd;
	uint8_t frame[2048];
	ssize_t len;

	while ((len = read(fd, frame, sizeof(frame))) > 0) {
		if (len > ETH_HLEN && frame[12] == 0x86 && frame[13] == 0xdd)
			check_advertisement(frame, (size_t)len);
		if (len < ETH_HLEN + (ssize_t)sizeof(struct ether_arp) || frame[12] != 0x08 ||
			frame[13] != 0x06)
			continue;
		if (is_announcement(frame)) {
			n_announcements++;
			continue;
		}
		n_requests++;
		if (is_answering)
			answer(fd, frame);
	}
}

static struct ip_addr host(unsigned i)
{
	return (struct ip_addr){.family = IP_V4, .bytes = {198, 18, (uint8_t)(i >> 8), (uint8_t)i}};
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

// RFC 5227 2.3: two announcements, two seconds apart
static void our_address_is_announced_twice_when_it_comes_and_when_the_link_does(void **state)
{
	struct interfaces *interfaces = &kernel_router.interfaces;

	for (uint64_t now_ms = 1000; now_ms < 11000; now_ms += 100)
		announce_run(interfaces, now_ms);
	serve_link();
	assert_int_equal(n_announcements, 2);
	recording.link.is_up = false;
	interfaces_poll_links(interfaces);
	announce_run(interfaces, 20000);
	recording.link.is_up = true;
	interfaces_poll_links(interfaces);
	kernel_fixture_run(100);
	announce_run(interfaces, 30000);
	announce_run(interfaces, 31900);
	serve_link();
	assert_int_equal(n_announcements, 3);
	announce_run(interfaces, 32000);
	announce_run(interfaces, 40000);
	serve_link();
	assert_int_equal(n_announcements, 4);
}

static bool link_local_is_usable(void)
{
	return recording.interfaces[LAN].n_addresses == 2;
}

static void an_ipv6_address_is_advertised_once_it_is_known_to_be_unique(void **state)
{
	struct interfaces *interfaces = &kernel_router.interfaces;

	announce_run(interfaces, 1000);
	serve_link();
	assert_int_equal(n_advertisements, 0);
	assert_true(kernel_fixture_wait(link_local_is_usable, 5000));
	serve_link();
	n_advertisements = 0; // newer kernels send one of their own
	for (uint64_t now_ms = 10000; now_ms < 20000; now_ms += 100)
		announce_run(interfaces, now_ms);
	serve_link();
	assert_int_equal(n_advertisements, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wanted_neighbour_is_resolved_by_the_kernel),
		TEST(one_that_does_not_answer_is_given_up_and_leaves_the_kernels_table),
		TEST(a_scan_stays_within_its_limits_and_leaves_nothing),
		TEST(an_ipv6_address_is_advertised_once_it_is_known_to_be_unique),
		TEST(what_others_write_is_followed),
		TEST(our_address_is_announced_twice_when_it_comes_and_when_the_link_does),
		TEST(multicast_and_others_devices_are_left_alone),
		TEST(traffic_keeps_a_stale_neighbour_fresh),
		TEST(a_question_that_the_kernel_refuses_counts_as_failed),
	};

	if (!kernel_fixture_enter_namespace())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
