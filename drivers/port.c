// SPDX-License-Identifier: BSD-3-Clause
// The life of a port, top to bottom: plug (a driver makes the DPDK device), configure, queues,
// start; and back. What drivers differ in is in their own files behind `struct driver`.
#include "drivers/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "drivers/eal.h"
#include "drivers/guard.h"
#include "drivers/port_private.h"
#include "drivers/promiscuous.h"
#include "drivers/rss.h"
#include "drivers/vlan_filter.h"

static const struct driver *const drivers[] = {
	[PORT_DRIVER_PCI] = &pci_driver,
	[PORT_DRIVER_AF_XDP] = &af_xdp_driver,
	[PORT_DRIVER_AF_PACKET] = &af_packet_driver,
	[PORT_DRIVER_TAP] = &tap_driver,
	[PORT_DRIVER_MEMIF] = &memif_driver,
	[PORT_DRIVER_NULL] = &null_driver,
	[PORT_DRIVER_PCAP] = &pcap_driver,
};

const char *port_driver_name(enum port_driver driver)
{
	switch (driver) {
	case PORT_DRIVER_AUTO:
		return "auto";
	case PORT_DRIVER_PCI:
		return "pci";
	case PORT_DRIVER_AF_XDP:
		return "af_xdp";
	case PORT_DRIVER_AF_PACKET:
		return "af_packet";
	case PORT_DRIVER_TAP:
		return "tap";
	case PORT_DRIVER_MEMIF:
		return "memif";
	case PORT_DRIVER_NULL:
		return "null";
	case PORT_DRIVER_PCAP:
		return "pcap";
	}
	return "?";
}

int port_check_mac(const struct mac_addr *mac, struct error *err)
{
	static const struct mac_addr zero;
	char text[ADDR_STR_BYTES];

	mac_addr_str(mac, text);
	if ((mac->bytes[0] & 1) != 0)
		return error_set(err,
			"MAC %s cannot be a card's: the lowest bit of its first octet (%02x) is "
			"the group bit"
			" and says multicast; %02x would do",
			text, mac->bytes[0], mac->bytes[0] & 0xfe);
	if (memcmp(mac, &zero, sizeof(zero)) == 0)
		return error_set(err, "MAC %s is all zero, which is no address", text);
	return 0;
}

int port_check_argument(const char *text, const char *what, struct error *err)
{
	if (text[0] == '\0' || strpbrk(text, ",=[]\"' \t\n") != NULL)
		return error_set(err,
			"%s \"%s\" must not be empty or hold commas, brackets, quotes, blanks or =",
			what, text);
	return 0;
}

int port_match_netdev(struct port *port, const struct port_spec *spec, struct error *err)
{
	char address[16];

	if (spec->match_pci != NULL) {
		if (pci_parse(spec->match_pci, address, err) < 0)
			return -1;
		if (!pci_netdev(address, port->info.netdev, sizeof(port->info.netdev)))
			return error_set(err,
				"PCI device %s has no network device (not there, no kernel driver, "
				"or in another"
				" network namespace)",
				address);
		snprintf(port->info.pci, sizeof(port->info.pci), "%s", address);
	} else if (spec->match_name != NULL || spec->match_mac != NULL) {
		if (netdev_find(spec->match_name, spec->match_mac, port->info.netdev, err) < 0)
			return -1;
		if (!netdev_pci(port->info.netdev, port->info.pci))
			port->info.pci[0] = '\0';
	} else {
		return error_set(err,
			"it is not said which network device the port is: match it by name, MAC or"
			" PCI address");
	}
	return port_check_argument(port->info.netdev, "network device name", err);
}

uint16_t port_match_mtu(const char *name, const char *pci, const struct mac_addr *mac)
{
	char netdev[IFNAMSIZ], address[16];
	struct error unused;
	int mtu;

	if (pci != NULL) {
		if (pci_parse(pci, address, &unused) < 0 ||
			!pci_netdev(address, netdev, sizeof(netdev)))
			return 0;
	} else if ((name == NULL && mac == NULL) || netdev_find(name, mac, netdev, &unused) < 0) {
		return 0;
	}
	mtu = netdev_mtu(netdev);
	return mtu < 0 ? 0 : (uint16_t)RTE_MIN(mtu, PORT_MTU_MAX);
}

int port_plug_vdev(
	struct port *port, const char *pmd, const char *args, const char *what, struct error *err)
{
	char device[sizeof(port->device)];
	static unsigned serial;
	const char *said;
	int rc;

