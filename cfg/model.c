// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/model.h"

#define DRIVER(name) (1u << CFG_DRIVER_##name)

enum {
	CARD_DRIVERS = DRIVER(AUTO) | DRIVER(PCI) | DRIVER(AF_XDP) | DRIVER(AF_PACKET),
	CORE_MAX = 1023,	     // CPU_SETSIZE - 1
	SOCKET_PATH_BYTES_MAX = 107, // sun_path with its NUL
	FILE_PATH_BYTES_MAX = 4095,
};

static const struct model_choice idle_choices[] = {
	{"adaptive", CFG_IDLE_ADAPTIVE, "rest when there is no traffic"},
	{"busy", CFG_IDLE_BUSY, "poll all the time: least latency, a whole core each"},
	{0},
};

static const struct model_key workers_keys[] = {
	{.key = "cores",
		.type = MODEL_WHOLE,
		.help = "CPU cores to run a worker on, one each; absent: chosen at start",
		.max = CORE_MAX,
		MODEL_AT(struct config, cores[0]),
		.n_max = CFG_CORES_MAX,
		.count_offset = offsetof(struct config, n_cores)},
	{.key = "idle",
		.type = MODEL_CHOICE,
		.help = "what a worker does without traffic",
		.default_text = "adaptive",
		.choices = idle_choices,
		MODEL_AT(struct config, idle)},
	{0},
};

static const struct model_object workers = {.noun = "workers",
	.keys = workers_keys,
	.said_offset = offsetof(struct config, workers_said)};

static const struct model_choice hugepages_choices[] = {
	{"auto", CFG_HUGEPAGES_AUTO, "use those that the system has reserved, if any"},
	{"never", CFG_HUGEPAGES_NEVER, "do without"},
	{0},
};

static const struct model_key memory_keys[] = {
	{.key = "hugepages",
		.type = MODEL_CHOICE,
		.help = "whether to use huge pages",
		.default_text = "auto",
		.choices = hugepages_choices,
		MODEL_AT(struct config, hugepages)},
	{0},
};

static const struct model_object memory = {
	.noun = "memory", .keys = memory_keys, .said_offset = offsetof(struct config, memory_said)};

static const struct model_key state_keys[] = {
	{.key = "file",
		.type = MODEL_PATH,
		.help = "the file that keeps what survives a restart, such as bans",
		.default_text = "/var/lib/millrace/state.db",
		.max = FILE_PATH_BYTES_MAX,
		MODEL_AT(struct config, state_file)},
	{0},
};

static const struct model_object state = {
	.noun = "state", .keys = state_keys, .said_offset = offsetof(struct config, state_said)};

static const struct model_key match_keys[] = {
	{.key = "name",
		.type = MODEL_NETDEV,
		.help = "the card's name in the kernel",
		MODEL_AT(struct cfg_port, match_name)},
	{.key = "mac",
		.type = MODEL_MAC,
		.help = "the card's own MAC address",
		MODEL_AT(struct cfg_port, match_mac),
		.has_offset = offsetof(struct cfg_port, has_match_mac)},
	{.key = "pci",
		.type = MODEL_PCI,
		.help = "the card's PCI address",
		MODEL_AT(struct cfg_port, match_pci)},
	{0},
};

static const struct model_object match = {.noun = "match",
	.keys = match_keys,
	.said_offset = offsetof(struct cfg_port, match_said),
	.wants_exactly_one = true};

const struct model_choice model_drivers[] = {
	{"auto", CFG_DRIVER_AUTO, "the first that works of pci, af_xdp and af_packet"},
	{"pci", CFG_DRIVER_PCI, "the card itself, through vfio-pci"},
	{"af_xdp", CFG_DRIVER_AF_XDP, "a kernel netdev through AF_XDP"},
	{"af_packet", CFG_DRIVER_AF_PACKET, "a kernel netdev through AF_PACKET"},
	{"tap", CFG_DRIVER_TAP, "a TAP device made for it"},
	{"memif", CFG_DRIVER_MEMIF, "memory shared with another process"},
	{"null", CFG_DRIVER_NULL, "receives empty packets, sends into nothing"},
	{"pcap", CFG_DRIVER_PCAP, "receives from a capture file, sends into another"},
	{0},
};

