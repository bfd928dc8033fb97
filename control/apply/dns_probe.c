// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/dns_probe.h"

#include <string.h>

enum {
	HEADER_BYTES = 12,
	LABEL_MAX = 63, // RFC 1035 2.3.4
	TYPE_A = 1,
	TYPE_NS = 2,
	CLASS_IN = 1,
	FLAG_RECURSION_DESIRED = 0x01, // of the third byte
	FLAG_RESPONSE = 0x80,
	RCODE_MASK = 0x0f, // of the fourth
	RCODE_NAME_ERROR = 3,
};

static size_t put16(uint8_t *out, size_t at, uint16_t value)
{
	out[at] = (uint8_t)(value >> 8);
	out[at + 1] = (uint8_t)value;
	return at + 2;
}

size_t dns_probe_ask(uint8_t out[DNS_PROBE_BYTES_MAX], uint16_t id, const char *name)
{
	bool is_root = strcmp(name, ".") == 0;
	size_t at = HEADER_BYTES;

	if (strlen(name) > DNS_PROBE_NAME_MAX)
		return 0;
	memset(out, 0, HEADER_BYTES);
	put16(out, 0, id);
	out[2] = FLAG_RECURSION_DESIRED;
	put16(out, 4, 1);
	for (const char *label = name; !is_root && *label != '\0';) {
		size_t n = strcspn(label, ".");

		if (n == 0 || n > LABEL_MAX)
			return 0;
		out[at++] = (uint8_t)n;
		memcpy(out + at, label, n);
		at += n;
		label += n + (label[n] == '.');
	}
	if (!is_root && at == HEADER_BYTES)
		return 0;
	out[at++] = 0;
	at = put16(out, at, is_root ? TYPE_NS : TYPE_A);
	return put16(out, at, CLASS_IN);
}

bool dns_probe_is_answered(const uint8_t *bytes, size_t n, uint16_t id, const char **why)
{
	unsigned rcode;

	*why = NULL;
	if (n < HEADER_BYTES || (bytes[0] << 8 | bytes[1]) != id || (bytes[2] & FLAG_RESPONSE) == 0)
		return false;
	rcode = bytes[3] & RCODE_MASK;
	if (rcode == 0 && (bytes[6] != 0 || bytes[7] != 0))
		return true;
	*why = rcode == 0		   ? "it has no answer to that"
	       : rcode == RCODE_NAME_ERROR ? "there is no such name"
					   : "it refuses to answer";
	return false;
}

unsigned dns_probe_servers(const char *text, struct ip_addr out[DNS_PROBE_SERVERS_MAX])
{
	static const char keyword[] = "nameserver";
	unsigned n = 0;

	for (const char *line = text; *line != '\0' && n < DNS_PROBE_SERVERS_MAX;) {
		size_t line_bytes = strcspn(line, "\n");
		const char *at = line + sizeof(keyword) - 1;
		char addr[ADDR_STR_BYTES] = "";
		size_t bytes;

		if (strncmp(line, keyword, sizeof(keyword) - 1) == 0) {
			at += strspn(at, " \t");
			bytes = strcspn(at, " \t\r\n");
			if (bytes < sizeof(addr))
				memcpy(addr, at, bytes);
			n += ip_addr_parse(addr, &out[n]) == 0;
		}
		line += line_bytes + (line[line_bytes] == '\n');
	}
	return n;
}
