// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/client_rate.h"

#include <stdlib.h>

#include "control/hash.h"

enum {
	ROWS = 8192, // a power of two
	WAYS = 4,
	SITE_BYTES_IP6 = 7, // a /56 is one customer (RFC 6177)
	MS_PER_SEC = 1000,
};

struct bucket {
	uint64_t hash; // 0: free
	uint64_t seen_ms;
	uint32_t credit_ms; // of an answer's MS_PER_SEC each
	uint32_t n_beyond;
};

struct client_rate {
	struct bucket rows[ROWS][WAYS];
	uint64_t seed;
};

struct client_rate *client_rate_new(void)
{
	struct client_rate *rate = calloc(1, sizeof(*rate));

	if (rate != NULL)
		rate->seed = hash_seed();
	return rate;
}

void client_rate_free(struct client_rate *rate)
{
	free(rate);
}

// Its own, or that of whoever has been silent for longest.
static struct bucket *find(
	struct client_rate *rate, const struct ip_addr *client, uint32_t full, uint64_t now_ms)
{
	uint8_t bytes[16];
	struct bucket *row, *oldest;
	uint64_t hash;

	hash_address_bytes(client, bytes);
	if (client->family == IP_V6)
		memset(bytes + SITE_BYTES_IP6, 0, sizeof(bytes) - SITE_BYTES_IP6);
	hash = hash_address(rate->seed, bytes, client->family) | 1;
	row = rate->rows[(hash >> 32) % ROWS];
	oldest = row;
	for (unsigned i = 0; i < WAYS; i++) {
		if (row[i].hash == hash)
			return &row[i];
		if (row[i].seen_ms < oldest->seen_ms)
			oldest = &row[i];
	}
	*oldest = (struct bucket){.hash = hash, .seen_ms = now_ms, .credit_ms = full};
	return oldest;
}

enum client_rate_verdict client_rate_take(
	struct client_rate *rate, const struct ip_addr *client, uint32_t per_sec, uint64_t now_ms)
{
	uint32_t full = per_sec * MS_PER_SEC; // a second's worth at once
	struct bucket *bucket;
	uint64_t credit;

	if (per_sec == 0)
		return CLIENT_RATE_ANSWER;
	bucket = find(rate, client, full, now_ms);
	credit = bucket->credit_ms + (now_ms - bucket->seen_ms) * per_sec;
	bucket->seen_ms = now_ms;
	bucket->credit_ms = credit < full ? (uint32_t)credit : full;
	if (bucket->credit_ms >= MS_PER_SEC) {
		bucket->credit_ms -= MS_PER_SEC;
		return CLIENT_RATE_ANSWER;
	}
	return ++bucket->n_beyond % 2 == 1 ? CLIENT_RATE_CUT : CLIENT_RATE_DROP;
}
