// SPDX-License-Identifier: BSD-3-Clause
// Every way a packet can end other than being sent: one name each, counted per worker. The list
// is the documentation; control reads the sums by name. Written by the owning worker only.
#pragma once

#define COUNTERS(X)                                                                                \
	X(DROP_SHORT_FRAME, "drop_short_frame", "frame shorter than its Ethernet header")          \
	X(DROP_SEGMENTED, "drop_segmented", "frame in several buffers from a port")                \
	X(DROP_NOT_FOR_US, "drop_not_for_us", "unicast frame to another station's MAC")            \
	X(DROP_VLAN_UNKNOWN, "drop_vlan_unknown",                                                  \
		"frame of a VLAN that no interface of its port has")                               \
	X(DROP_VLAN_UNTAGGED, "drop_vlan_untagged",                                                \
		"frame of no VLAN on a port whose interfaces all have one")                        \
	X(DROP_VLAN_NESTED, "drop_vlan_nested",                                                    \
		"frame with two VLAN tags, or a provider's (IEEE 802.1ad)")                        \
	X(DROP_SOURCE_MAC, "drop_source_mac", "frame from a group or all-zero MAC")                \
	X(DROP_IP4_SHORT, "drop_ip4_short", "frame shorter than an IPv4 header")                   \
	X(DROP_IP4_VERSION, "drop_ip4_version", "IPv4 frame whose version is not 4")               \
	X(DROP_IP4_HEADER_LEN, "drop_ip4_header_len",                                              \
		"IPv4 header length below 20 or past the end")                                     \
	X(DROP_IP4_LENGTH, "drop_ip4_length", "IPv4 total length past the frame or below header")  \
	X(DROP_IP4_CHECKSUM, "drop_ip4_checksum", "IPv4 header checksum wrong (RFC 1812 5.2.2)")   \
	X(DROP_IP4_SOURCE, "drop_ip4_source",                                                      \
		"IPv4 source that no host may have (RFC 1122 3.2.1.3)")                            \
	X(DROP_IP4_OPTIONS, "drop_ip4_options",                                                    \
		"IPv4 source route or malformed options (RFC 7126)")                               \
	X(DROP_IP6_SHORT, "drop_ip6_short", "frame shorter than an IPv6 header")                   \
	X(DROP_IP6_VERSION, "drop_ip6_version", "IPv6 frame whose version is not 6")               \
	X(DROP_IP6_LENGTH, "drop_ip6_length", "IPv6 payload length past the frame")                \
	X(DROP_IP6_SOURCE, "drop_ip6_source", "IPv6 source multicast, loopback or unspecified")    \
	X(DROP_IP6_SCOPE, "drop_ip6_scope", "link-local source beyond its link (RFC 4291 2.5.6)")  \
	X(DROP_IP6_EXTENSION, "drop_ip6_extension", "IPv6 extension chain malformed or too long")  \
	X(DROP_TCP_HEADER, "drop_tcp_header", "TCP header truncated or data offset wrong")         \
	X(DROP_TCP_WINDOW, "drop_tcp_window", "TCP segment far outside its connection's window")   \
	X(DROP_TCP_STATE, "drop_tcp_state", "TCP segment that fits no state of its connection")    \
	X(DROP_TCP_RESET, "drop_tcp_reset", "TCP reset outside the window (RFC 5961 3.2)")         \
	X(DROP_UDP_HEADER, "drop_udp_header", "UDP header truncated or length wrong")              \
	X(DROP_ICMP_HEADER, "drop_icmp_header", "ICMP header truncated")                           \
	X(DROP_ICMP_CHECKSUM, "drop_icmp_checksum", "ICMP error with a wrong checksum")            \
	X(DROP_ICMP_INNER, "drop_icmp_inner",                                                      \
		"ICMP error whose quoted packet is malformed or of somebody else")                 \
	X(DROP_ICMP_UNRELATED, "drop_icmp_unrelated", "ICMP error about no flow of ours")          \
	X(DROP_REDIRECT, "drop_redirect", "ICMP redirect from another link than its receiver's")   \
	X(DROP_SOURCE_QUENCH, "drop_source_quench", "ICMP source quench (RFC 6633)")               \
	X(DROP_TCP_SYN_FIN, "drop_tcp_syn_fin", "TCP with SYN and FIN")                            \
	X(DROP_TCP_SYN_RST, "drop_tcp_syn_rst", "TCP with SYN and RST")                            \
	X(DROP_TCP_ALL_FLAGS, "drop_tcp_all_flags",                                                \
		"TCP with all flags, or FIN, PSH and URG alone")                                   \
	X(DROP_TCP_NO_FLAGS, "drop_tcp_no_flags", "TCP without any flag")                          \
	X(DROP_TCP_MSS, "drop_tcp_mss", "TCP SYN that announces an MSS below 500")                 \
	X(DROP_TCP_OPTIONS, "drop_tcp_options", "TCP SYN whose options run past its header")       \
	X(DROP_TCP_NEW, "drop_tcp_new", "TCP connection that begins without SYN")                  \
	X(DROP_OWN_SOURCE, "drop_own_source", "source is an address of this machine")              \
	X(DROP_BROADCAST_SOURCE, "drop_broadcast_source", "source is a broadcast address")         \
	X(DROP_LAND, "drop_land", "source and destination are the same")                           \
	X(DROP_MARTIAN_SOURCE, "drop_martian_source",                                              \
		"special-purpose source that cannot come from there (RFC 6890)")                   \
	X(DROP_MARTIAN_DESTINATION, "drop_martian_destination",                                    \
		"special-purpose destination that nobody can have (RFC 6890)")                     \
	X(DROP_REVERSE_PATH, "drop_reverse_path", "source that does not lead back (RFC 3704)")     \
	X(DROP_ROUTING_HEADER, "drop_routing_header", "IPv6 routing header type 0 (RFC 5095)")     \
	X(DROP_PRIVATE_OUT, "drop_private_out", "private destination towards the internet")        \
	X(DROP_ICMP_SEQUENCE, "drop_icmp_sequence",                                                \
		"ICMP error that quotes a TCP segment nobody sent (RFC 5927)")                     \
	X(DROP_MULTICAST, "drop_multicast", "multicast or broadcast destination, not forwarded")   \
	X(DROP_TTL, "drop_ttl", "TTL or hop limit ran out")                                        \
	X(DROP_NO_ROUTE, "drop_no_route", "no route to the destination")                           \
	X(DROP_BLACKHOLE, "drop_blackhole", "blackhole route")                                     \
	X(DROP_UNREACHABLE, "drop_unreachable", "unreachable route")                               \
	X(DROP_PROHIBIT, "drop_prohibit", "prohibit route")                                        \
	X(DROP_TOO_BIG, "drop_too_big", "larger than the egress MTU and may not be fragmented")    \
	X(DROP_FRAGMENT_FAILED, "drop_fragment_failed", "no buffers to fragment into")             \
	X(DROP_REASSEMBLY, "drop_reassembly", "fragment malformed, overlapping, late or no room")  \
	X(DROP_ND_FRAGMENT, "drop_nd_fragment", "neighbour discovery in fragments (RFC 6980)")     \
	X(DROP_ND_HOP_LIMIT, "drop_nd_hop_limit",                                                  \
		"neighbour discovery or MLD from beyond its link (RFC 4861, 2710)")                \
	X(DROP_NO_NEIGHBOUR, "drop_no_neighbour", "neighbour did not answer")                      \
	X(DROP_HOLD_FULL, "drop_hold_full", "too many packets waiting for neighbours")             \
	X(DROP_RULE, "drop_rule", "dropped by a firewall rule, or by default")                     \
	X(DROP_REJECTED, "drop_rejected", "rejected by a firewall rule, or by default")            \
	X(DROP_NAT_UNSOLICITED, "drop_nat_unsolicited", "new flow from outside past the NAT")      \
	X(DROP_NAT_NO_ADDRESS, "drop_nat_no_address", "masquerade interface without an address")   \
	X(DROP_NAT_NO_PORT, "drop_nat_no_port", "no port free towards this remote")                \
	X(DROP_HELPER, "drop_helper",                                                              \
		"segment of a helped connection that is out of order, or cannot be rewritten")     \
	X(DROP_FLOW_TABLE_FULL, "drop_flow_table_full", "no slot for the flow's key")              \
	X(DROP_FLOW_SHARE, "drop_flow_share",                                                      \
		"flow table full, and nobody has more flows than who asks for one")                \
	X(DROP_HOST_LIMIT, "drop_host_limit", "the host has as many flows as it may")              \
	X(DROP_INTERFACE_DOWN, "drop_interface_down", "egress interface gone or without link")     \
	X(DROP_TX_FULL, "drop_tx_full", "the port's send queue stayed full")                       \
	X(DROP_HANDOVER_FULL, "drop_handover_full", "another worker's ring was full")              \
	X(DROP_PUNT_BUDGET, "drop_punt_budget", "over the budget of its punt reason")              \
	X(DROP_PUNT_SHARE, "drop_punt_share",                                                      \
		"over its sender's part of the budget of its punt reason")                         \
	X(DROP_PUNT_FULL, "drop_punt_full", "ring to the host stack full")                         \
	X(DROP_HOST_TAP, "drop_host_tap", "the kernel's interface was down or its queue full")     \
	X(DROP_HOST_INBOX, "drop_host_inbox",                                                      \
		"packet of the host stack: its worker's ring was full")                            \
	X(DROP_NO_BUFFER, "drop_no_buffer", "packet pool empty")                                   \
	X(PUNT_ARP, "punt_arp", "ARP to the host stack")                                           \
	X(PUNT_ND, "punt_nd", "neighbour discovery to the host stack")                             \
	X(PUNT_MULTICAST, "punt_multicast", "multicast and broadcast to the host stack")           \
	X(PUNT_LOCAL, "punt_local", "packets to an address of ours to the host stack")             \
	X(PUNT_OTHER, "punt_other", "other Ethernet protocols to the host stack")                  \
	X(HOST_SENT, "host_sent", "packets of the host stack sent by a port")                      \
	X(HELD, "held", "packets that waited for a neighbour")                                     \
	X(ICMP_SENT, "icmp_sent", "ICMP errors made")                                              \
	X(ICMP_LIMITED, "icmp_limited", "ICMP errors not made: over the rate limit")               \
	X(ICMP_FAILED, "icmp_failed", "ICMP errors not made: the packet could not be quoted")      \
	X(RESET_SENT, "reset_sent", "TCP resets made for rejected packets and ended flows")        \
	X(RESET_LIMITED, "reset_limited", "TCP resets not made: over the rate limit")              \
	X(FRAGMENTED, "fragmented", "packets cut into fragments on egress")                        \
	X(REASSEMBLED, "reassembled", "packets put together from fragments to know their flow")    \
	X(FLOW_CREATED, "flow_created", "flows begun")                                             \
	X(FLOW_EXPIRED, "flow_expired", "flows ended by their timeout")                            \
	X(FLOW_KILLED, "flow_killed", "flows ended by a command")                                  \
	X(FLOW_EVICTED, "flow_evicted",                                                            \
		"flows that made room for others in a full table, or of a host at its limit")      \
	X(NAT_OVERLOADED, "nat_overloaded",                                                        \
		"flows whose outside port is shared, or not that of their endpoint")               \
	X(NAT_OVER_SHARE, "nat_over_share",                                                        \
		"flows whose outside port is shared: their host holds its fair share of ports")    \
	X(HELPER_EXPECTED, "helper_expected", "connections that helpers saw announced")            \
	X(HELPER_RELATED, "helper_related", "announced connections that came")                     \
	X(HELPER_REFUSED, "helper_refused",                                                        \
		"announcements not followed: a strange address, a low port, or malformed")         \
	X(HELPER_FULL, "helper_full",                                                              \
		"helpers' tables full, or a host announces more than it may")                      \
	X(SIP_SEEN, "sip_seen", "flows of SIP through NAT, which go as they are (no ALG)")         \
	X(EVENT_LOST, "event_lost",                                                                \
		"events, log lines and additions to sets that were too many to tell control")      \
	X(CAPTURE_LOST, "capture_lost", "packets that a capture had no room for")                  \
	X(CAPTURE_UNSEEN, "capture_unseen",                                                        \
		"packets that a capture did not look at, to spare forwarding")                     \
	X(FLOW_CUT, "flow_cut", "flows ended by a change of policy, route or address")

enum counter {
#define COUNTER_ENUM(id, name, help) COUNTER_##id,
	COUNTERS(COUNTER_ENUM)
#undef COUNTER_ENUM
		COUNTER_COUNT,
};
