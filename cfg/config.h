// SPDX-License-Identifier: BSD-3-Clause
// The router as its operator asked for it: plain data read from one YAML file. A config is one
// arena: config_free ends every pointer in it. Names are not resolved against the machine (they
// bind late), only against each other. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/apply.h"
#include "cfg/base/addr.h"
#include "cfg/base/error.h"
#include "cfg/dhcp.h"
#include "cfg/dhcp4_client.h"
#include "cfg/dns.h"
#include "cfg/firewall.h"
#include "cfg/log.h"
#include "cfg/nat.h"
#include "cfg/place.h"
#include "cfg/recorder.h"
#include "cfg/uplink.h"

enum {
	CFG_NAME_MAX = 15,  // IFNAMSIZ - 1: an interface's name is its TAP's name
	CFG_CORES_MAX = 64, // workers
	CFG_PORTS_MAX = 64,
	CFG_INTERFACES_MAX = 64,
	CFG_ADDRESSES_MAX = 16, // of one interface
	CFG_NEXTHOPS_MAX = 16,	// of one route (ECMP)
	CFG_INCLUDES_MAX = 255, // files beside the one that includes them
	CFG_ERRORS_MAX = 100,	// reported for one file
	CFG_ACCEPTS_MAX = 64,
};

enum cfg_driver {
	CFG_DRIVER_AUTO = 0,
	CFG_DRIVER_PCI,
	CFG_DRIVER_AF_XDP,
	CFG_DRIVER_AF_PACKET,
	CFG_DRIVER_TAP,
	CFG_DRIVER_MEMIF,
	CFG_DRIVER_NULL,
	CFG_DRIVER_PCAP,
};

struct cfg_port {
	const char *name;
	struct cfg_place place;
	uint64_t said, match_said;
	// match: exactly one of these three for pci, af_xdp, af_packet and auto; none for the
	// others
	const char *match_name; // kernel name of the netdev, or NULL
	const char *match_pci;	// "0000:03:00.0", or NULL
	struct mac_addr match_mac;
	bool has_match_mac;
	enum cfg_driver driver;
	uint16_t mtu;	     // bytes of IP packet; 0: as the card has it (1500 where it has none)
	struct mac_addr mac; // the MAC to wear instead of the card's own
	bool has_mac;
	uint16_t queues;     // 0: one per worker, as far as the card has them
	bool allow_no_iommu; // vfio without IOMMU: the card may then read and write all memory
	const char *memif_socket;
	bool memif_is_server;
	const char *tap_name; // driver tap: name of the kernel's end; NULL: the port's name
	const char *pcap_rx;  // driver pcap: file read, or NULL
	const char *pcap_tx;  // driver pcap: file written, or NULL
	bool pcap_repeat;     // read pcap_rx for ever
};

struct cfg_interface {
	const char *name;
	struct cfg_place place;
	uint64_t said;
	const char *port; // a port's name
	bool has_vlan;	  // what it sends has an 802.1Q tag
	uint16_t vlan;	  // 0, with a tag: of priority alone
	uint8_t priority; // in the tag
	struct ip_prefix addresses[CFG_ADDRESSES_MAX];
	unsigned n_addresses;
	struct cfg_dhcp4 dhcp4;
};

enum cfg_route_kind {
	CFG_ROUTE_UNICAST = 0,
	CFG_ROUTE_BLACKHOLE,
	CFG_ROUTE_UNREACHABLE,
	CFG_ROUTE_PROHIBIT,
};

struct cfg_nexthop {
	struct ip_addr via;    // family IP_NONE: directly on the interface
	const char *interface; // NULL: whichever interface's subnet holds `via`
};

struct cfg_route {
	struct ip_prefix to;
	struct cfg_place place;
	uint64_t said;
	enum cfg_route_kind kind;
	uint32_t metric;
	struct cfg_nexthop nexthops[CFG_NEXTHOPS_MAX];
	unsigned n_nexthops;
	bool is_uplinks; // a default route by the interface of an uplink
};

