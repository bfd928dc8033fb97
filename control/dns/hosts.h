// SPDX-License-Identifier: BSD-3-Clause
// Which card has which address, as the neighbours that the kernel resolves say it: a host is known
// by its card when its addresses change. What a card had stays its own until another has it, as the
// kernel forgets who is quiet. Bounded, the oldest gives way. Any thread: it has a lock of its own.
#pragma once

#include "cfg/base/addr.h"

enum {
	DNS_HOSTS_MAX = 16384,
	DNS_HOSTS_OF_ONE_MAX = 16, // addresses of one card that are told
};

struct dns_hosts;

enum dns_hosts_card {
	DNS_HOSTS_NONE = 0, // no neighbour, or none that has a card
	DNS_HOSTS_KNOWN,
	DNS_HOSTS_NOT_YET, // it will be, once something is sent there
};

// Whom to ask about an address that nobody has told of yet.
typedef enum dns_hosts_card (*dns_hosts_ask_fn)(const struct ip_addr *addr, struct mac_addr *out);

struct dns_hosts *dns_hosts_new(void); // NULL without memory
void dns_hosts_free(struct dns_hosts *hosts);

void dns_hosts_ask_by(struct dns_hosts *hosts, dns_hosts_ask_fn fn); // NULL: nobody
void dns_hosts_learn(
	struct dns_hosts *hosts, const struct ip_addr *addr, const struct mac_addr *mac);
enum dns_hosts_card dns_hosts_card(
	struct dns_hosts *hosts, const struct ip_addr *addr, struct mac_addr *out);
// Of one that is not known yet: whether to wait for it, which is once in a while.
bool dns_hosts_may_wait(struct dns_hosts *hosts, const struct ip_addr *addr, uint32_t now_sec);
unsigned dns_hosts_addresses(struct dns_hosts *hosts, const struct mac_addr *mac,
	struct ip_addr out[DNS_HOSTS_OF_ONE_MAX]);