static const struct model_choice role_choices[] = {
	{"client", false, "connects to the socket"},
	{"server", true, "makes the socket"},
	{0},
};

static const struct model_key port_keys[] = {
	{.key = "match",
		.type = MODEL_GROUP,
		.help = "which card it is: exactly one of name, mac, pci",
		.object = &match,
		.drivers = CARD_DRIVERS,
		.required_for = CARD_DRIVERS},
	{.key = "driver",
		.type = MODEL_CHOICE,
		.help = "how the card is opened",
		.default_text = "auto",
		.choices = model_drivers,
		MODEL_AT(struct cfg_port, driver)},
	{.key = "mtu",
		.type = MODEL_WHOLE,
		.help = "largest IP packet in bytes; absent: as the card has it",
		.min = 68, // RFC 791 section 3.2
		.max = 9600,
		MODEL_AT(struct cfg_port, mtu)},
	{.key = "mac",
		.type = MODEL_MAC,
		.help = "MAC address to wear instead of the card's own",
		MODEL_AT(struct cfg_port, mac),
		.has_offset = offsetof(struct cfg_port, has_mac)},
	{.key = "queues",
		.type = MODEL_WHOLE,
		.help = "receive queues; absent: one for each worker, as far as the card has them",
		.min = 1,
		.max = 64,
		MODEL_AT(struct cfg_port, queues)},
	{.key = "allow-no-iommu",
		.type = MODEL_BOOL,
		.help = "open the card even without IOMMU; it can then read and write all memory",
		.default_text = "false",
		MODEL_AT(struct cfg_port, allow_no_iommu),
		.drivers = DRIVER(AUTO) | DRIVER(PCI)},
	{.key = "socket",
		.type = MODEL_PATH,
		.help = "path of the control socket",
		.max = SOCKET_PATH_BYTES_MAX,
		MODEL_AT(struct cfg_port, memif_socket),
		.drivers = DRIVER(MEMIF),
		.required_for = DRIVER(MEMIF)},
	{.key = "role",
		.type = MODEL_CHOICE,
		.help = "which end of the socket",
		.default_text = "client",
		.choices = role_choices,
		MODEL_AT(struct cfg_port, memif_is_server),
		.drivers = DRIVER(MEMIF)},
	{.key = "tap-name",
		.type = MODEL_NETDEV,
		.help = "name of the kernel's end; absent: the port's name",
		MODEL_AT(struct cfg_port, tap_name),
		.drivers = DRIVER(TAP)},
	{.key = "rx-file",
		.type = MODEL_PATH,
		.help = "capture file to receive from",
		.max = FILE_PATH_BYTES_MAX,
		MODEL_AT(struct cfg_port, pcap_rx),
		.drivers = DRIVER(PCAP)},
	{.key = "tx-file",
		.type = MODEL_PATH,
		.help = "capture file to send into",
		.max = FILE_PATH_BYTES_MAX,
		MODEL_AT(struct cfg_port, pcap_tx),
		.drivers = DRIVER(PCAP)},
	{.key = "repeat",
		.type = MODEL_BOOL,
		.help = "receive rx-file over and over",
		.default_text = "false",
		MODEL_AT(struct cfg_port, pcap_repeat),
		.drivers = DRIVER(PCAP)},
	{0},
};

const struct model_object model_port = {
	.noun = "port",
	.keys = port_keys,
	.bytes = sizeof(struct cfg_port),
	.name_offset = offsetof(struct cfg_port, name),
	.place_offset = offsetof(struct cfg_port, place),
	.said_offset = offsetof(struct cfg_port, said),
};

