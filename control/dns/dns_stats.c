// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns_stats.h"

#include <string.h>

#include "control/hash.h"

enum { CLIENT_WAYS = 8 };

static const char *const names[DNS_COUNTS] = {
	[DNS_COUNT_UDP] = "udp",
	[DNS_COUNT_TCP] = "tcp",
	[DNS_COUNT_HITS] = "cache_hits",
	[DNS_COUNT_STALE] = "stale",
	[DNS_COUNT_LOCAL] = "local",
	[DNS_COUNT_BLOCKED] = "blocked",
	[DNS_COUNT_BLOCKED_ALIAS] = "blocked_alias",
	[DNS_COUNT_REBIND] = "rebind",
	[DNS_COUNT_RESOLVED] = "resolved",
	[DNS_COUNT_JOINED] = "joined",
	[DNS_COUNT_PREFETCHED] = "prefetched",
	[DNS_COUNT_CUT] = "cut",
	[DNS_COUNT_COOKIE_VALID] = "cookie_valid",
	[DNS_COUNT_COOKIE_NEW] = "cookie_new",
	[DNS_COUNT_COOKIE_BAD] = "cookie_bad",
	[DNS_COUNT_COOKIE_ASKED] = "cookie_asked",
	[DNS_COUNT_CUT_UNSURE] = "cut_unsure",
	[DNS_COUNT_REFUSED_ACCESS] = "refused_access",
	[DNS_COUNT_DROP_MALFORMED] = "drop_malformed",
	[DNS_COUNT_DROP_RATE] = "drop_rate",
	[DNS_COUNT_DROP_FULL] = "drop_full",
	[DNS_COUNT_DROP_SETS] = "drop_sets",
	[DNS_COUNT_DROP_SEND] = "drop_send",
	[DNS_COUNT_DROP_CONNECTIONS] = "drop_connections",
	[DNS_COUNT_MDNS_ASKED] = "mdns_asked",
	[DNS_COUNT_DROP_MDNS_RATE] = "drop_mdns_rate",
	[DNS_COUNT_DROP_MDNS_OFF_LINK] = "drop_mdns_off_link",
	[DNS_COUNT_FAILED] = "failed",
	[DNS_COUNT_BOGUS] = "bogus",
};

const char *dns_count_name(enum dns_count what)
{
	return names[what];
}

void dns_stats_init(struct dns_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	pthread_mutex_init(&stats->lock, NULL);
	stats->seed = hash_seed();
}

void dns_stats_fini(struct dns_stats *stats)
{
	pthread_mutex_destroy(&stats->lock);
}

static void count_type(struct dns_stats *stats, uint16_t type)
{
	for (unsigned i = 0; i < DNS_STATS_TYPES; i++) {
		if (stats->types[i].n == 0)
			stats->types[i].type = type;
		if (stats->types[i].type == type) {
			stats->types[i].n++;
			return;
		}
	}
	stats->other_types++;
}

// Among few places, by a hash that strangers cannot know: a stranger takes the one of who has asked
// least, with that count, so that who asks much is never missed (the space-saving algorithm).
static void count_client(struct dns_stats *stats, const struct ip_addr *client)
{
	struct dns_client_count *row, *least;
	uint8_t bytes[16];
	uint64_t hash;

	hash_address_bytes(client, bytes);
	hash = hash_address(stats->seed, bytes, client->family);
	row = &stats->clients[(hash >> 32) % (DNS_STATS_CLIENTS / CLIENT_WAYS) * CLIENT_WAYS];
	least = row;
	for (unsigned i = 0; i < CLIENT_WAYS; i++) {
		if (ip_addr_equal(&row[i].addr, client)) {
			row[i].queries++;
			return;
		}
		if (row[i].queries < least->queries)
			least = &row[i];
	}
	least->addr = *client;
	least->queries++;
}

void dns_stats_query(struct dns_stats *stats, uint16_t type, const struct ip_addr *client)
{
	count_type(stats, type);
	count_client(stats, client);
}

void dns_stats_time(struct dns_times *times, uint64_t us)
{
	unsigned i = 0;

	while (i < DNS_STATS_TIMES - 1 && us >> i != 0)
		i++;
	times->below[i]++;
	times->n++;
	times->sum_us += us;
}

uint64_t dns_times_at(const struct dns_times *times, unsigned permille)
{
	uint64_t seen = 0;

	if (times->n == 0)
		return 0;
	for (unsigned i = 0; i < DNS_STATS_TIMES; i++) {
		seen += times->below[i];
		if (seen * 1000 >= times->n * permille)
			return UINT64_C(1) << i;
	}
	return UINT64_C(1) << (DNS_STATS_TIMES - 1);
}