	snprintf(device, sizeof(device), "%s_%u", pmd, serial++);
	eal_hush();
	rc = rte_eal_hotplug_add("vdev", device, args);
	said = eal_unhush();
	if (rc < 0)
		return error_set(err, "%s: %s%s%s%s", what, strerror(-rc),
			said[0] != '\0' ? ": " : "", said,
			rc == -EPERM || geteuid() != 0
				? " (this needs root, or CAP_NET_RAW and CAP_NET_ADMIN)"
				: "");
	port->bus = "vdev";
	memcpy(port->device, device, sizeof(port->device));
	if (rte_eth_dev_get_port_by_name(device, &port->info.dpdk_port) < 0)
		return error_set(err, "%s: DPDK made no port of it", what);
	return 0;
}

// The common buffers were made for the ports of the start. One that comes later and fills its
// receive rings with them must leave what the others and the workers live on.
static int check_buffers(const struct port *port, struct error *err)
{
	enum port_driver kind = port->driver->kind;
	uint32_t wants = port->info.n_rxq * (uint32_t)PORT_RING_SLOTS, have;

	if (port->owns_pool || (kind != PORT_DRIVER_PCI && kind != PORT_DRIVER_TAP))
		return 0;
	have = rte_mempool_avail_count(port->pool);
	if (have >= wants + RTE_MIN((uint32_t)PORT_BUFFERS_LEFT, port->pool->size / 4))
		return 0;
	return error_set(err,
		"%u packet buffers are left, too few for its %u queues: they are made at the "
		"start, for the ports of the file",
		have, port->info.n_rxq);
}

static int configure(struct port *port, const struct port_spec *spec, struct error *err)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {0};
	uint16_t id = port->info.dpdk_port;
	uint16_t n_rxd = PORT_RING_SLOTS;
	uint16_t n_txd = PORT_RING_SLOTS;
	int rc;

	rc = rte_eth_dev_info_get(id, &info);
	if (rc < 0)
		return error_set(err, "DPDK knows nothing of it: %s", strerror(-rc));
	port->info.n_rxq = RTE_MIN(port->info.n_rxq, info.max_rx_queues);
	port->info.n_txq = RTE_MIN(port->info.n_txq, info.max_tx_queues);
	if (check_buffers(port, err) < 0)
		return -1;
	if ((info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) != 0 && !port->owns_pool)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	conf.intr_conf.rxq = port->driver->kind == PORT_DRIVER_TAP; // port_rx_fd
	if (port->driver->kind == PORT_DRIVER_PCI)
		conf.rxmode.mtu = port->info.mtu;
	rss_wish(&info, spec->is_outside, &conf);
	port->filters_vlans = vlan_filter_wish(&info, &conf);
	rc = rte_eth_dev_configure(id, port->info.n_rxq, port->info.n_txq, &conf);
	if (rc < 0 && conf.rxmode.mq_mode != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
		rc = rte_eth_dev_configure(id, port->info.n_rxq, port->info.n_txq, &conf);
	}
	if (rc < 0)
		return error_set(err, "%u and %u queues at MTU %u: %s", port->info.n_rxq,
			port->info.n_txq, port->info.mtu, strerror(-rc));
	port->is_configured = true;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(id, &n_rxd, &n_txd);
	for (uint16_t q = 0; q < port->info.n_txq && rc >= 0; q++)
		rc = rte_eth_tx_queue_setup(id, q, n_txd, SOCKET_ID_ANY, NULL);
	for (uint16_t q = 0; q < port->info.n_rxq && rc >= 0; q++)
		rc = rte_eth_rx_queue_setup(id, q, n_rxd, SOCKET_ID_ANY, NULL, port->pool);
	return rc < 0 ? error_set(err, "cannot set up its queues: %s", strerror(-rc)) : 0;
}