enum cfg_idle {
	CFG_IDLE_ADAPTIVE = 0,
	CFG_IDLE_BUSY,
};

enum cfg_hugepages {
	CFG_HUGEPAGES_AUTO = 0, // when some are reserved; otherwise without
	CFG_HUGEPAGES_NEVER,
};

enum { CFG_HELPER_PORTS_MAX = 8 };

// Of servers whose control connections are read; none: the helper is off.
struct cfg_helpers {
	uint16_t ftp[CFG_HELPER_PORTS_MAX], tftp[CFG_HELPER_PORTS_MAX];
	unsigned n_ftp, n_tftp;
	uint64_t said;
};

// The members `said` tell which keys the file has, as the checks complete what it has not: bits in
// the order of the model (model.h). They are for whoever prints or compares.
// A warning that is meant.
struct cfg_accept {
	const char *id;
	const char *at; // a path; NULL: everywhere
	struct cfg_place place;
	uint64_t said;
};

struct config {
	const char *file;
	struct cfg_names more_files; // that it includes: names[i] is file i + 1 in places
	uint64_t said, workers_said, memory_said, state_said, flows_said;
	uint16_t n_workers;	  // 0: as many as cores
	int cores[CFG_CORES_MAX]; // that they run on; n_cores 0: control decides
	unsigned n_cores;
	enum cfg_idle idle;
	enum cfg_hugepages hugepages;
	const char *state_file; // what survives a restart
	struct cfg_log log;
	struct cfg_apply apply;
	struct cfg_recorder recorder;
	uint32_t flow_capacity;	 // of the whole router; 0: control decides
	uint32_t host_flows_max; // of one inside address (IPv6: /64); 0: no limit but its share
	struct cfg_timeouts timeouts;
	struct cfg_helpers helpers;
	bool has_pick_up;
	bool picks_up; // TCP connections that began before the router did
	struct cfg_port *ports;
	unsigned n_ports;
	struct cfg_interface *interfaces;
	unsigned n_interfaces;
	struct cfg_route *routes;
	unsigned n_routes;
	struct cfg_uplink *uplinks;
	unsigned n_uplinks;
	struct cfg_zone *zones;
	unsigned n_zones;
	struct cfg_set *sets;
	unsigned n_sets;
	struct cfg_firewall firewall;
	struct cfg_nat *nats;
	unsigned n_nats;
	struct cfg_dhcp dhcp;
	struct cfg_dns dns;
	struct cfg_accept *accepts;
	unsigned n_accepts;
	struct arena *arena; // owns all of the above
};

// What is wrong with a file: every error at once, in file order, at most CFG_ERRORS_MAX of them
// and how many more there are. A file without errors may have warnings instead: it is taken, but
// probably does not do what its operator wants. Both lists are owned by cfg_errors_free.
struct cfg_errors {
	struct error *list;
	unsigned n;
	unsigned n_more;
	struct error *warnings;
	unsigned n_warnings;
	unsigned n_more_warnings;
	struct error *accepted; // warnings that the file says are meant
	unsigned n_accepted;
	unsigned n_more_accepted;
	char **files; // that messages name, beside the one that was loaded
	unsigned n_files;
};

// Reads and checks `path`, with the files that it includes. Returns the config, which the caller
// frees, or NULL with at least one error in `errors`. Either way cfg_errors_free is due. `path`
// must outlive both.
struct config *config_load(const char *path, struct cfg_errors *errors);

// The same from memory, which cannot include files; `name` stands for the file in messages.
struct config *config_parse(
	const char *name, const char *text, size_t text_bytes, struct cfg_errors *errors);

void config_free(struct config *config);
void cfg_errors_free(struct cfg_errors *errors);

// Fills in the place of a message about the config: file, line, column.
void config_locate(const struct config *config, struct cfg_place place, struct error *err);
const char *config_file_of(const struct config *config, struct cfg_place place);

const char *cfg_driver_name(enum cfg_driver driver); // "af_packet"
