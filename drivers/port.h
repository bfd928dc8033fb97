// SPDX-License-Identifier: BSD-3-Clause
// A network card, or what stands for one, opened through DPDK. Plain C: control uses it too.
// Errors are sentences for a person in `struct error`. Control thread only, except where a
// function says "any thread". MTU counts bytes of IP packet, speed is in Mbit/s.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"

struct port;
struct rte_mempool;

enum port_driver {
	PORT_DRIVER_AUTO = 0, // the first that works of pci, af_xdp, af_packet; says why it passed
			      // the others over
	PORT_DRIVER_PCI,
	PORT_DRIVER_AF_XDP,
	PORT_DRIVER_AF_PACKET,
	PORT_DRIVER_TAP,
	PORT_DRIVER_MEMIF,
	PORT_DRIVER_NULL,
	PORT_DRIVER_PCAP,
};

enum { PORT_NAME_MAX = 15, PORT_MTU_MAX = 9600 };

struct port_spec {
	char name[PORT_NAME_MAX + 1];
	enum port_driver driver;
	const char *match_name; // one of the three for pci, af_xdp, af_packet, auto; borrowed
	const char *match_pci;
	const struct mac_addr *match_mac;
	const struct mac_addr *mac; // to wear instead of its own, or NULL
	uint16_t mtu;		    // 0: as the card has it
	uint16_t n_queues;	    // wanted; the port may have fewer, see port_info
	bool is_outside; // RSS by the far side's view of our port numbers (design: steering)
	bool allow_no_iommu;
	const char *memif_socket;
	bool memif_is_server;
	const char *tap_name;
	const char *pcap_rx;
	const char *pcap_tx;
	bool pcap_repeat;
};

struct port_info {
	char name[PORT_NAME_MAX + 1];
	char netdev[PORT_NAME_MAX + 1]; // kernel name it was matched by, or ""
	char pci[16];			// "0000:03:00.0" or ""
	enum port_driver driver;	// the one in use, never AUTO
	uint16_t dpdk_port;
	uint16_t n_rxq;	    // >= 1
	uint16_t n_txq;	    // >= 1
	bool steers_by_rss; // each bucket arrives on queue reta[bucket]
	bool is_outside;    // as in port_spec
	struct mac_addr mac;
	uint16_t mtu;
};

struct port_link {
	bool is_up;
	uint32_t speed_mbps; // 0: unknown
	bool is_full_duplex;
};

struct port_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t rx_missed; // no room in the receive ring of the card or the socket
	uint64_t rx_nombuf; // we had no buffer
	uint64_t rx_errors, tx_errors;
};

struct drivers_options {
	bool try_hugepages;
	bool takes_pci;		// a port may be by the pci driver: vfio is loaded in time
	uint32_t n_mbufs;	// buffers in the shared pool
	uint16_t mtu_max;	// the largest MTU any port will have; sizes the buffers
	uint64_t reserve_bytes; // DPDK memory beside the pool (FIBs, rings)
	int main_core;		// core DPDK may take for itself while it starts; -1: any
	uint16_t simd_bits_max; // the widest vectors DPDK may use; 0: the widest there are
};

// Starts DPDK once for the process: in memory only (no files, nothing that a second instance
// could meet), the calling thread's affinity kept as it was. 0, or -1 with the reason.
int drivers_start(const struct drivers_options *options, struct error *err);
// All ports must be closed. Safe when never started.
void drivers_stop(void);
bool drivers_have_hugepages(void);
// The pool all ports receive into; owned by drivers. For the dataplane.
struct rte_mempool *drivers_pool(void);

struct drivers_buffers {
	uint64_t total, in_use;
};

// Packet buffers of all pools, those of AF_XDP ports too. In use is what is on its way, waits, or
// lies ready in receive rings. Exact when no packet moves; control's thread.
struct drivers_buffers drivers_buffers(void);

// MTU of the netdev that a port matched in this way would be on, as it is now and at most
// PORT_MTU_MAX; 0: there is none yet. All three may be NULL. Before drivers_start too.
uint16_t port_match_mtu(const char *name, const char *pci, const struct mac_addr *mac);

// Opens, configures and starts a port: queues, RSS, MTU, MAC, promiscuous mode off where the
// MAC filter works. Takes the netdev away from the kernel's own stack for as long as it is open.
// NULL with the reason. `spec` is not kept.
struct port *port_open(const struct port_spec *spec, struct error *err);
// Stops it and gives the card back as it was (kernel driver, MAC, MTU, flags). NULL is fine. No
// worker may use it any more.
void port_close(struct port *port);

const struct port_info *port_info(const struct port *port); // valid until port_close; any thread
// A descriptor that is readable while packets wait in that receive queue, to sleep on; -1: this
// driver has none. Any thread.
int port_rx_fd(const struct port *port, uint16_t queue);
void port_link(const struct port *port, struct port_link *out);
int port_stats(struct port *port, struct port_stats *out);
int port_set_mtu(struct port *port, uint16_t mtu, struct error *err);
// Frames of this VLAN (0..4094) are to come in, also while workers poll; a card that filters VLANs
// is asked for it, the others pass it anyway. 0, or -1 with the reason: they will not come. Frames
// without a VLAN come always.
int port_vlan_add(struct port *port, uint16_t vlan, struct error *err);
// They need not any more. One that was not added is fine.
void port_vlan_remove(struct port *port, uint16_t vlan);
const char *port_driver_name(enum port_driver driver);

// 0 when a port may wear this MAC, else -1 and a sentence that names the bit (IEEE 802-2014 8.2:
// the group bit is the least significant of the first octet; all zero is no address).
int port_check_mac(const struct mac_addr *mac, struct error *err);
