// SPDX-License-Identifier: BSD-3-Clause
// Each doubt that the checks can have about a file that is taken all the same: what it is called
// for programs, why it matters, what to do. Constant data; ids never change. Any thread.
#pragma once

enum doubt {
	// the machine
	DOUBT_CORE_TWICE = 0,
	// this file
	DOUBT_ACCEPTED_FOR_NOTHING,
	// interfaces, zones, sets
	DOUBT_INTERFACE_MISPLACED,
	DOUBT_INTERFACE_WITHOUT_ZONE,
	DOUBT_SET_EMPTY,
	DOUBT_SET_UNUSED,
	DOUBT_ZONES_WITHOUT_FIREWALL,
	// DHCP
	DOUBT_DHCP_HOOK_UNUSABLE,
	DOUBT_DHCP_NOTHING_TO_GIVE,
	DOUBT_DHCP_RANGES_MEET,
	DOUBT_DHCP_WITHOUT_DNS,
	// flows
	DOUBT_PICK_UP_DROPPED,
	DOUBT_TIMEOUT_SHORT,
	// rules of the firewall
	DOUBT_DHCP_NOT_DROPPED,
	DOUBT_LIST_UNUSED,
	DOUBT_LOG_FLOOD,
	DOUBT_NEEDED_ICMP_DROPPED,
	DOUBT_RATE_WITHOUT_OVER,
	DOUBT_RULE_IMPOSSIBLE,
	DOUBT_RULE_SHADOWED,
	// who gets in, and who does not
	DOUBT_DNS_SHUT,
	DOUBT_FORWARD_OPEN,
	DOUBT_INPUT_OPEN,
	DOUBT_LAN_WITHOUT_DHCP,
	DOUBT_LAN_WITHOUT_DNS,
	DOUBT_MANAGEMENT_EXPOSED,
	DOUBT_MDNS_SHUT,
	DOUBT_RESOLVER_OPEN,
	DOUBT_ROUTER_LOCKED,
	// routes
	DOUBT_ROUTE_NEVER_USED,
	// uplinks
	DOUBT_UPLINK_PROBE_OWN,
	DOUBT_UPLINK_PROBE_SINGLE,
	DOUBT_UPLINK_UNPROBED,
	DOUBT_UPLINK_WITHOUT_WAY,
	// translations
	DOUBT_MASQUERADE_UNROUTED,
	DOUBT_NAT_ADDRESS_UNANSWERED,
	DOUBT_NAT_BLOCKED,
	DOUBT_NAT_MISSING,
	DOUBT_NAT_OVERLAP,
	DOUBT_NAT_SHADOWED,
	DOUBT_NAT_TARGET_OUTSIDE,
	DOUBT_COUNT,
};

struct doubt_kind {
	const char *id;	 // "rule-shadowed"
	const char *why; // a sentence or two
	const char *fix; // where the place says nothing better
};

extern const struct doubt_kind doubt_kinds[DOUBT_COUNT];
