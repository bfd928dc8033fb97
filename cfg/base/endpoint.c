// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/endpoint.h"

#include <errno.h>
#include <stdio.h>

static int parse_port(const char *text, uint16_t *out)
{
	uint32_t port = 0;

	if (text[0] == '\0' || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	for (; *text != '\0'; text++)
		port = port * 10 + (uint32_t)(*text - '0');
	*out = (uint16_t)port;
	return port <= UINT16_MAX ? 0 : -EINVAL;
}

// `text` up to `end`.
static int parse_addr(const char *text, const char *end, struct ip_addr *out)
{
	char copy[ADDR_STR_BYTES];
	size_t n = (size_t)(end - text);

	if (n >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = '\0';
	return ip_addr_parse(copy, out);
}

int ip_endpoint_parse(const char *text, struct ip_endpoint *out)
{
	const char *colon = strchr(text, ':'), *close;

	memset(out, 0, sizeof(*out));
	if (text[0] == '[') {
		close = strchr(text, ']');
		if (close == NULL || parse_addr(text + 1, close, &out->addr) != 0 ||
			out->addr.family != IP_V6)
			return -EINVAL;
		out->has_port = close[1] == ':';
		if (!out->has_port)
			return close[1] == '\0' ? 0 : -EINVAL;
		return parse_port(close + 2, &out->port);
	}
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return ip_addr_parse(text, &out->addr);
	if (parse_addr(text, colon, &out->addr) != 0)
		return -EINVAL;
	out->has_port = true;
	return parse_port(colon + 1, &out->port);
}

const char *ip_endpoint_str(const struct ip_endpoint *endpoint, char *out)
{
	char addr[ADDR_STR_BYTES];
	bool is_ip6 = endpoint->addr.family == IP_V6;

	ip_addr_str(&endpoint->addr, addr);
	if (!endpoint->has_port)
		return memcpy(out, addr, sizeof(addr));
	snprintf(out, ADDR_STR_BYTES, is_ip6 ? "[%.45s]:%u" : "%.45s:%u", addr, endpoint->port);
	return out;
}
