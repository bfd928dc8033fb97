// SPDX-License-Identifier: BSD-3-Clause
// Frames over real netdevs, driver by driver: each way, spread over queues, counted when lost.
#include "tests/unit/netdev_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <net/if.h>
#include <rte_ethdev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "drivers/steering.h"
#include "tests/unit/must_open.h"

static void frames_pass(enum port_driver driver)
{
	struct port_spec spec = spec_of(driver);
	struct port *port = must_open(&spec);
	const uint64_t end = clock_now_ms() + WAIT_MS;
	struct port_link link = {0};
	struct port_stats stats;

	while (!link.is_up && clock_now_ms() < end)
		port_link(port, &link);
	assert_true(link.is_up);
	assert_true(link.is_full_duplex);
	exchange(port, 60);
	exchange(port, FRAME_BYTES);
	exchange(port, 1514);
	assert_int_equal(port_stats(port, &stats), 0);
	assert_int_equal(stats.rx_packets, 3);
	assert_int_equal(stats.tx_packets, 3);
	assert_int_equal(stats.rx_bytes, 60 + FRAME_BYTES + 1514);
	shell("ip link set vb down");
	while (link.is_up && clock_now_ms() < end)
		port_link(port, &link);
	assert_false(link.is_up);
	port_close(port);
}

static void af_packet_carries_frames(void **state)
{
	frames_pass(PORT_DRIVER_AF_PACKET);
}

static void af_xdp_carries_frames(void **state)
{
	frames_pass(PORT_DRIVER_AF_XDP);
}

// Nobody reads: what was sent is received, missed or still in the ring, and nothing is unnamed.
static void frames_that_find_no_room_are_counted(enum port_driver driver)
{
	enum { SENT = 6000 }; // more than any ring holds
	struct port_spec spec = spec_of(driver);
	struct port *port = must_open(&spec);
	int fd = packet_socket("vb");
	const uint64_t end = clock_now_ms() + WAIT_MS;
	struct port_stats stats = {0};
	uint8_t f[FRAME_BYTES];
	uint64_t read = 0;

	exchange(port, FRAME_BYTES);
	fill(f, sizeof(f), 4, 1000, 2000, 0);
	for (unsigned i = 0; i < SENT; i++)
		assert_int_equal(send(fd, f, sizeof(f), 0), sizeof(f));
	while (read + stats.rx_missed < SENT && clock_now_ms() < end) {
		struct rte_mbuf *m;

		assert_int_equal(port_stats(port, &stats), 0);
		for (uint16_t q = 0; stats.rx_missed > 0 && q < port_info(port)->n_rxq; q++)
			while (rte_eth_rx_burst(port_info(port)->dpdk_port, q, &m, 1) == 1) {
				rte_pktmbuf_free(m);
				read++;
			}
	}
	assert_true(stats.rx_missed > 0);
	assert_int_equal(read + stats.rx_missed, SENT);
	assert_int_equal(port_stats(port, &stats), 0);
	assert_int_equal(read + stats.rx_missed, SENT);
	close(fd);
	port_close(port);
}

static void af_packet_counts_frames_that_find_no_room(void **state)
{
	frames_that_find_no_room_are_counted(PORT_DRIVER_AF_PACKET);
}

static void af_xdp_counts_frames_that_find_no_room(void **state)
{
	frames_that_find_no_room_are_counted(PORT_DRIVER_AF_XDP);
}

// Each flow of either family on the queue of its bucket, inside and outside.
static void af_packet_spreads_by_bucket(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AF_PACKET);
	unsigned seen[3] = {0};

	spec.n_queues = 3;
	for (unsigned side = 0; side < 2; side++) {
		int fd = packet_socket("vb");
		struct port *port;

		spec.is_outside = side == 1;
		port = must_open(&spec);
		assert_int_equal(port_info(port)->n_rxq, 3);
		assert_int_equal(port_info(port)->n_txq, 3);
		for (unsigned i = 0; i < 400; i++) {
			uint16_t ours = (uint16_t)(i * 163 + 7), theirs = (uint16_t)(i * 31);
			uint8_t f[FRAME_BYTES];
			struct rte_mbuf *m;
			uint16_t queue = UINT16_MAX;

			fill(f, sizeof(f), i % 2 == 0 ? 4 : 6, side ? theirs : ours,
				side ? ours : theirs, 0x4000);
			assert_int_equal(send(fd, f, sizeof(f), 0), sizeof(f));
			m = must_receive(port, &queue);
			assert_int_equal(queue, steering_worker(steering_bucket(ours), 3));
			seen[queue]++;
			rte_pktmbuf_free(m);
		}
		exchange(port, FRAME_BYTES); // sends on each tx queue
		port_close(port);
		close(fd);
	}
	for (unsigned q = 0; q < 3; q++)
		assert_in_range(seen[q], 200, 333);
}

