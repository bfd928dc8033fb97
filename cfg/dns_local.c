// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/dns_local.h"

#include "cfg/dns.h"

// A number up to 65535 and the one blank behind it.
static bool take_number(const char **text, uint16_t *out)
{
	unsigned value = 0;
	const char *c = *text;

	for (; *c >= '0' && *c <= '9' && value <= UINT16_MAX; c++)
		value = value * 10 + (unsigned)(*c - '0');
	if (c == *text || *c != ' ' || value > UINT16_MAX)
		return false;
	*out = (uint16_t)value;
	*text = c + 1;
	return true;
}

static bool has_letter(const char *text)
{
	for (; *text != '\0'; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
			return true;
	return false;
}

static bool read_prefix(const char *text, struct ip_prefix *out)
{
	struct ip_prefix network;

	if (ip_addr_parse(text, &out->addr) == 0) {
		out->len = (uint8_t)ip_family_bits(out->addr.family);
		return true;
	}
	if (ip_prefix_parse(text, out) != 0)
		return false;
	network = ip_prefix_network(out);
	return ip_addr_equal(&network.addr, &out->addr);
}

bool cfg_dns_client_parse(const char *text, struct cfg_dns_client *out)
{
	*out = (struct cfg_dns_client){.host = text};
	if (read_prefix(text, &out->prefix)) {
		out->kind = CFG_DNS_CLIENT_PREFIX;
		return true;
	}
	out->kind = CFG_DNS_CLIENT_CARD;
	if (mac_addr_parse(text, &out->card) == 0)
		return true;
	out->kind = CFG_DNS_CLIENT_HOST;
	return has_letter(text) && cfg_dns_is_name(text);
}

bool cfg_dns_mx_parse(const char *text, struct cfg_dns_mx *out)
{
	bool is_good = take_number(&text, &out->preference);

	out->target = text;
	return is_good && cfg_dns_is_name(text);
}

bool cfg_dns_srv_parse(const char *text, struct cfg_dns_srv *out)
{
	bool is_good = take_number(&text, &out->priority) && take_number(&text, &out->weight) &&
		       take_number(&text, &out->port);

	out->target = text;
	return is_good && cfg_dns_is_name(text);
}
