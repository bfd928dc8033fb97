// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/doubt.h"

const struct doubt_kind doubt_kinds[DOUBT_COUNT] = {
	[DOUBT_CORE_TWICE] = {"core-twice",
		"Two workers on one core take turns: they get no more done than one.",
		"name each core once"},

	[DOUBT_ACCEPTED_FOR_NOTHING] = {"accepted-for-nothing",
		"`accept-warnings` has an entry for a warning that there is not, or no longer: it "
		"would hide the next one.",
		"delete the entry, or correct its `at`"},

	[DOUBT_INTERFACE_MISPLACED] = {"interface-misplaced",
		"A zone or set of what leads to the internet has an interface that does not: rules "
		"for the internet then hold for a network of your own, or the other way round.",
		"take the interface out, or give it its default route or masquerade"},
	[DOUBT_INTERFACE_WITHOUT_ZONE] = {"interface-without-zone",
		"Rules that name zones are not about an interface that is in none: what it brings "
		"is decided by the rest of the rules, or by the default.",
		"name the interface in a zone"},
	[DOUBT_SET_EMPTY] = {"set-empty",
		"Nothing is in the set, and nothing can get in: rules that ask for it hold for "
		"nobody or, with `not`, for everybody.",
		"fill it, or give it `file` or `timeout`, or delete it"},
	[DOUBT_SET_UNUSED] = {"set-unused",
		"No rule asks for the set: what it was meant to let in or keep out is not.",
		"name it in a rule, or delete it"},
	[DOUBT_ZONES_WITHOUT_FIREWALL] = {"zones-without-firewall",
		"Zones are for the rules of a firewall; without one everything passes.",
		"write `firewall:`, or delete the zones"},

	[DOUBT_DHCP_HOOK_UNUSABLE] = {"dhcp-hook-unusable",
		"The program of a `hook` is not there, cannot be executed, or somebody else than "
		"root could put another in its place: it is not run, and leases go on without it.",
		"put it there, owned by root, in folders of root's, with mode 755"},
	[DOUBT_DHCP_NOTHING_TO_GIVE] = {"dhcp-nothing-to-give",
		"The DHCP server hears hosts there, and has neither a pool nor a reservation for "
		"them.",
		"write `pool`, or delete it"},
	[DOUBT_DHCP_RANGES_MEET] = {"dhcp-ranges-meet",
		"An address is in two ranges: the first decides about its options and class, and "
		"there are fewer addresses than it seems.",
		"let one end where the other begins"},
	[DOUBT_DHCP_WITHOUT_DNS] = {"dhcp-without-dns",
		"Hosts are told that the router answers questions for names, and `dns` does not "
		"listen there: they find nobody by name, unless another program here answers.",
		"name the interface at `dns: listen`, or say who answers: `options: {dns: ...}`"},

	[DOUBT_PICK_UP_DROPPED] = {"pick-up-dropped",
		"What `pick-up` is to take, TCP without a SYN, the hygiene drops before.",
		"say `tcp-new: false`, or take `pick-up` out"},
	[DOUBT_TIMEOUT_SHORT] = {"timeout-short",
		"Flows are forgotten sooner than the RFCs allow: connections that rest for longer "
		"break without anybody having closed them.",
		"leave the timeout out for its default"},

	[DOUBT_DHCP_NOT_DROPPED] = {"dhcp-not-dropped",
		"What a DHCP server says to the router's own client passes before all rules: a "
		"rule against it has no effect.",
		"delete the rule"},
	[DOUBT_LIST_UNUSED] = {"list-unused",
		"No rule jumps to the list: its rules are never asked.",
		"jump to it, or delete it"},
	[DOUBT_LOG_FLOOD] = {"log-flood",
		"A rule may write so many lines that whoever sends enough packets fills the disk.",
		"leave `log-rate` out for its default of 10/s"},
	[DOUBT_NEEDED_ICMP_DROPPED] = {"needed-icmp-dropped",
		"A rule stops ICMP that the network cannot do without, which would pass if no "
		"rule named it: path MTU discovery, neighbour discovery, router advertisements, "
		"multicast listeners (RFC 1191, RFC 4890).",
		"take this type out of the rule"},
	[DOUBT_RATE_WITHOUT_OVER] = {"rate-without-over",
		"A rule drops what keeps to a rate and lets pass what exceeds it, which is hardly "
		"meant.",
		"write `rate: over ...`"},
	[DOUBT_RULE_IMPOSSIBLE] = {"rule-impossible",
		"A rule names interfaces, and zones that none of them is in: it never holds.",
		"name the zone or the interfaces, not both"},
	[DOUBT_RULE_SHADOWED] = {"rule-shadowed",
		"Rules are asked in their order, and the first that decides ends it: an earlier "
		"one takes every packet that this one is about.",
		"move it up, or delete it"},

	[DOUBT_DNS_SHUT] = {"dns-shut",
		"`dns` listens on an interface whose hosts the rules do not let ask: none of their "
		"questions for names is heard.",
		"add a rule to `input` that accepts UDP and TCP port 53, or take the interface out "
		"of `listen`"},
	[DOUBT_FORWARD_OPEN] = {"forward-open",
		"Everybody on the internet may reach the hosts behind the router that no "
		"translation hides, such as all with IPv6.",
		"accept only what is meant: by `port`, `source` or `dnat: true`"},
	[DOUBT_INPUT_OPEN] = {"input-open",
		"Everybody on the internet may reach every program on the router itself.",
		"accept from zones of your own, and single ports from the internet"},
	[DOUBT_LAN_WITHOUT_DHCP] = {"lan-without-dhcp",
		"The router gives addresses to some networks, but its rules do not let hosts of "
		"this one ask for theirs.",
		"add a rule that accepts UDP port 67"},
	[DOUBT_LAN_WITHOUT_DNS] = {"lan-without-dns",
		"The router answers DNS of some networks, but its rules do not let hosts of this "
		"one ask.",
		"add a rule that accepts UDP port 53"},
	[DOUBT_MANAGEMENT_EXPOSED] = {"management-exposed",
		"What the router is managed by answers everybody on the internet: passwords are "
		"tried day and night, and a hole in the program is found within hours.",
		"say who may with `source`, or put before it a rule with `rate: over 10/m per "
		"source` and `action: drop`"},
	[DOUBT_MDNS_SHUT] = {"mdns-shut",
		"Hosts of an interface are asked for names under .local by multicast, and the "
		"rules "
		"stop the question or what they answer: both are UDP port 5353, and no flow that "
		"is "
		"known lets the answer in.",
		"let UDP port 5353 pass in `input` and `output`, or take the interface out of "
		"`mdns`"},
	[DOUBT_RESOLVER_OPEN] = {"resolver-open",
		"DNS on the router answers everybody on the internet: with senders that are made "
		"up, its answers flood whoever is meant to be hit.",
		"accept DNS from zones of your own alone"},
	[DOUBT_ROUTER_LOCKED] = {"router-locked",
		"No rule of `input` lets anybody reach the router by TCP, so that nobody can log "
		"in to it over the network.",
		"add one such as { from: lan, protocol: tcp, port: ssh, action: accept }"},

	[DOUBT_ROUTE_NEVER_USED] = {"route-never-used",
		"Of several routes to one network the lowest metric wins for as long as its "
		"interface is up. A route by the same interface, or after one that needs none, is "
		"never the best.",
		"give it a lower metric or another interface, or delete it"},

	[DOUBT_UPLINK_PROBE_OWN] = {"uplink-probe-own",
		"The router always answers itself: such a probe never fails, whatever has become "
		"of the uplink.",
		"ask somebody beyond the next router"},
	[DOUBT_UPLINK_PROBE_SINGLE] = {"uplink-probe-single",
		"When the only one that is asked has an outage of its own, an uplink that works is "
		"given up.",
		"ask two or three, of different networks"},
	[DOUBT_UPLINK_UNPROBED] = {"uplink-unprobed",
		"The next router answers for itself alone: what has failed behind it is not "
		"noticed, and the other uplinks are not used.",
		"write `probes`"},
	[DOUBT_UPLINK_WITHOUT_WAY] = {"uplink-without-way",
		"Without a next router an uplink is never used: it has no `via`, and its interface "
		"neither `dhcp4` nor a default route in `routes`. Router advertisements may bring "
		"one of IPv6 alone.",
		"write `via`"},

	[DOUBT_MASQUERADE_UNROUTED] = {"masquerade-unrouted",
		"Sources are translated where they leave by an interface, but no route leads "
		"there, while the default route leaves by another one: the addresses of your own "
		"network go out as they are, and no answer comes back.",
		"name the interface that the default route leaves by"},
	[DOUBT_NAT_ADDRESS_UNANSWERED] = {"nat-address-unanswered",
		"An address of the uplink's own network is used for translation, but it is none "
		"of the router's: nobody there answers ARP or neighbour discovery for it, so that "
		"answers never arrive.",
		"add it to the interface's `addresses`, unless it is routed to this one"},
	[DOUBT_NAT_BLOCKED] = {"nat-blocked",
		"A forward or redirect sends packets on that the firewall then drops.",
		"add a rule that accepts them"},
	[DOUBT_NAT_MISSING] = {"nat-missing",
		"Hosts with private addresses (RFC 1918) reach the internet by an interface that "
		"translates nothing: no answer finds the way back to them.",
		"add a masquerade on the interface"},
	[DOUBT_NAT_OVERLAP] = {"nat-overlap",
		"Two forwards share some ports and each has others of its own: what is sent to "
		"those that they share goes where the first one says.",
		"give each its own ports"},
	[DOUBT_NAT_SHADOWED] = {"nat-shadowed",
		"Of the translations the first that fits decides, and an earlier one fits "
		"everything that this one is about.",
		"move it up, or delete it"},
	[DOUBT_NAT_TARGET_OUTSIDE] = {"nat-target-outside",
		"A translation sends packets to an address that is on no network behind the "
		"router, nor is there a route to it: they leave for the internet again.",
		"name a host of your own network, or add the route to it"},
};
