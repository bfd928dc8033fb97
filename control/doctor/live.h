// SPDX-License-Identifier: BSD-3-Clause
// What the running machine tells by system calls alone, in no file: addresses, what cards can do
// (ethtool), nftables' tables, whether the clock is set. In the network namespace of the process;
// without root some of it is not seen. Plain values. Control thread.
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"

enum { LIVE_ADDRESSES_MAX = 256, LIVE_CARDS_MAX = 64, LIVE_TABLES_MAX = 32, LIVE_TEXT_BYTES = 48 };

struct live_address {
	char netdev[IF_NAMESIZE];
	struct ip_prefix prefix;
	bool is_lasting; // not for a time, as from DHCP or an advertisement
};

struct live_card {
	char netdev[IF_NAMESIZE];
	char driver[LIVE_TEXT_BYTES]; // as it calls itself
	struct mac_addr mac;	      // burnt in
	bool has_mac;
	uint32_t queues_max;  // 0: it does not tell
	uint32_t rss_entries; // of its indirection table; 0: none, or it does not tell
	uint32_t rss_key_bytes;
	bool sees_native_xdp, has_native_xdp; // XDP by itself, as kernels from 6.3 tell
	bool has_rx_checksum, has_tx_checksum, has_tso, has_gro; // switched on
};

struct live {
	bool may_run; // what the daemon needs is permitted to this process
	bool is_root;
	struct error why_not;
	struct live_address addresses[LIVE_ADDRESSES_MAX];
	unsigned n_addresses;
	struct live_card cards[LIVE_CARDS_MAX];
	unsigned n_cards;
	bool sees_tables;
	char tables[LIVE_TABLES_MAX][LIVE_TEXT_BYTES]; // "inet filter"
	unsigned n_tables, n_more_tables;
	bool sees_clock, is_clock_set;
	bool sees_xdp, has_xdp; // AF_XDP sockets
};

void live_look(struct live *live);
const struct live_card *live_card(const struct live *live, const char *netdev); // or NULL