static int start(struct port *port, const struct port_spec *spec, struct error *err)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	uint16_t id = port->info.dpdk_port;
	int rc;

	if (port->driver->ready != NULL && port->driver->ready(port, spec, err) < 0)
		return -1;
	rc = rte_eth_dev_start(id);
	if (rc < 0)
		return error_set(err, "cannot start it: %s", strerror(-rc));
	port->is_started = port->was_started = true;
	// ND goes to as many groups as there are addresses, and hosts speak to more than we could
	// list; a card that cannot take all groups takes all frames
	if (port->driver->kind == PORT_DRIVER_PCI && rte_eth_allmulticast_enable(id) < 0)
		rte_eth_promiscuous_enable(id);
	vlan_filter_started(port);
	if (rte_eth_dev_info_get(id, &info) == 0)
		port->info.steers_by_rss = port->info.n_rxq > 1 &&
					   rss_apply(id, &info, port->info.n_rxq, spec->is_outside);
	if (rte_eth_macaddr_get(id, &mac) == 0)
		memcpy(port->info.mac.bytes, mac.addr_bytes, sizeof(port->info.mac.bytes));
	// Nothing filters by MAC behind these two, and they take no other: it is worn by us alone.
	if (spec->mac != NULL &&
		(port->driver->kind == PORT_DRIVER_NULL || port->driver->kind == PORT_DRIVER_PCAP))
		port->info.mac = *spec->mac;
	if (port->driver->started != NULL)
		return port->driver->started(port, err);
	return 0;
}

// Stops and removes what there is of the port, whichever step failed.
static void undo(struct port *port)
{
	eal_hush(); // what a driver says while it goes away concerns nobody
	if (port->is_started && port->driver->drain != NULL)
		port->driver->drain(port);
	guard_remove(port);
	promiscuous_remove(port);
	if (port->is_started)
		rte_eth_dev_stop(port->info.dpdk_port);
	if (port->device[0] != '\0')
		rte_eal_hotplug_remove(port->bus, port->device);
	eal_unhush();
	port->driver->unplug(port);
	rte_free(port);
}

// One try. `*may_pass` tells whether it is worth another.
static struct port *open_once(const struct driver *driver, const struct port_spec *spec,
	bool *may_pass, struct error *err)
{
	struct port *port = rte_zmalloc("port", sizeof(*port), RTE_CACHE_LINE_SIZE);
	struct error why;
	const char *said;
	int rc;

	*may_pass = false;
	if (port == NULL) {
		error_set(err, "no memory for a port");
		return NULL;
	}
	port->driver = driver;
	port->netdev.lock_fd = port->promiscuous_fd = -1;
	port->pool = drivers_pool();
	port->info.driver = driver->kind;
	port->info.is_outside = spec->is_outside;
	snprintf(port->info.name, sizeof(port->info.name), "%s", spec->name);
	if (driver->plug(port, spec, err) < 0)
		goto fail;
	eal_hush();
	rc = configure(port, spec, &why);
	if (rc == 0)
		rc = start(port, spec, &why);
	said = eal_unhush();
	if (rc == 0)
		return port;
	error_set(err, "%s%s%s: %s%s%s", port_driver_name(driver->kind),
		port->info.netdev[0] != '\0' ? " on " : "", port->info.netdev, why.text,
		said[0] != '\0' ? ": " : "", said);
	*may_pass = driver->failed != NULL && driver->failed(port, err);
fail:
	undo(port);
	return NULL;
}

static struct port *open_with(
	const struct driver *driver, const struct port_spec *spec, struct error *err)
{
	const uint64_t end = clock_now_ms() + PORT_RETRY_MS;
	struct port *port;
	bool may_pass;

	while ((port = open_once(driver, spec, &may_pass, err)) == NULL && may_pass &&
		clock_now_ms() < end)
		usleep(PORT_RETRY_PAUSE_MS * 1000);
	return port;
}

// From the fastest to the one that always works.
static struct port *open_auto(const struct port_spec *spec, struct error *err)
{
	static const enum port_driver order[] = {
		PORT_DRIVER_PCI, PORT_DRIVER_AF_XDP, PORT_DRIVER_AF_PACKET};
	const unsigned n = sizeof(order) / sizeof(order[0]);
	char part[32];

	snprintf(part, sizeof(part), "port %s", spec->name);
	for (unsigned i = 0; i < n; i++) {
		struct port *port = open_with(drivers[order[i]], spec, err);

		if (port != NULL) {
			log_info(part, "driver %s", port_driver_name(order[i]));
			return port;
		}
		if (i + 1 < n)
			log_info(part, "not driver %s: %s", port_driver_name(order[i]), err->text);
	}
	return NULL;
}

struct port *port_open(const struct port_spec *spec, struct error *err)
{
	struct port_spec s = *spec;
	struct error unused;

