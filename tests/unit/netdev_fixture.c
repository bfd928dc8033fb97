// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/netdev_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"

// DPDK's AF_XDP driver never gives its umem's description back.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:xsk_umem__create";
}

void shell(const char *fmt, ...)
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
int make_veth(void **state)
{
	shell("ip link add va type veth peer name vb");
	shell("sysctl -qw net.ipv6.conf.vb.disable_ipv6=1");
	shell("ethtool -K vb tx off tso off gso off gro off >/dev/null");
	shell("ip link set vb up");
	return 0;
}

int remove_veth(void **state)
{
	return system("ip link del va");
}

struct port_spec spec_of(enum port_driver driver)
{
	return (struct port_spec){.name = "p", .driver = driver, .match_name = "va", .n_queues = 1};
}

// A veth's end sends nothing, and says nothing of it, until the kernel has taken notice of its
// link: up to a second after it came.
static void wait_for_link(int fd, const char *netdev)
{
	const uint64_t end = clock_now_ms() + LINK_MS;
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", netdev);
	while (ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) == 0 &&
		clock_now_ms() < end)
		usleep(1000);
}

int packet_socket(const char *netdev)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(netdev)};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	int on = 1;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), 0);
	wait_for_link(fd, netdev);
	return fd;
}

void fill(uint8_t *f, size_t bytes, int version, uint16_t sport, uint16_t dport, uint16_t frag)
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

struct rte_mbuf *must_receive(const struct port *port, uint16_t *queue)
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

void must_send(const struct port *port, uint16_t queue, const uint8_t *frame, size_t bytes)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(drivers_pool());

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)bytes), frame, bytes);
	assert_int_equal(rte_eth_tx_burst(port_info(port)->dpdk_port, queue, &m, 1), 1);
}

void must_get(int fd, const uint8_t *frame, size_t bytes)
{
	static uint8_t got[10000];
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(recv(fd, got, sizeof(got), 0), bytes);
	assert_memory_equal(got, frame, bytes);
}

void exchange(const struct port *port, size_t bytes)
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

int netdev_start(void **state)
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

int netdev_stop(void **state)
{
	drivers_stop();
	return 0;
}

bool netdev_enter(void)
{
	// /sys shows the network namespace it was mounted in
	if (geteuid() == 0 && unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
		mount("", "/", NULL, MS_PRIVATE | MS_REC, NULL) == 0 &&
		mount("sysfs", "/sys", "sysfs", 0, NULL) == 0)
		return true;
	print_message("skipped: this needs root, for a network namespace\n");
	return false;
}
