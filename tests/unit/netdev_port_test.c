// SPDX-License-Identifier: BSD-3-Clause
// Ports over real netdevs: veth pairs in a network namespace of the test's own, frames through
// rte_eth_{rx,tx}_burst on one end and a packet socket on the other. Needs root, else is skipped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "drivers/port.h"
#include "drivers/steering.h"

enum {
	SKIPPED = 77, // meson's word for it
	WAIT_MS = 3000,
	FRAME_BYTES = 100,
};

// DPDK's AF_XDP driver never gives its umem's description back.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:xsk_umem__create";
}

static const char *const self = "/proc/self/exe";

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("%s", command);
}

// Our end `va`, the other `vb`, as a wire: no offloads, no addresses of the kernel's making.
static int make_veth(void **state)
{
	run("ip link add va type veth peer name vb");
	run("sysctl -qw net.ipv6.conf.vb.disable_ipv6=1");
	run("ethtool -K vb tx off tso off gso off gro off >/dev/null");
	run("ip link set vb up");
	return 0;
}

static int remove_veth(void **state)
{
	return system("ip link del va");
}

static struct port *must_open(const struct port_spec *spec)
{
	struct error err;
	struct port *port = port_open(spec, &err);

	if (port == NULL)
		fail_msg("%s", err.text);
	return port;
}

static void must_refuse(const struct port_spec *spec, const char *word)
{
	struct error err = {0};

	assert_null(port_open(spec, &err));
	print_message("    %s\n", err.text);
	if (strstr(err.text, word) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, word);
}

static struct port_spec spec_of(enum port_driver driver)
{
	return (struct port_spec){.name = "p", .driver = driver, .match_name = "va", .n_queues = 1};
}

static int packet_socket(const char *netdev)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(netdev)};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	int on = 1;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), 0);
	return fd;
}

// A UDP packet, IPv4 with `version` 4, 6 otherwise; `frag` is the IPv4 flags and offset field.
static void fill(
	uint8_t *f, size_t bytes, int version, uint16_t sport, uint16_t dport, uint16_t frag)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 0xa, 2, 0, 0, 0, 0, 0xb};
	uint8_t *l4 = f + 14 + (version == 4 ? 20 : 40);

	memset(f, 0, bytes);
	memcpy(f, macs, 12);
	f[12] = version == 4 ? 0x08 : 0x86;
	f[13] = version == 4 ? 0x00 : 0xdd;
	if (version == 4) {
		f[14] = 0x45;
		f[16] = (uint8_t)((bytes - 14) >> 8);
		f[17] = (uint8_t)(bytes - 14);
		f[20] = (uint8_t)(frag >> 8);
		f[21] = (uint8_t)frag;
		f[22] = 64;
		f[23] = 17;
		memcpy(f + 26, (uint8_t[]){198, 18, 0, 2, 198, 18, 0, 1}, 8);
	} else {
		f[14] = 0x60;
		f[18] = (uint8_t)((bytes - 54) >> 8);
		f[19] = (uint8_t)(bytes - 54);
		f[20] = 17;
		f[21] = 64;
		memcpy(f + 22, (uint8_t[]){0x20, 0x01, 0x0d, 0xb8, [15] = 2}, 16);
		memcpy(f + 38, (uint8_t[]){0x20, 0x01, 0x0d, 0xb8, [15] = 1}, 16);
	}
	l4[0] = (uint8_t)(sport >> 8);
	l4[1] = (uint8_t)sport;
	l4[2] = (uint8_t)(dport >> 8);
	l4[3] = (uint8_t)dport;
	f[bytes - 1] = 0x5a;
}

// Waits for one frame on any queue, tells which; fails the test when none comes.
static struct rte_mbuf *must_receive(const struct port *port, uint16_t *queue)
{
	const struct port_info *info = port_info(port);
	const uint64_t end = clock_now_ms() + WAIT_MS;
	struct rte_mbuf *m;

	while (clock_now_ms() < end) {
		for (uint16_t q = 0; q < info->n_rxq; q++) {
			if (rte_eth_rx_burst(info->dpdk_port, q, &m, 1) == 1) {
				if (queue != NULL)
					*queue = q;
				return m;
			}
		}
		usleep(50);
	}
	fail_msg("no frame came");
	return NULL;
}

