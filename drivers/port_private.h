// SPDX-License-Identifier: BSD-3-Clause
// An open port as the drivers see it. port.c calls a driver's functions in the order they stand
// in `struct driver`; each leaves in the port what the next and the closing need. Control thread.
#pragma once

#include <rte_ethdev.h>

#include "drivers/netdev.h"
#include "drivers/pci.h"
#include "drivers/pmd_sockets.h"
#include "drivers/port.h"

enum {
	PORT_RING_SLOTS = 1024,
	PORT_QUEUES_MAX = 64,
	PORT_BUFFERS_LEFT = 2048, // in the common pool, when a port has filled its rings
	PORT_RETRY_MS = 1000,
	PORT_RETRY_PAUSE_MS = 20
};

// Frames that guard.c kept from a worker or a driver, one line each as workers write them.
struct guard_count {
	uint64_t rx_dropped;
	uint64_t tx_dropped;
	uint32_t frame_max;
	struct rte_mempool *pool;
	const struct rte_eth_rxtx_callback *rx;
	const struct rte_eth_rxtx_callback *tx;
} __rte_cache_aligned;

struct port {
	struct port_info info;
	const struct driver *driver;
	const char *bus;      // DPDK's: "vdev" or "pci"
	char device[64];      // its name there; "" before it is plugged
	struct netdev netdev; // info.netdev != "": taken while lock_fd >= 0
	struct pci pci;
	bool has_mac_before; // of a PCI card that wears another
	struct rte_ether_addr mac_before;
	struct rte_mempool *pool; // what it receives into
	bool owns_pool;
	uint32_t pool_size; // buffers at home when it was made
	struct pmd_sockets sockets;
	struct pmd_sockets sockets_before;
	struct pmd_sockets bpf;	       // BPF objects made with them
	struct pmd_sockets bpf_before; // those there were before, first at opening, then at closing
	uint32_t channels_before;      // 0: untouched
	uint16_t mtu_max;	       // what buffers and frames were sized for
	bool owns_xdp;		       // what XDP program is on the netdev is ours to take off
	bool filters_vlans;	       // by the pci driver: unless it was asked for them
	uint64_t vlans[64];	       // asked for, where the netdev filters them: bits
	unsigned n_vlans;
	bool is_configured;
	bool is_started;
	bool was_started; // so workers may have had its buffers
	struct guard_count guards[PORT_QUEUES_MAX];
	int promiscuous_fd; // -1: the netdev is not so for us
	const struct rte_eth_rxtx_callback *host_filters[PORT_QUEUES_MAX];
	uint64_t missed; // what driver->missed has summed up
};

struct driver {
	enum port_driver kind;
	// Makes the DPDK device: bus, device, info.{netdev,pci,n_rxq,n_txq,mtu} as far as it knows.
	int (*plug)(struct port *port, const struct port_spec *spec, struct error *err);
	// After the queues are set up and before the start; may be NULL.
	int (*ready)(struct port *port, const struct port_spec *spec, struct error *err);
	// After the start, with the MAC known; may be NULL.
	int (*started)(struct port *port, struct error *err);
	// When the queues could not be set up: true when that may pass within PORT_RETRY_MS, else
	// the reason, better than what DPDK said, may be put into `err`. May be NULL.
	bool (*failed)(struct port *port, struct error *err);
	// Frames for which the netdev's socket had no room and that DPDK's count leaves out, since
	// the port was opened; may be NULL.
	uint64_t (*missed)(struct port *port);
	// Before the stop; may be NULL.
	void (*drain)(struct port *port);
	// After the device is gone, and when plug failed half-way.
	void (*unplug)(struct port *port);
};

extern const struct driver af_packet_driver;
extern const struct driver af_xdp_driver;
extern const struct driver pci_driver;
extern const struct driver tap_driver;
extern const struct driver memif_driver;
extern const struct driver null_driver;
extern const struct driver pcap_driver;

// Adds a virtual device "<pmd>_<port name>" with these arguments and sets bus and device.
// On failure the sentence begins with `what`.
int port_plug_vdev(
	struct port *port, const char *pmd, const char *args, const char *what, struct error *err);
// Arguments of a virtual device are separated by commas: refuses text that holds one.
int port_check_argument(const char *text, const char *what, struct error *err);
// Finds the netdev that the spec matches; fills info.netdev.
int port_match_netdev(struct port *port, const struct port_spec *spec, struct error *err);
