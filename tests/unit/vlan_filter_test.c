// SPDX-License-Identifier: BSD-3-Clause
// Which cards are asked for VLANs, and a netdev that shows all frames for them.
#include "tests/unit/netdev_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drivers/port_private.h"
#include "drivers/vlan_filter.h"
#include "tests/unit/must_open.h"

static const uint8_t somebody[6] = {0x02, 0, 0, 0, 0, 0x77}, everybody[6] = {[0 ... 5] = 0xff},
		     group[6] = {0x33, 0x33, 0, 0, 0, 1};

static void cards_are_asked_that_filter_whatever_they_are_told(void **state)
{
	const uint64_t can = RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	const struct {
		const char *driver;
		uint64_t capa;
		bool wished;
	} rows[] = {
		{"net_virtio", can | RTE_ETH_RX_OFFLOAD_VLAN_STRIP, true},
		{"net_virtio", RTE_ETH_RX_OFFLOAD_VLAN_STRIP, false}, // its host filters none
		{"net_iavf", can, true},
		{"net_ixgbe_vf", can, true},
		{"net_ixgbe", can, false},
		{"net_e1000_igb_vf", can, true},
		{"net_e1000_igb", can, false},
		{"net_e1000_em", can, false},
		{"net_vmxnet3", can, false},
		{"mlx5_pci", can, false},
		{"net_af_packet", 0, false},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct rte_eth_dev_info info = {
			.driver_name = rows[i].driver, .rx_offload_capa = rows[i].capa};
		struct rte_eth_conf conf = {.rxmode.offloads = RTE_ETH_RX_OFFLOAD_SCATTER};

		print_message("    %s\n", rows[i].driver);
		assert_int_equal(vlan_filter_wish(&info, &conf), rows[i].wished);
		assert_true(conf.rxmode.offloads ==
			    (RTE_ETH_RX_OFFLOAD_SCATTER | (rows[i].wished ? can : 0)));
	}
}

static unsigned promiscuity(void)
{
	FILE *f = popen("ip -d link show va | grep -o 'promiscuity [0-9]*'", "r");
	unsigned n = 0;

	assert_int_equal(fscanf(f, "promiscuity %u", &n), 1);
	pclose(f);
	return n;
}

static void send_to(int fd, const uint8_t mac[6], uint16_t sport)
{
	uint8_t f[FRAME_BYTES];

	fill(f, sizeof(f), 4, sport, 9, 0);
	memcpy(f, mac, 6);
	assert_int_equal(write(fd, f, sizeof(f)), sizeof(f));
}

// The source port of the next frame that comes in.
static uint16_t next_sport(const struct port *port)
{
	uint16_t queue;
	struct rte_mbuf *m = must_receive(port, &queue);
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t sport = (uint16_t)(f[34] << 8 | f[35]);

	rte_pktmbuf_free(m);
	return sport;
}

static void vlans_make_a_netdev_promiscuous(enum port_driver driver)
{
	struct port_spec spec = spec_of(driver);
	struct port *port = must_open(&spec);
	unsigned before = promiscuity();
	int peer = packet_socket("vb");
	struct error err;

	// a veth filters nothing
	assert_false(port->netdev.offloads.filters_vlans);
	assert_int_equal(port_vlan_add(port, 20, &err), 0);
	assert_int_equal(promiscuity(), before);
	send_to(peer, somebody, 1);
	assert_int_equal(next_sport(port), 1);

	// as if it did
	port->netdev.offloads.filters_vlans = true;
	assert_int_equal(port_vlan_add(port, 20, &err), 0);
	assert_int_equal(port_vlan_add(port, 20, &err), 0);
	assert_int_equal(port_vlan_add(port, 4094, &err), 0);
	assert_int_equal(promiscuity(), before + 1);
	port_vlan_remove(port, 30); // never added
	port_vlan_remove(port, 20);
	assert_int_equal(promiscuity(), before + 1);

	// frames for others do not pass
	send_to(peer, somebody, 2);
	send_to(peer, port_info(port)->mac.bytes, 3);
	send_to(peer, somebody, 4);
	send_to(peer, everybody, 5);
	send_to(peer, group, 6);
	assert_int_equal(next_sport(port), 3);
	assert_int_equal(next_sport(port), 5);
	assert_int_equal(next_sport(port), 6);

	port_vlan_remove(port, 4094);
	assert_int_equal(promiscuity(), before);
	assert_int_equal(port_vlan_add(port, 0, &err), 0); // and again
	assert_int_equal(promiscuity(), before + 1);
	close(peer);
	port_close(port);
	assert_int_equal(promiscuity(), 0);

	// the next port of that number has no filter
	port = must_open(&spec);
	peer = packet_socket("vb");
	send_to(peer, somebody, 7);
	assert_int_equal(next_sport(port), 7);
	close(peer);
	port_close(port);
}

static void vlans_make_af_packets_netdev_promiscuous(void **state)
{
	vlans_make_a_netdev_promiscuous(PORT_DRIVER_AF_PACKET);
}

static void vlans_make_af_xdps_netdev_promiscuous(void **state)
{
	vlans_make_a_netdev_promiscuous(PORT_DRIVER_AF_XDP);
}

static void a_netdev_that_is_gone_does_not_get_vlans(void **state)
{
	struct port_spec spec = spec_of(PORT_DRIVER_AF_PACKET);
	struct port *port = must_open(&spec);
	struct error err;

	port->netdev.offloads.filters_vlans = true;
	port->netdev.ifindex = 12345;
	assert_int_equal(port_vlan_add(port, 20, &err), -1);
	assert_string_equal(err.text, "va does not become promiscuous: No such device");
	port_vlan_remove(port, 20);
	port_close(port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cards_are_asked_that_filter_whatever_they_are_told),
		WITH_VETH(vlans_make_af_packets_netdev_promiscuous),
		WITH_VETH(vlans_make_af_xdps_netdev_promiscuous),
		WITH_VETH(a_netdev_that_is_gone_does_not_get_vlans),
	};

	if (!netdev_enter())
		return SKIPPED;
	return cmocka_run_group_tests(tests, netdev_start, netdev_stop);
}