	if (err == NULL)
		err = &unused;
	if (!eal_is_running()) {
		error_set(err, "DPDK is not started");
		return NULL;
	}
	if (s.n_queues == 0)
		s.n_queues = 1;
	s.n_queues = RTE_MIN(s.n_queues, (uint16_t)PORT_QUEUES_MAX);
	if (s.mac != NULL && port_check_mac(s.mac, err) < 0)
		return NULL;
	if (s.mtu > eal_mtu_max()) {
		error_set(err, "MTU %u is larger than the %u that buffers were made for", s.mtu,
			eal_mtu_max());
		return NULL;
	}
	if (s.mtu != 0 && s.mtu < 68) {
		error_set(err, "MTU %u is below 68, the least IPv4 can work with (RFC 791)", s.mtu);
		return NULL;
	}
	if (s.driver == PORT_DRIVER_AUTO)
		return open_auto(&s, err);
	return open_with(drivers[s.driver], &s, err);
}

void port_close(struct port *port)
{
	if (port != NULL)
		undo(port);
}

const struct port_info *port_info(const struct port *port)
{
	return &port->info;
}

// AF_PACKET and AF_XDP open one socket a receive queue, in the order of the queues. DPDK names the
// descriptor of a TAP's queue itself.
int port_rx_fd(const struct port *port, uint16_t queue)
{
	if (queue >= port->info.n_rxq)
		return -1;
	if (port->sockets.n == port->info.n_rxq)
		return port->sockets.list[queue].fd;
	if (port->driver->kind == PORT_DRIVER_TAP)
		return rte_eth_dev_rx_intr_ctl_q_get_fd(port->info.dpdk_port, queue);
	return -1;
}

void port_link(const struct port *port, struct port_link *out)
{
	struct rte_eth_link link = {0};

	memset(out, 0, sizeof(*out));
	// These two drivers call the link up whatever the netdev says.
	if (port->netdev.lock_fd >= 0) {
		netdev_link(port->info.netdev, out);
		return;
	}
	if (rte_eth_link_get_nowait(port->info.dpdk_port, &link) < 0)
		return;
	out->is_up = link.link_status == RTE_ETH_LINK_UP;
	// A TAP that was given to another namespace is out of its driver's sight, yet works.
	if (port->driver->kind == PORT_DRIVER_TAP && if_nametoindex(port->info.netdev) == 0)
		out->is_up = true;
	out->is_full_duplex = link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
	if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
		out->speed_mbps = link.link_speed;
}

int port_stats(struct port *port, struct port_stats *out)
{
	struct rte_eth_stats s;
	int rc = rte_eth_stats_get(port->info.dpdk_port, &s);

	memset(out, 0, sizeof(*out));
	if (rc < 0)
		return rc;
	out->rx_packets = s.ipackets;
	out->rx_bytes = s.ibytes;
	out->tx_packets = s.opackets;
	out->tx_bytes = s.obytes;
	out->rx_missed = s.imissed;
	if (port->driver->missed != NULL)
		out->rx_missed += port->driver->missed(port);
	out->rx_nombuf = s.rx_nombuf;
	out->rx_errors = s.ierrors;
	out->tx_errors = s.oerrors;
	for (unsigned q = 0; q < PORT_QUEUES_MAX; q++) {
		out->rx_errors += __atomic_load_n(&port->guards[q].rx_dropped, __ATOMIC_RELAXED);
		out->tx_errors += __atomic_load_n(&port->guards[q].tx_dropped, __ATOMIC_RELAXED);
	}
	return 0;
}

int port_set_mtu(struct port *port, uint16_t mtu, struct error *err)
{
	int rc;

	if (mtu < 68)
		return error_set(
			err, "MTU %u is below 68, the least IPv4 can work with (RFC 791)", mtu);
	if (mtu > port->mtu_max)
		return error_set(err, "MTU %u is larger than %u, which port %s was opened for", mtu,
			port->mtu_max, port->info.name);
	if (port->netdev.lock_fd >= 0) {
		rc = netdev_set_mtu(port->info.netdev, mtu);
		if (rc == 0 && !port->netdev.has_mtu_before) {
			port->netdev.has_mtu_before = true;
			port->netdev.mtu_before = port->info.mtu;
		}
	} else if (port->driver->kind == PORT_DRIVER_PCI) {
		rc = rte_eth_dev_set_mtu(port->info.dpdk_port, mtu);
	} else {
		// no card behind it to tell, but a TAP's kernel end should know
		if (port->driver->kind == PORT_DRIVER_TAP)
			netdev_set_mtu(port->info.netdev, mtu);
		rc = 0;
	}
	if (rc < 0)
		return error_set(err, "port %s does not take MTU %u: %s", port->info.name, mtu,
			strerror(-rc));
	port->info.mtu = mtu;
	return 0;
}
