// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/value_addr.h"

#include <stdio.h>
#include <string.h>

#include "cfg/value.h"

int value_addr_read_mac(const char *text, struct mac_addr *out, struct error *err)
{
	static const struct model_key mac_key = {.key = "mac", .type = MODEL_MAC};
	static const struct mac_addr zero;
	struct mac_addr mac;

	if (mac_addr_parse(text, &mac) != 0)
		return value_unexpected(&mac_key, text, "", err);
	if (memcmp(&mac, &zero, sizeof(mac)) == 0)
		return error_set(err, "00:00:00:00:00:00 is no address");
	// IEEE 802-2014 8.2
	if (mac.bytes[0] & 1)
		return error_set(err,
			"%s is a group address: the least significant bit of its first octet "
			"(%02x), "
			"the group bit, must be 0 in a card's address (%02x)",
			text, mac.bytes[0], mac.bytes[0] & 0xfe);
	*out = mac;
	return 0;
}

static const char *family_name(uint8_t family)
{
	return family == IP_V4 ? "IPv4" : "IPv6";
}

// RFC 1122 section 3.2.1.3, RFC 4291 section 2.5: what no host may have as its own.
static const char *why_not_a_host(const struct ip_addr *addr)
{
	static const uint8_t zero_then_one[16] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t all_ones[4] = {0xff, 0xff, 0xff, 0xff};

	if (ip_addr_is_multicast(addr))
		return "a multicast address";
	if (addr->family == IP_V4) {
		if (addr->v4[0] == 0)
			return "in 0.0.0.0/8, the unspecified addresses";
		if (addr->v4[0] == 127)
			return "a loopback address";
		return memcmp(addr->v4, all_ones, 4) == 0 ? "the broadcast address" : NULL;
	}
	if (memcmp(addr->v6, zero_then_one, 15) == 0 && addr->v6[15] <= 1)
		return addr->v6[15] == 1 ? "the loopback address" : "the unspecified address";
	return memcmp(addr->v6, mapped, sizeof(mapped)) == 0 ? "an IPv4 address mapped into IPv6"
							     : NULL;
}

static int read_address(
	const struct model_key *key, const char *text, struct ip_addr *out, struct error *err)
{
	const char *why_not;

	if (ip_addr_parse(text, out) != 0)
		return value_unexpected(key, text,
			strchr(text, '/') != NULL ? "; without a prefix length" : "", err);
	why_not = why_not_a_host(out);
	if (why_not != NULL)
		return error_set(err, "%s is %s, no address of another router", text, why_not);
	return 0;
}

static bool is_broadcast(const struct ip_prefix *host)
{
	struct ip_prefix network = ip_prefix_network(host);

	for (unsigned bit = host->len; bit < 32; bit++)
		network.addr.v4[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return host->addr.family == IP_V4 && ip_addr_equal(&network.addr, &host->addr);
}

const char *value_addr_why_not_in_subnet(const struct ip_prefix *host)
{
	struct ip_prefix network = ip_prefix_network(host);

	// RFC 3021 and RFC 6164: a link of two has no other addresses
	if (host->len >= ip_family_bits(host->addr.family) - 1)
		return NULL;
	if (ip_addr_equal(&network.addr, &host->addr))
		return "the network itself, not the address of a host in it";
	return is_broadcast(host) ? "the network's broadcast address" : NULL;
}

static int read_host(
	const struct model_key *key, const char *text, struct ip_prefix *out, struct error *err)
{
	struct ip_addr bare;
	const char *why_not;

	if (ip_prefix_parse(text, out) != 0)
		return value_unexpected(key, text,
			ip_addr_parse(text, &bare) == 0 ? "; its prefix length is missing" : "",
			err);
	why_not = why_not_a_host(&out->addr);
	if (why_not != NULL)
		return error_set(err, "%s is %s, no address for an interface", text, why_not);
	if (out->len == 0)
		return error_set(
			err, "%s: a prefix length of 0 would put every address on this link", text);
	why_not = value_addr_why_not_in_subnet(out);
	if (why_not != NULL)
		return error_set(err, "%s is %s", text, why_not);
	return 0;
}

int value_addr_check_network(const char *text, const struct ip_prefix *prefix, struct error *err)
{
	char network_text[ADDR_STR_BYTES], host_text[ADDR_STR_BYTES];
	struct ip_prefix network = ip_prefix_network(prefix);

	if (ip_addr_equal(&network.addr, &prefix->addr))
		return 0;
	return error_set(err, "%s has bits set after its prefix: the network is %s, the host %s/%u",
		text, ip_prefix_str(&network, network_text), ip_addr_str(&prefix->addr, host_text),
		ip_family_bits(prefix->addr.family));
}

static int read_network(
	const struct model_key *key, const char *text, struct ip_prefix *out, struct error *err)
{
	char expected[VALUE_EXPECTED_BYTES], host_text[ADDR_STR_BYTES], hint[ADDR_STR_BYTES + 32];
	struct ip_addr bare;

	if (strcmp(text, "default") == 0)
		return error_set(err, key->family == IP_V4
					      ? "write 0.0.0.0/0 instead of `default`"
					      : "write 0.0.0.0/0 (IPv4) or ::/0 (IPv6) "
						"instead of `default`");
	if (ip_prefix_parse(text, out) != 0) {
		hint[0] = '\0';
		if (ip_addr_parse(text, &bare) == 0)
			snprintf(hint, sizeof(hint), "; for one host write %s/%u",
				ip_addr_str(&bare, host_text), ip_family_bits(bare.family));
		return value_unexpected(key, text, hint, err);
	}
	if (key->family != IP_NONE && out->addr.family != key->family)
		return error_set(err, "expected %s, got %s `%s`", value_expected(key, expected),
			family_name(out->addr.family), text);
	return value_addr_check_network(text, out, err);
}

static int read_prefix(
	const struct model_key *key, const char *text, struct ip_prefix *out, struct error *err)
{
	struct ip_addr bare;

	if (key->family != IP_NONE || ip_addr_parse(text, &bare) != 0)
		return read_network(key, text, out, err);
	*out = (struct ip_prefix){.addr = bare, .len = (uint8_t)ip_family_bits(bare.family)};
	return 0;
}

int value_addr_read(const struct model_key *key, const char *text, void *out, struct error *err)
{
	if (key->type == MODEL_MAC)
		return value_addr_read_mac(text, out, err);
	if (key->type == MODEL_ADDRESS)
		return read_address(key, text, out, err);
	if (key->type == MODEL_HOST)
		return read_host(key, text, out, err);
	if (key->type == MODEL_NETWORK)
		return read_network(key, text, out, err);
	return read_prefix(key, text, out, err);
}