static void must_send(const struct port *port, uint16_t queue, const uint8_t *frame, size_t bytes)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(drivers_pool());

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)bytes), frame, bytes);
	assert_int_equal(rte_eth_tx_burst(port_info(port)->dpdk_port, queue, &m, 1), 1);
}

static void must_get(int fd, const uint8_t *frame, size_t bytes)
{
	static uint8_t got[10000];
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(recv(fd, got, sizeof(got), 0), bytes);
	assert_memory_equal(got, frame, bytes);
}

// `bytes` of one frame each way, the whole of it compared.
static void exchange(const struct port *port, size_t bytes)
{
	static uint8_t frame[10000];
	int fd = packet_socket("vb");
	struct rte_mbuf *m;

	fill(frame, bytes, 4, 1000, 2000, 0);
	assert_int_equal(send(fd, frame, bytes, 0), bytes);
	m = must_receive(port, NULL);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->pkt_len, bytes);
	assert_int_equal(m->data_len, bytes);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), frame, bytes);
	rte_pktmbuf_free(m);
	for (uint16_t q = 0; q < port_info(port)->n_txq; q++) {
		must_send(port, q, frame, bytes);
		must_get(fd, frame, bytes);
	}
	close(fd);
}

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
	run("ip link set vb down");
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

static unsigned count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void opens_again_without_leaks(enum port_driver driver)
{
	struct port_spec spec = spec_of(driver);
	unsigned fds = 0;

	for (unsigned round = 0; round < 6; round++) {
		uint64_t t = clock_now_ms();
		struct port *port = must_open(&spec);

		t = clock_now_ms() - t;
		exchange(port, FRAME_BYTES);
		port_close(port);
		if (round == 0)
			fds = count_fds();
		if (round == 5)
			print_message("    opened in %u ms\n", (unsigned)t);
	}
	assert_int_equal(count_fds(), fds);
	assert_int_equal(rte_mempool_in_use_count(drivers_pool()), 0);
}

static void af_packet_opens_again_without_leaks(void **state)
{
	opens_again_without_leaks(PORT_DRIVER_AF_PACKET);
}

static void af_xdp_opens_again_without_leaks(void **state)
{
	opens_again_without_leaks(PORT_DRIVER_AF_XDP);
	// the pools of the closed ports are gone too
	assert_null(rte_mempool_lookup("xdp0"));
}

// Everything about the netdev that opening changes.
static void describe(char *out, size_t bytes)
{
	FILE *f = popen("ip -d link show va | grep -v state | sed 's/promiscuity.*numtx/numtx/';"
			"ip link show va | grep -o '<.*> mtu [0-9]*';"
			"cat /proc/sys/net/ipv6/conf/va/disable_ipv6; ethtool -k va; tc qdisc show "
			"dev va | grep -v noqueue; :",
		"r");
	size_t n = fread(out, 1, bytes - 1, f);

	out[n] = '\0';
	pclose(f);
	assert_true(n > 100);
}

static void gives_back_as_it_was(enum port_driver driver, bool was_up)
{
	static const struct mac_addr mac = {{0x02, 0xaa, 0, 0, 0, 1}};
	static char before[16384], during[16384], after[16384];
	struct port_spec spec = spec_of(driver);
	struct port *port;

	if (was_up)
		run("ip link set va up");
	usleep(20000);
	describe(before, sizeof(before));
	spec.mac = &mac;
	spec.mtu = 1400;
	port = must_open(&spec);
	assert_memory_equal(&port_info(port)->mac, &mac, sizeof(mac));
	assert_int_equal(port_info(port)->mtu, 1400);
	describe(during, sizeof(during));
	assert_non_null(strstr(during, "02:aa:00:00:00:01"));
	assert_non_null(strstr(during, "mtu 1400"));
	assert_non_null(strstr(during, "clsact"));
	assert_non_null(strstr(during, "generic-receive-offload: off"));
	assert_non_null(strstr(during, "tcp-segmentation-offload: off"));
	port_close(port);
	usleep(20000);
	describe(after, sizeof(after));
	assert_string_equal(before, after);
}

static void af_packet_gives_back_as_it_was(void **state)
{
	gives_back_as_it_was(PORT_DRIVER_AF_PACKET, false);
	gives_back_as_it_was(PORT_DRIVER_AF_PACKET, true);
}

static void af_xdp_gives_back_as_it_was(void **state)
{
	gives_back_as_it_was(PORT_DRIVER_AF_XDP, false);
	gives_back_as_it_was(PORT_DRIVER_AF_XDP, true);
}

