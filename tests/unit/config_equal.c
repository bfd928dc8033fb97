// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/config_equal.h"

#include "tests/unit/config_equal_private.h"

static bool same_mac(const struct mac_addr *a, const struct mac_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool same_element(
	enum cfg_set_kind kind, const struct cfg_element *a, const struct cfg_element *b)
{
	if (!same_text(a->set, b->set) || a->is_negated != b->is_negated)
		return false;
	if (a->set != NULL)
		return true;
	if (kind == CFG_SET_ADDRESSES)
		return ip_addr_equal(&a->addresses.first, &b->addresses.first) &&
		       ip_addr_equal(&a->addresses.last, &b->addresses.last);
	if (kind == CFG_SET_MACS)
		return same_mac(&a->mac, &b->mac);
	if (kind == CFG_SET_INTERFACES)
		return same_text(a->interface, b->interface);
	return a->numbers.first == b->numbers.first && a->numbers.last == b->numbers.last;
}

static bool same_match(enum cfg_set_kind kind, const struct cfg_match *a, const struct cfg_match *b)
{
	bool is_same = a->n == b->n && a->is_negated == b->is_negated;

	for (unsigned i = 0; i < a->n && is_same; i++)
		is_same = same_element(kind, &a->elements[i], &b->elements[i]);
	return is_same;
}

static bool same_port(const struct cfg_port *a, const struct cfg_port *b)
{
	return same_text(a->name, b->name) && same_text(a->match_name, b->match_name) &&
	       same_text(a->match_pci, b->match_pci) && same_mac(&a->match_mac, &b->match_mac) &&
	       a->has_match_mac == b->has_match_mac && a->driver == b->driver && a->mtu == b->mtu &&
	       same_mac(&a->mac, &b->mac) && a->has_mac == b->has_mac && a->queues == b->queues &&
	       a->allow_no_iommu == b->allow_no_iommu &&
	       same_text(a->memif_socket, b->memif_socket) &&
	       a->memif_is_server == b->memif_is_server && same_text(a->tap_name, b->tap_name) &&
	       same_text(a->pcap_rx, b->pcap_rx) && same_text(a->pcap_tx, b->pcap_tx) &&
	       a->pcap_repeat == b->pcap_repeat;
}

static bool same_interface(const struct cfg_interface *a, const struct cfg_interface *b)
{
	bool is_same = same_text(a->name, b->name) && same_text(a->port, b->port) &&
		       a->n_addresses == b->n_addresses;

	for (unsigned i = 0; i < a->n_addresses && is_same; i++)
		is_same = same_prefix(&a->addresses[i], &b->addresses[i]);
	return is_same;
}

static bool same_route(const struct cfg_route *a, const struct cfg_route *b)
{
	bool is_same = same_prefix(&a->to, &b->to) && a->kind == b->kind &&
		       a->metric == b->metric && a->n_nexthops == b->n_nexthops;

	for (unsigned i = 0; i < a->n_nexthops && is_same; i++)
		is_same = ip_addr_equal(&a->nexthops[i].via, &b->nexthops[i].via) &&
			  same_text(a->nexthops[i].interface, b->nexthops[i].interface);
	return is_same;
}

static bool same_uplink(const struct cfg_uplink *a, const struct cfg_uplink *b)
{
	bool is_same = same_text(a->name, b->name) && same_text(a->interface, b->interface) &&
		       a->priority == b->priority && a->weight == b->weight &&
		       a->n_via == b->n_via && a->n_probes == b->n_probes &&
		       a->interval_sec == b->interval_sec && a->lost == b->lost &&
		       a->answered == b->answered && a->hold_sec == b->hold_sec &&
		       a->loss_percent == b->loss_percent;

	for (unsigned i = 0; i < a->n_via && is_same; i++)
		is_same = ip_addr_equal(&a->via[i], &b->via[i]);
	for (unsigned i = 0; i < a->n_probes && is_same; i++)
		is_same = ip_addr_equal(&a->probes[i], &b->probes[i]);
	return is_same;
}

static bool same_set(const struct cfg_set *a, const struct cfg_set *b)
{
	bool is_same = same_text(a->name, b->name) && a->kind == b->kind &&
		       a->n_elements == b->n_elements && same_text(a->file, b->file) &&
		       a->timeout_sec == b->timeout_sec && a->capacity == b->capacity &&
		       a->least_sec == b->least_sec && same_names(&a->names, &b->names);

	for (unsigned i = 0; i < a->n_elements && is_same; i++)
		is_same = same_element(a->kind, &a->elements[i], &b->elements[i]);
	return is_same;
}

static bool same_mark(const struct cfg_mark *a, const struct cfg_mark *b)
{
	return a->value == b->value && a->mask == b->mask;
}

static bool same_rate(const struct cfg_rate *a, const struct cfg_rate *b)
{
	return a->packets == b->packets && a->per_sec == b->per_sec && a->burst == b->burst &&
	       a->is_per_source == b->is_per_source && a->is_above == b->is_above;
}

static bool same_times(const struct cfg_rule *a, const struct cfg_rule *b)
{
	bool is_same = a->n_times == b->n_times;

	for (unsigned i = 0; i < a->n_times && is_same; i++)
		is_same = a->times[i].days == b->times[i].days &&
			  a->times[i].first_min == b->times[i].first_min &&
			  a->times[i].last_min == b->times[i].last_min;
	return is_same;
}

static bool same_conditions(const struct cfg_rule *a, const struct cfg_rule *b)
{
	return same_names(&a->from, &b->from) && same_names(&a->to, &b->to) &&
	       a->family == b->family &&
	       same_match(CFG_SET_INTERFACES, &a->in_interface, &b->in_interface) &&
	       same_match(CFG_SET_INTERFACES, &a->out_interface, &b->out_interface) &&
	       same_match(CFG_SET_ADDRESSES, &a->source, &b->source) &&
	       same_match(CFG_SET_ADDRESSES, &a->destination, &b->destination) &&
	       same_match(CFG_SET_PORTS, &a->source_port, &b->source_port) &&
	       same_match(CFG_SET_PORTS, &a->port, &b->port) &&
	       same_match(CFG_SET_PROTOCOLS, &a->protocol, &b->protocol) &&
	       same_match(CFG_SET_ICMP, &a->icmp, &b->icmp) &&
	       same_match(CFG_SET_ICMP6, &a->icmp6, &b->icmp6) &&
	       same_match(CFG_SET_MACS, &a->mac, &b->mac) &&
	       a->tcp_flags.mask == b->tcp_flags.mask && a->tcp_flags.flags == b->tcp_flags.flags &&
	       a->dscps == b->dscps && a->states == b->states && a->has_dnat == b->has_dnat &&
	       a->is_dnat == b->is_dnat && same_mark(&a->mark, &b->mark) && same_times(a, b) &&
	       same_rate(&a->rate, &b->rate);
}

static bool same_rule(const struct cfg_rule *a, const struct cfg_rule *b)
{
	return same_conditions(a, b) && same_text(a->comment, b->comment) &&
	       a->action == b->action && a->reject == b->reject && same_text(a->jump, b->jump) &&
	       same_text(a->counter, b->counter) && same_text(a->log, b->log) &&
	       same_rate(&a->log_rate, &b->log_rate) && same_mark(&a->set_mark, &b->set_mark) &&
	       same_text(a->add_set, b->add_set) && a->add_sec == b->add_sec &&
	       a->add_destination == b->add_destination && a->add_ip6_len == b->add_ip6_len;
}

static bool same_list(const struct cfg_list *a, const struct cfg_list *b)
{
	bool is_same = same_text(a->name, b->name) && a->n_rules == b->n_rules;

	for (unsigned i = 0; i < a->n_rules && is_same; i++)
		is_same = same_rule(&a->rules[i], &b->rules[i]);
	return is_same;
}

static bool same_hygiene(const struct cfg_hygiene *a, const struct cfg_hygiene *b)
{
	bool is_same = same_text(a->interface, b->interface) && a->checks.on == b->checks.on &&
		       a->checks.said == b->checks.said && a->reverse_path == b->reverse_path &&
		       a->n_interfaces == b->n_interfaces;

	for (unsigned i = 0; i < a->n_interfaces && is_same; i++)
		is_same = same_hygiene(&a->interfaces[i], &b->interfaces[i]);
	return is_same;
}

static bool same_firewall(const struct cfg_firewall *a, const struct cfg_firewall *b)
{
	bool is_same = a->is_there == b->is_there && a->n_lists == b->n_lists &&
		       same_hygiene(&a->hygiene, &b->hygiene);

	for (unsigned hook = 0; hook < CFG_HOOK_COUNT && is_same; hook++)
		is_same = a->defaults[hook] == b->defaults[hook] &&
			  same_list(&a->hooks[hook], &b->hooks[hook]);
	for (unsigned i = 0; i < a->n_lists && is_same; i++)
		is_same = same_list(&a->lists[i], &b->lists[i]);
	return is_same;
}

static bool same_nat(const struct cfg_nat *a, const struct cfg_nat *b)
{
	return a->kind == b->kind && a->family == b->family &&
	       same_names(&a->interfaces, &b->interfaces) &&
	       same_match(CFG_SET_ADDRESSES, &a->from, &b->from) &&
	       same_match(CFG_SET_ADDRESSES, &a->to, &b->to) &&
	       same_match(CFG_SET_PROTOCOLS, &a->protocol, &b->protocol) &&
	       same_prefix(&a->outside, &b->outside) && same_prefix(&a->inside, &b->inside) &&
	       same_match(CFG_SET_PORTS, &a->ports, &b->ports) &&
	       a->inside_port == b->inside_port && a->is_random == b->is_random &&
	       a->keeps_parity == b->keeps_parity && a->is_full_cone == b->is_full_cone;
}

static bool same_flows(const struct config *a, const struct config *b)
{
	const struct cfg_timeouts *t = &a->timeouts, *u = &b->timeouts;

	return a->flow_capacity == b->flow_capacity && a->host_flows_max == b->host_flows_max &&
	       a->has_pick_up == b->has_pick_up && a->picks_up == b->picks_up &&
	       t->tcp_unreplied == u->tcp_unreplied && t->tcp_established == u->tcp_established &&
	       t->tcp_closing == u->tcp_closing && t->tcp_closed == u->tcp_closed &&
	       t->udp_unreplied == u->udp_unreplied && t->udp_assured == u->udp_assured &&
	       t->icmp == u->icmp && t->other == u->other && a->helpers.n_ftp == b->helpers.n_ftp &&
	       a->helpers.n_tftp == b->helpers.n_tftp &&
	       memcmp(a->helpers.ftp, b->helpers.ftp, sizeof(a->helpers.ftp)) == 0 &&
	       memcmp(a->helpers.tftp, b->helpers.tftp, sizeof(a->helpers.tftp)) == 0;
}

static bool same_elements(enum cfg_set_kind kind, const struct cfg_element *a, unsigned n_a,
	const struct cfg_element *b, unsigned n_b)
{
	bool is_same = n_a == n_b;

	for (unsigned i = 0; i < n_a && is_same; i++)
		is_same = same_element(kind, &a[i], &b[i]);
	return is_same;
}

static bool same_options(const struct cfg_dhcp_options *a, const struct cfg_dhcp_options *b)
{
	bool is_same = a->n == b->n;

	for (unsigned i = 0; i < a->n && is_same; i++)
		is_same = same_text(a->list[i].name, b->list[i].name) &&
			  a->list[i].number == b->list[i].number &&
			  a->list[i].n_bytes == b->list[i].n_bytes &&
			  memcmp(a->list[i].bytes, b->list[i].bytes, a->list[i].n_bytes) == 0;
	return is_same;
}

static bool same_reservation(
	const struct cfg_dhcp_reservation *a, const struct cfg_dhcp_reservation *b)
{
	return same_text(a->name, b->name) && a->has_mac == b->has_mac &&
	       same_mac(&a->mac, &b->mac) && ip_addr_equal(&a->address, &b->address) &&
	       same_text(a->client_id.text, b->client_id.text) &&
	       same_text(a->circuit_id.text, b->circuit_id.text) &&
	       same_text(a->remote_id.text, b->remote_id.text) &&
	       same_options(&a->options, &b->options);
}

static bool same_class(const struct cfg_dhcp_class *a, const struct cfg_dhcp_class *b)
{
	return same_text(a->name, b->name) && same_text(a->vendor, b->vendor) &&
	       same_text(a->user, b->user) && a->n_architectures == b->n_architectures &&
	       memcmp(a->architectures, b->architectures, sizeof(a->architectures)) == 0 &&
	       same_options(&a->options, &b->options);
}

static bool same_pool(const struct cfg_dhcp_pool *a, const struct cfg_dhcp_pool *b)
{
	return same_text(a->name, b->name) && same_text(a->class, b->class) &&
	       same_elements(CFG_SET_ADDRESSES, a->ranges, a->n_ranges, b->ranges, b->n_ranges) &&
	       same_options(&a->options, &b->options);
}

static bool same_dhcp_subnet(const struct cfg_dhcp_subnet *a, const struct cfg_dhcp_subnet *b)
{
	bool is_same =
		same_text(a->name, b->name) && same_text(a->interface, b->interface) &&
		a->is_relayed == b->is_relayed && same_prefix(&a->subnet, &b->subnet) &&
		a->lease_sec == b->lease_sec && a->renew_sec == b->renew_sec &&
		a->rebind_sec == b->rebind_sec && a->is_authoritative == b->is_authoritative &&
		a->has_rapid_commit == b->has_rapid_commit &&
		a->has_only_reserved == b->has_only_reserved &&
		a->checks_conflicts == b->checks_conflicts && a->per_host == b->per_host &&
		a->n_reservations == b->n_reservations && a->n_classes == b->n_classes &&
		a->n_pools == b->n_pools && same_options(&a->options, &b->options) &&
		same_elements(CFG_SET_ADDRESSES, a->ranges, a->n_ranges, b->ranges, b->n_ranges) &&
		same_elements(CFG_SET_MACS, a->allowed, a->n_allowed, b->allowed, b->n_allowed) &&
		same_elements(CFG_SET_MACS, a->denied, a->n_denied, b->denied, b->n_denied);

	for (unsigned i = 0; i < a->n_reservations && is_same; i++)
		is_same = same_reservation(&a->reservations[i], &b->reservations[i]);
	for (unsigned i = 0; i < a->n_classes && is_same; i++)
		is_same = same_class(&a->classes[i], &b->classes[i]);
	for (unsigned i = 0; i < a->n_pools && is_same; i++)
		is_same = same_pool(&a->pools[i], &b->pools[i]);
	return is_same;
}

const char *config_differs(const struct config *a, const struct config *b)
{
	if (a->n_workers != b->n_workers || a->n_cores != b->n_cores ||
		memcmp(a->cores, b->cores, sizeof(a->cores)) != 0 || a->idle != b->idle)
		return "workers";
	if (a->hugepages != b->hugepages || !same_text(a->state_file, b->state_file))
		return "memory or state";
	for (unsigned i = 0; i < LOG_PARTS; i++)
		if (cfg_log_level(&a->log, (enum log_part)i) !=
			cfg_log_level(&b->log, (enum log_part)i))
			return "log";
	if (!same_flows(a, b))
		return "flows";
	if (a->n_ports != b->n_ports || a->n_interfaces != b->n_interfaces ||
		a->n_routes != b->n_routes || a->n_zones != b->n_zones || a->n_sets != b->n_sets ||
		a->n_nats != b->n_nats)
		return "how many there are";
	for (unsigned i = 0; i < a->n_ports; i++)
		if (!same_port(&a->ports[i], &b->ports[i]))
			return "ports";
	for (unsigned i = 0; i < a->n_interfaces; i++)
		if (!same_interface(&a->interfaces[i], &b->interfaces[i]))
			return "interfaces";
	for (unsigned i = 0; i < a->n_routes; i++)
		if (!same_route(&a->routes[i], &b->routes[i]))
			return "routes";
	if (a->n_uplinks != b->n_uplinks)
		return "how many uplinks there are";
	for (unsigned i = 0; i < a->n_uplinks; i++)
		if (!same_uplink(&a->uplinks[i], &b->uplinks[i]))
			return "uplinks";
	for (unsigned i = 0; i < a->n_zones; i++)
		if (!same_text(a->zones[i].name, b->zones[i].name) ||
			!same_names(&a->zones[i].interfaces, &b->zones[i].interfaces))
			return "zones";
	for (unsigned i = 0; i < a->n_sets; i++)
		if (!same_set(&a->sets[i], &b->sets[i]))
			return "sets";
	if (!same_firewall(&a->firewall, &b->firewall))
		return "firewall";
	if (!config_equal_dns(&a->dns, &b->dns))
		return "dns";
	if (a->dhcp.n_subnets != b->dhcp.n_subnets)
		return "how many subnets of DHCP there are";
	for (unsigned i = 0; i < a->dhcp.n_subnets; i++)
		if (!same_dhcp_subnet(&a->dhcp.subnets[i], &b->dhcp.subnets[i]))
			return "dhcp-server";
	for (unsigned i = 0; i < a->n_nats; i++)
		if (!same_nat(&a->nats[i], &b->nats[i]))
			return "nat";
	if (a->n_accepts != b->n_accepts)
		return "how many warnings are accepted";
	for (unsigned i = 0; i < a->n_accepts; i++)
		if (!same_text(a->accepts[i].id, b->accepts[i].id) ||
			!same_text(a->accepts[i].at, b->accepts[i].at))
			return "accept-warnings";
	return NULL;
}
