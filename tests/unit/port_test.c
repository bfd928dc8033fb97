// SPDX-License-Identifier: BSD-3-Clause
// Ports that need no rights and no card, and what is refused before a card is touched. DPDK runs
// once for the whole file: it can be started only once in a process.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "tests/unit/must_open.h"

static int start(void **state)
{
	const struct drivers_options o = {.n_mbufs = 4096, .mtu_max = 1500, .main_core = -1};
	cpu_set_t before, after;
	struct error err;
	uint64_t t = clock_now_ms();

	log_set_level(LOG_LEVEL_WARNING);
	sched_getaffinity(0, sizeof(before), &before);
	if (drivers_start(&o, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	print_message("drivers_start took %u ms\n", (unsigned)(clock_now_ms() - t));
	sched_getaffinity(0, sizeof(after), &after);
	return CPU_EQUAL(&before, &after) ? 0 : -1;
}

static int stop(void **state)
{
	drivers_stop();
	drivers_stop(); // twice does no harm
	return 0;
}

static void a_mac_must_be_a_cards(void **state)
{
	static const struct {
		struct mac_addr mac;
		const char *word; // NULL: fine
	} rows[] = {
		{{{0x02, 0, 0, 0xaa, 0xbb, 0xcc}}, NULL},
		{{{0x00, 0x1b, 0x21, 0, 0, 1}}, NULL},
		{{{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff}}, NULL},
		{{{0, 0, 0, 0, 0, 1}}, NULL},
		{{{0, 0, 0, 0, 0, 0}}, "all zero"},
		{{{0x01, 0, 0x5e, 0, 0, 1}}, "group bit"},
		{{{0x03, 0, 0, 0, 0, 1}}, "02 would do"},
		{{{0x33, 0x33, 0, 0, 0, 1}}, "first octet (33)"},
		{{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, "lowest bit"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = {0};
		int rc = port_check_mac(&rows[i].mac, &err);

		assert_int_equal(rc, rows[i].word == NULL ? 0 : -1);
		if (rows[i].word != NULL)
			assert_non_null(strstr(err.text, rows[i].word));
	}
}

static void dpdk_starts_only_once(void **state)
{
	const struct drivers_options o = {.n_mbufs = 4096, .mtu_max = 1500, .main_core = -1};
	struct error err;

	assert_int_equal(drivers_start(&o, &err), -1);
	assert_non_null(strstr(err.text, "once"));
}

static void a_null_port_opens_again_and_again(void **state)
{
	const struct port_spec spec = {
		.name = "void", .driver = PORT_DRIVER_NULL, .n_queues = 2, .mtu = 1400};

	for (unsigned round = 0; round < 3; round++) {
		struct port *port = must_open(&spec);
		const struct port_info *info = port_info(port);
		struct rte_mbuf *m = rte_pktmbuf_alloc(drivers_pool());
		struct port_stats stats;
		struct port_link link;

		assert_string_equal(info->name, "void");
		assert_int_equal(info->driver, PORT_DRIVER_NULL);
		assert_int_equal(info->n_rxq, 2);
		assert_int_equal(info->n_txq, 2);
		assert_int_equal(info->mtu, 1400);
		port_link(port, &link);
		assert_true(link.is_up);
		rte_pktmbuf_append(m, 60);
		assert_int_equal(rte_eth_tx_burst(info->dpdk_port, 1, &m, 1), 1);
		assert_int_equal(rte_eth_rx_burst(info->dpdk_port, 0, &m, 1), 0);
		assert_int_equal(port_stats(port, &stats), 0);
		assert_int_equal(stats.tx_packets, 1);
		port_close(port);
	}
	assert_int_equal(rte_mempool_in_use_count(drivers_pool()), 0);
}

static void closing_no_port_is_fine(void **state)
{
	port_close(NULL);
}

static void a_port_takes_another_mtu_within_its_buffers(void **state)
{
	const struct port_spec spec = {.name = "void", .driver = PORT_DRIVER_NULL, .n_queues = 1};
	struct port *port = must_open(&spec);
	struct error err;

	assert_int_equal(port_info(port)->mtu, 1500);
	assert_int_equal(port_set_mtu(port, 1280, &err), 0);
	assert_int_equal(port_info(port)->mtu, 1280);
	assert_int_equal(port_set_mtu(port, 1501, &err), -1);
	assert_non_null(strstr(err.text, "1500"));
	assert_int_equal(port_set_mtu(port, 67, &err), -1);
	assert_int_equal(port_info(port)->mtu, 1280);
	port_close(port);
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct mac_addr group = {{1, 2, 3, 4, 5, 6}};
	static const struct mac_addr nobody = {{0x02, 0xde, 0xad, 0xbe, 0xef, 0x00}};
	struct port_spec s = {.name = "x", .driver = PORT_DRIVER_NULL, .mtu = 1501};

	must_refuse(&s, "1500");
	s.mtu = 60;
	must_refuse(&s, "68");
	s.mtu = 0;
	s.mac = &group;
	must_refuse(&s, "group bit");
	s.mac = NULL;
	for (enum port_driver d = PORT_DRIVER_AUTO; d <= PORT_DRIVER_AF_PACKET; d++) {
		s.driver = d;
		s.match_name = s.match_pci = NULL;
		s.match_mac = NULL;
		must_refuse(&s, "match it by");
		s.match_name = "nosuchdev0";
		must_refuse(&s, "no network device nosuchdev0");
		s.match_name = "a-name-longer-than-15";
		must_refuse(&s, "no network device");
		s.match_name = NULL;
		s.match_mac = &nobody;
		must_refuse(&s, "02:de:ad:be:ef:00");
		s.match_mac = NULL;
		s.match_pci = "zz:00.0";
		must_refuse(&s, "no PCI address");
		s.match_pci = "0000:ff:1f.6";
		must_refuse(&s, "0000:ff:1f.6");
	}
	s.match_pci = NULL;
	s.match_name = "lo";
	s.driver = PORT_DRIVER_AF_PACKET;
	must_refuse(&s, "not an Ethernet device");
	s.driver = PORT_DRIVER_PCI;
	must_refuse(&s, "lo");
	s.driver = PORT_DRIVER_MEMIF;
	must_refuse(&s, "socket");
	s.memif_socket = "/tmp/a,b";
	must_refuse(&s, "commas");
	s.driver = PORT_DRIVER_PCAP;
	must_refuse(&s, "file");
	s.pcap_rx = "/nonexistent/x.pcap";
	must_refuse(&s, "/nonexistent/x.pcap");
}

// A pcap file (libpcap's format, microseconds) of one frame of 64 bytes whose last says 42.
static void write_pcap(const char *path)
{
	const uint32_t head[] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, 1};
	const uint32_t record[] = {0, 0, 64, 64};
	uint8_t frame[64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	frame[63] = 42;
	assert_int_equal(fwrite(head, sizeof(head), 1, f), 1);
	assert_int_equal(fwrite(record, sizeof(record), 1, f), 1);
	assert_int_equal(fwrite(frame, sizeof(frame), 1, f), 1);
	assert_int_equal(fclose(f), 0);
}

static void a_pcap_port_repeats_its_file(void **state)
{
	char path[] = "/tmp/port_test_XXXXXX";
	struct port_spec spec = {.name = "file", .driver = PORT_DRIVER_PCAP, .pcap_repeat = true};
	struct rte_mbuf *m[8];
	struct port *port;

	assert_true(close(mkstemp(path)) == 0);
	write_pcap(path);
	spec.pcap_rx = path;
	port = must_open(&spec);
	for (unsigned round = 0; round < 4; round++) {
		uint16_t n = rte_eth_rx_burst(port_info(port)->dpdk_port, 0, m, 8);

		assert_true(n > 0);
		for (uint16_t i = 0; i < n; i++) {
			assert_int_equal(m[i]->pkt_len, 64);
			assert_int_equal(rte_pktmbuf_mtod(m[i], uint8_t *)[63], 42);
		}
		rte_pktmbuf_free_bulk(m, n);
	}
	port_close(port);
	unlink(path);
	assert_int_equal(rte_mempool_in_use_count(drivers_pool()), 0);
}

// What `millrace show drops` calls drop_port_no_buffer.
static void a_frame_that_finds_no_buffer_is_counted(void **state)
{
	char path[] = "/tmp/port_test_XXXXXX";
	struct port_spec spec = {.name = "file", .driver = PORT_DRIVER_PCAP};
	static struct rte_mbuf *all[8192];
	struct port_stats stats;
	struct rte_mbuf *m;
	struct port *port;
	unsigned n = 0;

	assert_true(close(mkstemp(path)) == 0);
	write_pcap(path);
	spec.pcap_rx = path;
	port = must_open(&spec);
	while (n < sizeof(all) / sizeof(all[0]) &&
		(all[n] = rte_pktmbuf_alloc(drivers_pool())) != NULL)
		n++;
	assert_int_equal(port_stats(port, &stats), 0);
	assert_int_equal(stats.rx_nombuf, 0);
	assert_int_equal(rte_eth_rx_burst(port_info(port)->dpdk_port, 0, &m, 1), 0);
	assert_int_equal(port_stats(port, &stats), 0);
	assert_int_equal(stats.rx_nombuf, 1);
	rte_pktmbuf_free_bulk(all, n);
	port_close(port);
	unlink(path);
	assert_int_equal(rte_mempool_in_use_count(drivers_pool()), 0);
}

static void two_memif_ports_carry_frames(void **state)
{
	struct port_spec spec = {.name = "server", .driver = PORT_DRIVER_MEMIF, .n_queues = 1};
	const uint64_t end = clock_now_ms() + 5000;
	char path[64];
	struct port *server, *client;
	struct rte_mbuf *m = rte_pktmbuf_alloc(drivers_pool());
	struct port_link link = {0};

	snprintf(path, sizeof(path), "@millrace-test-%d", getpid());
	spec.memif_socket = path;
	spec.memif_is_server = true;
	server = must_open(&spec);
	spec.memif_is_server = false;
	client = must_open(&spec);
	while (!link.is_up && clock_now_ms() < end) {
		usleep(1000);
		port_link(client, &link);
	}
	assert_true(link.is_up);
	memset(rte_pktmbuf_append(m, 100), 7, 100);
	assert_int_equal(rte_eth_tx_burst(port_info(client)->dpdk_port, 0, &m, 1), 1);
	while (rte_eth_rx_burst(port_info(server)->dpdk_port, 0, &m, 1) == 0)
		assert_true(clock_now_ms() < end);
	assert_int_equal(m->pkt_len, 100);
	assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[99], 7);
	rte_pktmbuf_free(m);
	port_close(client);
	port_close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mac_must_be_a_cards),
		cmocka_unit_test(dpdk_starts_only_once),
		cmocka_unit_test(a_null_port_opens_again_and_again),
		cmocka_unit_test(closing_no_port_is_fine),
		cmocka_unit_test(a_port_takes_another_mtu_within_its_buffers),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_pcap_port_repeats_its_file),
		cmocka_unit_test(a_frame_that_finds_no_buffer_is_counted),
		cmocka_unit_test(two_memif_ports_carry_frames),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