static const struct model_key interface_keys[] = {
	{.key = "port",
		.type = MODEL_NAME,
		.help = "the port it is on",
		.is_required = true,
		MODEL_AT(struct cfg_interface, port)},
	{.key = "vlan",
		.type = MODEL_WHOLE,
		.help = "its VLAN on that port (802.1Q); 0: tags that carry a priority alone; "
			"absent: no tags",
		.max = 4094, // IEEE 802.1Q 9.6: 4095 is reserved
		MODEL_AT(struct cfg_interface, vlan),
		.has_offset = offsetof(struct cfg_interface, has_vlan)},
	{.key = "priority",
		.type = MODEL_WHOLE,
		.help = "priority in the tag of all that it sends (PCP); needs vlan",
		.default_text = "0",
		.max = 7,
		MODEL_AT(struct cfg_interface, priority)},
	{.key = "addresses",
		.type = MODEL_HOST,
		.help = "the router's own addresses, each with the length of its subnet's prefix",
		MODEL_AT(struct cfg_interface, addresses[0]),
		.n_max = CFG_ADDRESSES_MAX,
		.count_offset = offsetof(struct cfg_interface, n_addresses)},
	{.key = "dhcp4",
		.type = MODEL_GROUP,
		.help = "its IPv4 address comes from a DHCP server; yes is enough",
		.object = &model_dhcp4,
		MODEL_AT(struct cfg_interface, dhcp4),
		.has_offset = offsetof(struct cfg_interface, dhcp4.is_on)},
	{0},
};

// Linux has these for itself: the loopback, and two directories under /proc/sys/net/ipv4/conf.
static const char *const interface_reserved[] = {"lo", "all", "default", NULL};

static const struct model_object interface = {
	.noun = "interface",
	.keys = interface_keys,
	.bytes = sizeof(struct cfg_interface),
	.name_offset = offsetof(struct cfg_interface, name),
	.place_offset = offsetof(struct cfg_interface, place),
	.said_offset = offsetof(struct cfg_interface, said),
	.reserved_names = interface_reserved,
	.reserved_because =
		"an interface has a kernel device of its name, and Linux keeps this one",
};

static const struct model_choice route_kinds[] = {
	{"unicast", CFG_ROUTE_UNICAST, "forward"},
	{"blackhole", CFG_ROUTE_BLACKHOLE, "drop in silence"},
	{"unreachable", CFG_ROUTE_UNREACHABLE, "drop, and answer host unreachable"},
	{"prohibit", CFG_ROUTE_PROHIBIT, "drop, and answer administratively prohibited"},
	{0},
};

static const struct model_key route_keys[] = {
	{.key = "to",
		.type = MODEL_NETWORK,
		.help = "destinations; 0.0.0.0/0 and ::/0 are all of IPv4 and of IPv6",
		.is_required = true,
		MODEL_AT(struct cfg_route, to)},
	{.key = "type",
		.type = MODEL_CHOICE,
		.help = "what happens to the packets",
		.default_text = "unicast",
		.choices = route_kinds,
		MODEL_AT(struct cfg_route, kind)},
	{.key = "via",
		.type = MODEL_ADDRESS,
		.help = "next router; several share the flows among them",
		MODEL_AT(struct cfg_route, nexthops[0].via),
		.n_max = CFG_NEXTHOPS_MAX,
		.count_offset = offsetof(struct cfg_route, n_nexthops),
		.stride = sizeof(struct cfg_nexthop)},
	{.key = "interface",
		.type = MODEL_NAME,
		.help = "interface to leave by; without via, the destinations are on its link",
		MODEL_AT(struct cfg_route, nexthops[0].interface)},
	{.key = "metric",
		.type = MODEL_WHOLE,
		.help = "of several routes to the same network, the lowest is used",
		.default_text = "0",
		.max = UINT32_MAX,
		MODEL_AT(struct cfg_route, metric)},
	{0},
};

static const struct model_object route = {
	.noun = "route",
	.keys = route_keys,
	.bytes = sizeof(struct cfg_route),
	.place_offset = offsetof(struct cfg_route, place),
	.said_offset = offsetof(struct cfg_route, said),
};