// The kernel must not put fragments together on their way to us.
static void af_packet_leaves_fragments_alone(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AF_PACKET);
	int fd = packet_socket("vb");
	uint8_t f[2][14 + 20 + 1480];
	struct port *port;

	spec.n_queues = 2;
	port = must_open(&spec);
	fill(f[0], sizeof(f[0]), 4, 1, 2, 0x2000);
	fill(f[1], sizeof(f[1]), 4, 1, 2, 1480 / 8);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(send(fd, f[i], sizeof(f[i]), 0), sizeof(f[i]));
	for (unsigned i = 0; i < 2; i++) {
		uint16_t queue = UINT16_MAX;
		struct rte_mbuf *m = must_receive(port, &queue);

		assert_int_equal(queue, 0);
		assert_int_equal(m->pkt_len, sizeof(f[i]));
		assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), f[i], sizeof(f[i]));
		rte_pktmbuf_free(m);
	}
	close(fd);
	port_close(port);
}

static void af_packet_carries_jumbo_frames(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AF_PACKET);
	struct error err;
	struct port *port;

	shell("ip link set vb mtu 9000");
	spec.mtu = 9000;
	port = must_open(&spec);
	exchange(port, 9014);
	exchange(port, 60);
	assert_int_equal(port_set_mtu(port, 1500, &err), 0);
	assert_int_equal(port_set_mtu(port, 9000, &err), 0);
	exchange(port, 9014);
	port_close(port);
}

static void a_burst_is_sent_whole(enum port_driver driver)
{
	struct port_spec spec = spec_of(driver);
	struct port *port = must_open(&spec);
	int fd = packet_socket("vb");
	int bytes = 64 << 20;
	uint8_t f[1514];

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)), 0);
	fill(f, sizeof(f), 4, 1, 2, 0);
	for (unsigned burst = 0; burst < 8; burst++) {
		struct rte_mbuf *m[64];
		uint16_t sent = 0;

		assert_int_equal(rte_pktmbuf_alloc_bulk(drivers_pool(), m, 64), 0);
		for (unsigned i = 0; i < 64; i++)
			memcpy(rte_pktmbuf_append(m[i], sizeof(f)), f, sizeof(f));
		while (sent < 64)
			sent = (uint16_t)(sent + rte_eth_tx_burst(port_info(port)->dpdk_port, 0,
							 m + sent, (uint16_t)(64 - sent)));
	}
	for (unsigned i = 0; i < 8 * 64; i++)
		must_get(fd, f, sizeof(f));
	close(fd);
	port_close(port);
	assert_int_equal(rte_mempool_in_use_count(drivers_pool()), 0);
}

static void af_packet_sends_a_burst_whole(void **state)
{
	a_burst_is_sent_whole(PORT_DRIVER_AF_PACKET);
}

static void af_xdp_sends_a_burst_whole(void **state)
{
	a_burst_is_sent_whole(PORT_DRIVER_AF_XDP);
}

static void af_xdp_never_sends_what_does_not_fit(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AF_XDP);
	struct port *port = must_open(&spec);
	struct rte_mbuf *m[2];
	struct port_stats stats;
	uint8_t f[1000];
	int fd = packet_socket("vb");

	m[0] = rte_pktmbuf_alloc(drivers_pool());
	assert_non_null(rte_pktmbuf_append(m[0], 9000));
	memset(rte_pktmbuf_mtod(m[0], void *), 0xff, 9000);
	assert_int_equal(rte_eth_tx_burst(port_info(port)->dpdk_port, 0, m, 1), 1);
	assert_int_equal(port_stats(port, &stats), 0);
	assert_int_equal(stats.tx_errors, 1);
	// in two segments, it is put together
	fill(f, sizeof(f), 4, 5, 6, 0);
	assert_int_equal(rte_pktmbuf_alloc_bulk(drivers_pool(), m, 2), 0);
	memcpy(rte_pktmbuf_append(m[0], 400), f, 400);
	memcpy(rte_pktmbuf_append(m[1], 600), f + 400, 600);
	assert_int_equal(rte_pktmbuf_chain(m[0], m[1]), 0);
	assert_int_equal(rte_eth_tx_burst(port_info(port)->dpdk_port, 0, m, 1), 1);
	must_get(fd, f, sizeof(f));
	close(fd);
	port_close(port);
	assert_int_equal(rte_mempool_in_use_count(drivers_pool()), 0);
}