// A DHCP client's broadcast needs no address on our side: the kernel's own socket gets it unless
// the netdev is taken.
static bool kernel_hears_broadcast(void)
{
	uint8_t f[FRAME_BYTES];
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(67)};
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	int raw = packet_socket("vb");
	struct pollfd p = {.fd = udp, .events = POLLIN};
	uint32_t sum = 0;
	bool heard;

	assert_int_equal(bind(udp, (struct sockaddr *)&any, sizeof(any)), 0);
	fill(f, sizeof(f), 4, 68, 67, 0);
	memset(f, 0xff, 6);
	memset(f + 26, 0, 4);
	memset(f + 30, 0xff, 4);
	f[38] = 0;
	f[39] = sizeof(f) - 34;
	for (unsigned i = 14; i < 34; i += 2)
		sum += (uint32_t)(f[i] << 8 | f[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	f[24] = (uint8_t)(~sum >> 8);
	f[25] = (uint8_t)~sum;
	assert_int_equal(send(raw, f, sizeof(f), 0), sizeof(f));
	heard = poll(&p, 1, 300) == 1;
	close(udp);
	close(raw);
	return heard;
}

static void kernel_is_deaf_while_open(enum port_driver driver)
{
	struct port_spec spec = spec_of(driver);
	struct port *port;

	run("ip link set va up");
	assert_true(kernel_hears_broadcast());
	port = must_open(&spec);
	assert_false(kernel_hears_broadcast());
	rte_pktmbuf_free(must_receive(port, NULL)); // but we are not
	port_close(port);
	assert_true(kernel_hears_broadcast());
}

static void the_kernel_is_deaf_while_af_packet_is_open(void **state)
{
	kernel_is_deaf_while_open(PORT_DRIVER_AF_PACKET);
}

static void the_kernel_is_deaf_while_af_xdp_is_open(void **state)
{
	kernel_is_deaf_while_open(PORT_DRIVER_AF_XDP);
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

	run("ip link set vb mtu 9000");
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

static void af_xdp_says_which_mtu_it_can_do(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AF_XDP);

	spec.mtu = 9000;
	must_refuse(&spec, "3434");
	spec.mtu = 3434;
	run("ip link set vb mtu 3434");
	{
		struct port *port = must_open(&spec);

		exchange(port, 14 + 3434);
		port_close(port);
	}
}

static void af_xdp_names_what_the_kernel_does_not_like(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AF_XDP);

	run("ip link del va");
	run("ip link add va numrxqueues 1 type veth peer name vb numtxqueues 2");
	run("ethtool -L vb tx 2");
	must_refuse(&spec, "peer tx queues");
}

static void what_the_machine_uses_is_refused(void **state)
{
	for (enum port_driver d = PORT_DRIVER_AF_XDP; d <= PORT_DRIVER_AF_PACKET; d++) {
		struct port_spec spec = spec_of(d);

		run("ip addr add 198.18.0.1/24 dev va");
		must_refuse(&spec, "198.18.0.1");
		must_refuse(&spec, "ip addr flush dev va");
		run("ip addr flush dev va");
		run("ip addr add 2001:db8::1/64 dev va nodad");
		must_refuse(&spec, "2001:db8::1");
		run("ip addr flush dev va");
		run("ip link add br0 type bridge && ip link set va master br0");
		must_refuse(&spec, "br0");
		run("ip link del br0");
		port_close(must_open(&spec)); // nothing was left behind
	}
}

static void a_taken_netdev_is_refused(void **state)
{
	for (enum port_driver d = PORT_DRIVER_AF_XDP; d <= PORT_DRIVER_AF_PACKET; d++) {
		struct port_spec spec = spec_of(d);
		struct port *port = must_open(&spec);

		must_refuse(&spec, "already taken");
		spec.driver = PORT_DRIVER_AF_PACKET;
		must_refuse(&spec, "already taken");
		exchange(port, FRAME_BYTES); // and was not disturbed
		port_close(port);
	}
}