static const struct model_key config_keys[] = {
	{.key = "workers",
		.type = MODEL_GROUP,
		.help = "the threads that forward packets",
		.object = &workers},
	{.key = "memory",
		.type = MODEL_GROUP,
		.help = "where memory comes from",
		.object = &memory},
	{.key = "state", .type = MODEL_GROUP, .help = "what survives a restart", .object = &state},
	{.key = "apply",
		.type = MODEL_GROUP,
		.help = "how another config is applied, where its caller does not say",
		.object = &model_apply,
		MODEL_AT(struct config, apply)},
	{.key = "log", .type = MODEL_GROUP, .help = "what the daemon tells", .object = &model_log},
	{.key = "recorder",
		.type = MODEL_GROUP,
		.help = "the last packets of each worker, kept for when something goes wrong; "
			"absent: none are",
		.object = &model_recorder,
		MODEL_AT(struct config, recorder),
		.has_offset = offsetof(struct config, recorder.is_there)},
	{.key = "flows", .type = MODEL_GROUP, .help = "the flow table", .object = &model_flows},
	{.key = "ports",
		.type = MODEL_NAMED,
		.help = "network cards, and what stands for one",
		.object = &model_port,
		MODEL_AT(struct config, ports),
		.n_max = CFG_PORTS_MAX,
		.count_offset = offsetof(struct config, n_ports)},
	{.key = "interfaces",
		.type = MODEL_NAMED,
		.help = "the router's own IP interfaces, each on a port or a VLAN of one",
		.object = &interface,
		MODEL_AT(struct config, interfaces),
		.n_max = CFG_INTERFACES_MAX,
		.count_offset = offsetof(struct config, n_interfaces)},
	{.key = "routes",
		.type = MODEL_LIST,
		.help = "static routes",
		.object = &route,
		MODEL_AT(struct config, routes),
		.n_max = MODEL_N_ANY,
		.count_offset = offsetof(struct config, n_routes)},
	{.key = "uplinks",
		.type = MODEL_NAMED,
		.help = "ways to the internet that stand in for each other, or share its flows",
		.object = &model_uplink,
		MODEL_AT(struct config, uplinks),
		.n_max = CFG_UPLINKS_MAX,
		.count_offset = offsetof(struct config, n_uplinks)},
	{.key = "zones",
		.type = MODEL_NAMED,
		.help = "what interfaces are to rules: home, internet, guests",
		.object = &model_zone,
		MODEL_AT(struct config, zones),
		.n_max = CFG_ZONES_MAX,
		.count_offset = offsetof(struct config, n_zones)},
	{.key = "sets",
		.type = MODEL_NAMED,
		.help = "addresses, ports and the like under one name",
		.object = &model_set,
		MODEL_AT(struct config, sets),
		.n_max = CFG_SETS_MAX,
		.count_offset = offsetof(struct config, n_sets)},
	{.key = "firewall",
		.type = MODEL_GROUP,
		.help = "who may begin to talk to whom; absent: everybody to everybody",
		.object = &model_firewall,
		MODEL_AT(struct config, firewall),
		.has_offset = offsetof(struct config, firewall.is_there)},
	{.key = "nat",
		.type = MODEL_LIST,
		.help = "address translation, the first that fits decides",
		.object = &model_nat,
		MODEL_AT(struct config, nats),
		.n_max = MODEL_N_ANY,
		.count_offset = offsetof(struct config, n_nats)},
	{.key = "dhcp-server",
		.type = MODEL_NAMED,
		.help = "who gets addresses by DHCP, by interface",
		.object = &model_dhcp_subnet,
		MODEL_AT(struct config, dhcp.subnets),
		.n_max = CFG_DHCP_SUBNETS_MAX,
		.count_offset = offsetof(struct config, dhcp.n_subnets)},
	{.key = "dns",
		.type = MODEL_GROUP,
		.help = "answers the house's questions for names; absent: it does not",
		.object = &model_dns,
		.has_offset = offsetof(struct config, dns.is_there)},
	// read by include.c, which puts in its place what it stands for
	{.key = "include",
		.type = MODEL_PATH,
		.help = "files, or directories with *.yaml, that say more, as if it stood here",
		.max = FILE_PATH_BYTES_MAX,
		.n_max = CFG_INCLUDES_MAX,
		.offset = offsetof(struct config, more_files.names),
		.bytes = sizeof(const char *),
		.count_offset = offsetof(struct config, more_files.n),
		.is_pointer = true},
	{0},
};

const struct model_object model_config = {
	.noun = "", .keys = config_keys, .said_offset = offsetof(struct config, said)};
