// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/cookie_server.h"

#include <string.h>

#include "control/hash.h"

enum {
	VERSION = 1,	  // RFC 9018 section 4.1
	SIGNED_BYTES = 8, // of the server's: version, reserved, time
	ADDRESS_BYTES_MAX = 16,
	HASH_BYTES = 8,
};

static uint32_t read_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

// Section 4.4: client cookie | version | reserved | timestamp | client's address.
static void sign(const uint8_t secret[SIPHASH_KEY_BYTES], const struct cookie *cookie,
	const struct ip_addr *client, uint8_t out[HASH_BYTES])
{
	uint8_t bytes[COOKIE_CLIENT_BYTES + SIGNED_BYTES + ADDRESS_BYTES_MAX];
	struct cursor_out to = cursor_out_of(bytes, sizeof(bytes));
	uint64_t hash;

	cursor_put(&to, cookie->client, COOKIE_CLIENT_BYTES);
	cursor_put(&to, cookie->server, SIGNED_BYTES);
	cursor_put(&to, client->bytes, ip_family_bits(client->family) / 8);
	hash = siphash(secret, bytes, to.n);
	for (unsigned i = 0; i < HASH_BYTES; i++)
		out[i] = (uint8_t)(hash >> 8 * i);
}

// In a time that does not tell how much of it is right.
static bool is_signed_by(const uint8_t secret[SIPHASH_KEY_BYTES], const struct cookie *cookie,
	const struct ip_addr *client)
{
	uint8_t hash[HASH_BYTES], difference = 0;

	sign(secret, cookie, client, hash);
	for (unsigned i = 0; i < HASH_BYTES; i++)
		difference |= (uint8_t)(hash[i] ^ cookie->server[SIGNED_BYTES + i]);
	return difference == 0;
}

static void draw(uint8_t secret[SIPHASH_KEY_BYTES])
{
	const uint64_t seeds[] = {hash_seed(), hash_seed()};

	memcpy(secret, seeds, SIPHASH_KEY_BYTES);
}

static void renew_secret(struct cookie_server *server, uint32_t now_sec)
{
	if (server->since_sec != 0 && now_sec - server->since_sec < COOKIE_SECRET_SEC)
		return;
	server->has_before = server->since_sec != 0;
	memcpy(server->before, server->secret, sizeof(server->before));
	draw(server->secret);
	server->since_sec = now_sec != 0 ? now_sec : 1;
}

static bool is_valid(const struct cookie_server *server, const struct cookie *cookie,
	const struct ip_addr *client, int32_t age_sec)
{
	return cookie->server_bytes == COOKIE_SERVER_BYTES && cookie->server[0] == VERSION &&
	       age_sec <= COOKIE_AGE_MAX_SEC && age_sec >= -COOKIE_AHEAD_MAX_SEC &&
	       (is_signed_by(server->secret, cookie, client) ||
		       (server->has_before && is_signed_by(server->before, cookie, client)));
}

enum cookie_is cookie_server_take(struct cookie_server *server, struct cookie *cookie,
	const struct ip_addr *client, uint32_t now_sec)
{
	enum cookie_is is = cookie->server_bytes == 0 ? COOKIE_IS_NEW : COOKIE_IS_BAD;
	// serial numbers (RFC 1982): they may wrap
	int32_t age_sec = (int32_t)(now_sec - read_u32(cookie->server + 4));

	renew_secret(server, now_sec);
	if (is == COOKIE_IS_BAD && is_valid(server, cookie, client, age_sec))
		is = COOKIE_IS_VALID;
	if (is == COOKIE_IS_VALID && age_sec < COOKIE_RENEW_SEC &&
		is_signed_by(server->secret, cookie, client))
		return is; // the same again
	memset(cookie->server, 0, sizeof(cookie->server));
	cookie->server[0] = VERSION;
	for (unsigned i = 0; i < sizeof(now_sec); i++)
		cookie->server[4 + i] = (uint8_t)(now_sec >> 8 * (3 - i));
	sign(server->secret, cookie, client, cookie->server + SIGNED_BYTES);
	cookie->server_bytes = COOKIE_SERVER_BYTES;
	return is;
}