static void a_netdev_is_found_by_its_mac(void **state)
{
	struct mac_addr mac = {{0x02, 0xcc, 0, 0, 0, 1}};
	struct port_spec spec = spec_of(PORT_DRIVER_AF_PACKET);
	struct port *port;

	run("ip link set va address 02:cc:00:00:00:01");
	spec.match_name = NULL;
	spec.match_mac = &mac;
	// a TAP of ours wears its port's MAC, and is not meant
	run("ip tuntap add tap7 mode tap && ip link set tap7 address 02:cc:00:00:00:01");
	port = must_open(&spec);
	assert_string_equal(port_info(port)->netdev, "va");
	assert_string_equal(port_info(port)->pci, "");
	port_close(port);
	run("ip link del tap7");
	run("ip link set vb address 02:cc:00:00:00:01");
	must_refuse(&spec, "more than one");
}

static void auto_takes_a_driver_that_works(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AUTO);
	struct port *port = must_open(&spec);

	assert_int_equal(port_info(port)->driver, PORT_DRIVER_AF_XDP);
	exchange(port, FRAME_BYTES);
	port_close(port);
	spec.mtu = 9000;
	run("ip link set vb mtu 9000");
	port = must_open(&spec);
	assert_int_equal(port_info(port)->driver, PORT_DRIVER_AF_PACKET);
	exchange(port, 9014);
	port_close(port);
}

