// SPDX-License-Identifier: BSD-3-Clause
// The sockets of multicast DNS, one of each family on each interface that is named, from the moment
// that it is there. What comes in is believed when it was sent on the link itself (RFC 6762 section
// 11): from port 5353, with a TTL of 255, by an address of the interface's networks. DNS thread.
#pragma once

#include <event2/event.h>

#include "cfg/dns.h"
#include "control/dns/dns_stats.h"
#include "control/dns/mdns_nets.h"

struct mdns_links;

typedef void (*mdns_receive_fn)(void *ctx, const uint8_t *bytes, size_t n);

// NULL without memory. `fn` gets what is believed, without the statistics' lock.
struct mdns_links *mdns_links_new(
	struct event_base *base, struct dns_stats *stats, mdns_receive_fn fn, void *ctx);
void mdns_links_free(struct mdns_links *links); // NULL is fine

// From now on these. Those that stay keep their sockets. Whether that is a change.
bool mdns_links_set(struct mdns_links *links, const char *const *names, unsigned n);
// Every moment: interfaces come and go, and so do their addresses.
void mdns_links_look(struct mdns_links *links);
// The networks of those that are there.
const struct mdns_nets *mdns_links_nets(const struct mdns_links *links);

// By multicast, on all that are there.
void mdns_links_send(const struct mdns_links *links, const uint8_t *bytes, size_t n);
