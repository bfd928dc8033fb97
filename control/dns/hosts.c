// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/hosts.h"

#include <pthread.h>
#include <stdlib.h>

#include "control/hash.h"

enum { BUCKETS = 4096, NONE = UINT32_MAX, WAITS = 1024, WAIT_AGAIN_SEC = 60 };

struct host {
	struct ip_addr addr; // of no family: free
	struct mac_addr mac;
	uint32_t next_of_address, next_of_card;
};

struct dns_hosts {
	pthread_mutex_t lock;
	uint64_t seed;
	dns_hosts_ask_fn ask;
	uint32_t next;		      // place to be taken
	struct ip_addr waited[WAITS]; // by a hash, since when
	uint32_t waited_sec[WAITS];
	uint32_t by_address[BUCKETS], by_card[BUCKETS];
	struct host list[DNS_HOSTS_MAX];
};

struct dns_hosts *dns_hosts_new(void)
{
	struct dns_hosts *hosts = calloc(1, sizeof(*hosts));

	if (hosts == NULL)
		return NULL;
	pthread_mutex_init(&hosts->lock, NULL);
	hosts->seed = hash_seed();
	memset(hosts->by_address, 0xff, sizeof(hosts->by_address));
	memset(hosts->by_card, 0xff, sizeof(hosts->by_card));
	return hosts;
}

void dns_hosts_free(struct dns_hosts *hosts)
{
	if (hosts == NULL)
		return;
	pthread_mutex_destroy(&hosts->lock);
	free(hosts);
}

static uint32_t *address_bucket(struct dns_hosts *hosts, const struct ip_addr *addr)
{
	uint8_t bytes[16];

	hash_address_bytes(addr, bytes);
	return &hosts->by_address[hash_address(hosts->seed, bytes, addr->family) % BUCKETS];
}

static uint32_t *card_bucket(struct dns_hosts *hosts, const struct mac_addr *mac)
{
	return &hosts->by_card[hash_bytes(hosts->seed, mac->bytes, sizeof(mac->bytes)) % BUCKETS];
}

static uint32_t find(struct dns_hosts *hosts, const struct ip_addr *addr)
{
	uint32_t i = *address_bucket(hosts, addr);

	while (i != NONE && !ip_addr_equal(&hosts->list[i].addr, addr))
		i = hosts->list[i].next_of_address;
	return i;
}

static void unlink_address(struct dns_hosts *hosts, uint32_t i)
{
	uint32_t *at = address_bucket(hosts, &hosts->list[i].addr);

	while (*at != i)
		at = &hosts->list[*at].next_of_address;
	*at = hosts->list[i].next_of_address;
}

static void unlink_card(struct dns_hosts *hosts, uint32_t i)
{
	uint32_t *at = card_bucket(hosts, &hosts->list[i].mac);

	while (*at != i)
		at = &hosts->list[*at].next_of_card;
	*at = hosts->list[i].next_of_card;
}

static void link_card(struct dns_hosts *hosts, uint32_t i, const struct mac_addr *mac)
{
	uint32_t *at = card_bucket(hosts, mac);

	hosts->list[i].mac = *mac;
	hosts->list[i].next_of_card = *at;
	*at = i;
}

static void add(struct dns_hosts *hosts, const struct ip_addr *addr, const struct mac_addr *mac)
{
	uint32_t i = hosts->next++ % DNS_HOSTS_MAX, *at;

	if (hosts->list[i].addr.family != IP_NONE) {
		unlink_address(hosts, i);
		unlink_card(hosts, i);
	}
	hosts->list[i].addr = *addr;
	at = address_bucket(hosts, addr);
	hosts->list[i].next_of_address = *at;
	*at = i;
	link_card(hosts, i, mac);
}

void dns_hosts_ask_by(struct dns_hosts *hosts, dns_hosts_ask_fn fn)
{
	hosts->ask = fn;
}

void dns_hosts_learn(
	struct dns_hosts *hosts, const struct ip_addr *addr, const struct mac_addr *mac)
{
	uint32_t i;

	pthread_mutex_lock(&hosts->lock);
	i = find(hosts, addr);
	if (i == NONE) {
		add(hosts, addr, mac);
	} else {
		unlink_card(hosts, i);
		link_card(hosts, i, mac);
	}
	pthread_mutex_unlock(&hosts->lock);
}

enum dns_hosts_card dns_hosts_card(
	struct dns_hosts *hosts, const struct ip_addr *addr, struct mac_addr *out)
{
	enum dns_hosts_card said;
	uint32_t i;

	pthread_mutex_lock(&hosts->lock);
	i = find(hosts, addr);
	if (i != NONE)
		*out = hosts->list[i].mac;
	pthread_mutex_unlock(&hosts->lock);
	if (i != NONE)
		return DNS_HOSTS_KNOWN;
	said = hosts->ask != NULL ? hosts->ask(addr, out) : DNS_HOSTS_NONE;
	if (said == DNS_HOSTS_KNOWN)
		dns_hosts_learn(hosts, addr, out);
	return said;
}

unsigned dns_hosts_addresses(struct dns_hosts *hosts, const struct mac_addr *mac,
	struct ip_addr out[DNS_HOSTS_OF_ONE_MAX])
{
	unsigned n = 0;

	pthread_mutex_lock(&hosts->lock);
	for (uint32_t i = *card_bucket(hosts, mac); i != NONE && n < DNS_HOSTS_OF_ONE_MAX;
		i = hosts->list[i].next_of_card)
		if (memcmp(hosts->list[i].mac.bytes, mac->bytes, sizeof(mac->bytes)) == 0)
			out[n++] = hosts->list[i].addr;
	pthread_mutex_unlock(&hosts->lock);
	return n;
}

bool dns_hosts_may_wait(struct dns_hosts *hosts, const struct ip_addr *addr, uint32_t now_sec)
{
	uint8_t bytes[16];
	bool may;
	uint32_t i;

	hash_address_bytes(addr, bytes);
	i = hash_address(hosts->seed, bytes, addr->family) % WAITS;
	pthread_mutex_lock(&hosts->lock);
	may = !ip_addr_equal(&hosts->waited[i], addr) ||
	      now_sec - hosts->waited_sec[i] >= WAIT_AGAIN_SEC;
	if (may) {
		hosts->waited[i] = *addr;
		hosts->waited_sec[i] = now_sec;
	}
	pthread_mutex_unlock(&hosts->lock);
	return may;
}