static void a_killed_process_leaves_nothing_in_the_way(void **state)
{
	for (enum port_driver d = PORT_DRIVER_AF_XDP; d <= PORT_DRIVER_AF_PACKET; d++) {
		struct port_spec spec = spec_of(d);
		static char before[16384], after[16384];
		struct port *port;
		int ready[2];
		char byte;
		pid_t pid;

		run("ip link set va up");
		usleep(20000);
		describe(before, sizeof(before));
		assert_int_equal(pipe(ready), 0);
		pid = fork();
		if (pid == 0) {
			dup2(ready[1], STDOUT_FILENO);
			close(ready[0]);
			execl(self, "port", "hold",
				d == PORT_DRIVER_AF_XDP ? "af_xdp" : "af_packet", (char *)NULL);
			_exit(1);
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		must_refuse(&spec, "already taken");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(ready[0]);
		port = must_open(&spec);
		exchange(port, FRAME_BYTES);
		port_close(port);
		usleep(20000);
		describe(after, sizeof(after));
		// only what ethtool turned off cannot be known any more
		*strstr(before, "Features for") = *strstr(after, "Features for") = '\0';
		assert_string_equal(before, after);
		run("ip link del va");
		make_veth(NULL);
	}
}

// Another process with DPDK of its own answers on the other end.
static void two_processes_meet_on_the_wire_only(void **state)
{
	for (enum port_driver d = PORT_DRIVER_AF_XDP; d <= PORT_DRIVER_AF_PACKET; d++) {
		struct port_spec spec = spec_of(d);
		struct port *port = must_open(&spec);
		uint8_t f[FRAME_BYTES];
		int ready[2];
		char byte;
		pid_t pid;

		assert_int_equal(pipe(ready), 0);
		pid = fork();
		if (pid == 0) {
			dup2(ready[1], STDOUT_FILENO);
			close(ready[0]);
			execl(self, "port", "echo",
				d == PORT_DRIVER_AF_XDP ? "af_xdp" : "af_packet", (char *)NULL);
			_exit(1);
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		fill(f, sizeof(f), 4, 1, 2, 0);
		for (unsigned i = 0; i < 100; i++) {
			struct rte_mbuf *m;

			f[50] = (uint8_t)i;
			must_send(port, 0, f, sizeof(f));
			m = must_receive(port, NULL);
			assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[50], i);
			rte_pktmbuf_free(m);
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(ready[0]);
		port_close(port);
		run("ip link del va");
		make_veth(NULL);
	}
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
	run("sysctl -qw net.ipv6.conf.host0.disable_ipv6=1; ip link set host0 up");
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

static int start_drivers(void)
{
	const struct drivers_options o = {
		.n_mbufs = 8192, .mtu_max = 9000, .main_core = -1, .try_hugepages = true};
	struct error err;

	log_set_level(getenv("VERBOSE") ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
	if (drivers_start(&o, &err) == 0)
		return 0;
	print_error("%s\n", err.text);
	return -1;
}

// The other process: "hold va" until killed, or "echo" what comes in on vb.
static int other_process(const char *what, const char *driver)
{
	bool is_echo = strcmp(what, "echo") == 0;
	struct port_spec spec = {.name = "o",
		.driver =
			strcmp(driver, "af_xdp") == 0 ? PORT_DRIVER_AF_XDP : PORT_DRIVER_AF_PACKET,
		.match_name = is_echo ? "vb" : "va",
		.n_queues = 1};
	const uint64_t end = clock_now_ms() + 20000;
	struct error err;
	struct port *port;

	if (start_drivers() < 0)
		return 1;
	port = port_open(&spec, &err);
	if (port == NULL) {
		print_error("%s\n", err.text);
		return 1;
	}
	if (write(STDOUT_FILENO, "r", 1) != 1)
		return 1;
	while (clock_now_ms() < end) {
		struct rte_mbuf *m;

		usleep(20);
		if (is_echo && rte_eth_rx_burst(port_info(port)->dpdk_port, 0, &m, 1) == 1 &&
			rte_eth_tx_burst(port_info(port)->dpdk_port, 0, &m, 1) != 1)
			rte_pktmbuf_free(m);
	}
	return 1;
}

static int group_start(void **state)
{
	return start_drivers();
}

static int group_stop(void **state)
{
	drivers_stop();
	return 0;
}

static void the_mtu_of_a_card_is_known_by_however_it_is_matched(void **state)
{
	static const struct mac_addr own = {{2, 0, 0, 0, 0, 0x77}};
	static const struct mac_addr absent = {{2, 0, 0, 0, 0, 0x78}};

	run("ip link set va mtu 9000 address 02:00:00:00:00:77");
	assert_int_equal(port_match_mtu("va", NULL, NULL), 9000);
	assert_int_equal(port_match_mtu(NULL, NULL, &own), 9000);
	assert_int_equal(port_match_mtu("absent", NULL, NULL), 0);
	assert_int_equal(port_match_mtu(NULL, NULL, &absent), 0);
	assert_int_equal(port_match_mtu(NULL, "0000:ff:1f.6", NULL), 0);
	assert_int_equal(port_match_mtu(NULL, NULL, NULL), 0);
	run("ip link set va mtu 20000");
	assert_int_equal(port_match_mtu("va", NULL, NULL), PORT_MTU_MAX);
}

#define WITH_VETH(test) cmocka_unit_test_setup_teardown(test, make_veth, remove_veth)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_VETH(the_mtu_of_a_card_is_known_by_however_it_is_matched),
		WITH_VETH(af_packet_carries_frames),
		WITH_VETH(af_xdp_carries_frames),
		WITH_VETH(af_packet_counts_frames_that_find_no_room),
		WITH_VETH(af_xdp_counts_frames_that_find_no_room),
		WITH_VETH(af_packet_opens_again_without_leaks),
		WITH_VETH(af_xdp_opens_again_without_leaks),
		WITH_VETH(af_packet_gives_back_as_it_was),
		WITH_VETH(af_xdp_gives_back_as_it_was),
		WITH_VETH(the_kernel_is_deaf_while_af_packet_is_open),
		WITH_VETH(the_kernel_is_deaf_while_af_xdp_is_open),
		WITH_VETH(af_packet_spreads_by_bucket),
		WITH_VETH(af_packet_leaves_fragments_alone),
		WITH_VETH(af_packet_carries_jumbo_frames),
		WITH_VETH(af_packet_sends_a_burst_whole),
		WITH_VETH(af_xdp_sends_a_burst_whole),
		WITH_VETH(af_xdp_never_sends_what_does_not_fit),
		WITH_VETH(af_xdp_says_which_mtu_it_can_do),
		WITH_VETH(af_xdp_names_what_the_kernel_does_not_like),
		WITH_VETH(what_the_machine_uses_is_refused),
		WITH_VETH(a_taken_netdev_is_refused),
		WITH_VETH(a_netdev_is_found_by_its_mac),
		WITH_VETH(auto_takes_a_driver_that_works),
		WITH_VETH(a_killed_process_leaves_nothing_in_the_way),
		WITH_VETH(two_processes_meet_on_the_wire_only),
		cmocka_unit_test(a_tap_port_has_a_host_behind_it),
	};

	if (argc == 3)
		return other_process(argv[1], argv[2]);
	// /sys shows the network namespace it was mounted in
	if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
		mount("", "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0 ||
		mount("sysfs", "/sys", "sysfs", 0, NULL) < 0) {
		print_message("skipped: this needs root, for a network namespace\n");
		return SKIPPED;
	}
	if (argc == 2)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, group_start, group_stop);
}