static void a_tap_port_has_a_host_behind_it(void **state)
{
	struct port_spec spec = {
		.name = "lan", .driver = PORT_DRIVER_TAP, .n_queues = 1, .tap_name = "host0"};
	struct port *port = must_open(&spec);
	struct mac_addr mac;
	uint8_t f[FRAME_BYTES];
	char line[64] = "";
	struct rte_mbuf *m;
	int fd;
	FILE *p;

	must_refuse(&spec, "already");
	shell("sysctl -qw net.ipv6.conf.host0.disable_ipv6=1; ip link set host0 up");
	fd = packet_socket("host0");
	p = popen("cat /sys/class/net/host0/address", "r");
	assert_non_null(fgets(line, sizeof(line), p));
	pclose(p);
	line[strcspn(line, "\n")] = '\0';
	assert_int_equal(mac_addr_parse(line, &mac), 0);
	assert_memory_not_equal(&mac, &port_info(port)->mac, sizeof(mac));
	fill(f, sizeof(f), 4, 1, 2, 0);
	must_send(port, 0, f, sizeof(f));
	must_get(fd, f, sizeof(f));
	assert_int_equal(send(fd, f, sizeof(f), 0), sizeof(f));
	do {
		m = must_receive(port, NULL);
	} while (m->pkt_len != sizeof(f) && (rte_pktmbuf_free(m), true));
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), f, sizeof(f));
	rte_pktmbuf_free(m);
	close(fd);
	port_close(port);
	assert_int_equal(if_nametoindex("host0"), 0);
}

static volatile sig_atomic_t n_signals;

static void count_signal(int signo)
{
	n_signals++;
}

// The driver would have a signal for each burst, which any thread of the process may get.
static void a_tap_port_interrupts_nobody(void **state)
{
	enum { FRAMES = 10 };
	const struct sigaction counting = {.sa_handler = count_signal};
	struct port_spec spec = {.name = "t", .driver = PORT_DRIVER_TAP, .tap_name = "host0"};
	struct port *port = must_open(&spec);
	struct sigaction before;
	uint8_t f[FRAME_BYTES];
	int signo, fd;

	shell("sysctl -qw net.ipv6.conf.host0.disable_ipv6=1; ip link set host0 up");
	fd = packet_socket("host0");
	signo = fcntl(port_rx_fd(port, 0), F_GETSIG);
	assert_int_equal(sigaction(signo > 0 ? signo : SIGIO, &counting, &before), 0);
	fill(f, sizeof(f), 4, 1, 2, 0);
	for (unsigned i = 0; i < FRAMES; i++)
		assert_int_equal(send(fd, f, sizeof(f), 0), sizeof(f));
	for (unsigned n = 0; n < FRAMES;) {
		struct rte_mbuf *m = must_receive(port, NULL);

		n += m->pkt_len == sizeof(f); // the kernel says a word of its own
		rte_pktmbuf_free(m);
	}
	assert_int_equal(sigaction(signo > 0 ? signo : SIGIO, &before, NULL), 0);
	assert_int_equal(n_signals, 0);
	close(fd);
	port_close(port);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_VETH(af_packet_carries_frames),
		WITH_VETH(af_xdp_carries_frames),
		WITH_VETH(af_packet_counts_frames_that_find_no_room),
		WITH_VETH(af_xdp_counts_frames_that_find_no_room),
		WITH_VETH(af_packet_spreads_by_bucket),
		WITH_VETH(af_packet_leaves_fragments_alone),
		WITH_VETH(af_packet_carries_jumbo_frames),
		WITH_VETH(af_packet_sends_a_burst_whole),
		WITH_VETH(af_xdp_sends_a_burst_whole),
		WITH_VETH(af_xdp_never_sends_what_does_not_fit),
		cmocka_unit_test(a_tap_port_has_a_host_behind_it),
		cmocka_unit_test(a_tap_port_interrupts_nobody),
	};

	if (!netdev_enter())
		return SKIPPED;
	if (argc == 2)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, netdev_start, netdev_stop);
}
