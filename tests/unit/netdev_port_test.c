// SPDX-License-Identifier: BSD-3-Clause
// Ports over real netdevs: what opening one does to the netdev, gives back, refuses and finds.
#include "tests/unit/netdev_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "tests/unit/must_open.h"

static const char *const self = "/proc/self/exe";

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
		shell("ip link set va up");
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

	shell("ip link set va up");
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

static void af_xdp_says_which_mtu_it_can_do(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AF_XDP);

	spec.mtu = 9000;
	must_refuse(&spec, "3434");
	spec.mtu = 3434;
	shell("ip link set vb mtu 3434");
	{
		struct port *port = must_open(&spec);

		exchange(port, 14 + 3434);
		port_close(port);
	}
}

static void af_xdp_names_what_the_kernel_does_not_like(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AF_XDP);

	shell("ip link del va");
	shell("ip link add va numrxqueues 1 type veth peer name vb numtxqueues 2");
	shell("ethtool -L vb tx 2");
	must_refuse(&spec, "peer tx queues");
}

static void what_the_machine_uses_is_refused(void **state)
{
	for (enum port_driver d = PORT_DRIVER_AF_XDP; d <= PORT_DRIVER_AF_PACKET; d++) {
		struct port_spec spec = spec_of(d);

		shell("ip addr add 198.18.0.1/24 dev va");
		must_refuse(&spec, "198.18.0.1");
		must_refuse(&spec, "ip addr flush dev va");
		shell("ip addr flush dev va");
		shell("ip addr add 2001:db8::1/64 dev va nodad");
		must_refuse(&spec, "2001:db8::1");
		shell("ip addr flush dev va");
		shell("ip link add br0 type bridge && ip link set va master br0");
		must_refuse(&spec, "br0");
		shell("ip link del br0");
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

	shell("ip link set va address 02:cc:00:00:00:01");
	spec.match_name = NULL;
	spec.match_mac = &mac;
	// a TAP of ours wears its port's MAC, and is not meant
	shell("ip tuntap add tap7 mode tap && ip link set tap7 address 02:cc:00:00:00:01");
	port = must_open(&spec);
	assert_string_equal(port_info(port)->netdev, "va");
	assert_string_equal(port_info(port)->pci, "");
	port_close(port);
	shell("ip link del tap7");
	shell("ip link set vb address 02:cc:00:00:00:01");
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
	shell("ip link set vb mtu 9000");
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

		shell("ip link set va up");
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
		shell("ip link del va");
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
		shell("ip link del va");
		make_veth(NULL);
	}
}

static void the_mtu_of_a_card_is_known_by_however_it_is_matched(void **state)
{
	static const struct mac_addr own = {{2, 0, 0, 0, 0, 0x77}};
	static const struct mac_addr absent = {{2, 0, 0, 0, 0, 0x78}};

	shell("ip link set va mtu 9000 address 02:00:00:00:00:77");
	assert_int_equal(port_match_mtu("va", NULL, NULL), 9000);
	assert_int_equal(port_match_mtu(NULL, NULL, &own), 9000);
	assert_int_equal(port_match_mtu("absent", NULL, NULL), 0);
	assert_int_equal(port_match_mtu(NULL, NULL, &absent), 0);
	assert_int_equal(port_match_mtu(NULL, "0000:ff:1f.6", NULL), 0);
	assert_int_equal(port_match_mtu(NULL, NULL, NULL), 0);
	shell("ip link set va mtu 20000");
	assert_int_equal(port_match_mtu("va", NULL, NULL), PORT_MTU_MAX);
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

	if (netdev_start(NULL) < 0)
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_VETH(the_mtu_of_a_card_is_known_by_however_it_is_matched),
		WITH_VETH(af_packet_opens_again_without_leaks),
		WITH_VETH(af_xdp_opens_again_without_leaks),
		WITH_VETH(af_packet_gives_back_as_it_was),
		WITH_VETH(af_xdp_gives_back_as_it_was),
		WITH_VETH(the_kernel_is_deaf_while_af_packet_is_open),
		WITH_VETH(the_kernel_is_deaf_while_af_xdp_is_open),
		WITH_VETH(af_xdp_says_which_mtu_it_can_do),
		WITH_VETH(af_xdp_names_what_the_kernel_does_not_like),
		WITH_VETH(what_the_machine_uses_is_refused),
		WITH_VETH(a_taken_netdev_is_refused),
		WITH_VETH(a_netdev_is_found_by_its_mac),
		WITH_VETH(auto_takes_a_driver_that_works),
		WITH_VETH(a_killed_process_leaves_nothing_in_the_way),
		WITH_VETH(two_processes_meet_on_the_wire_only),
	};

	if (argc == 3)
		return other_process(argv[1], argv[2]);
	if (!netdev_enter())
		return SKIPPED;
	if (argc == 2)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, netdev_start, netdev_stop);
}
