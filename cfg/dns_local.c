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
