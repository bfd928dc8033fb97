// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/dns.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 63 };

static bool is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

bool cfg_dns_is_name(const char *text)
{
	size_t len = strlen(text), label = 0;

	if (strcmp(text, ".") == 0)
		return true;
	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len > CFG_DNS_NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_label_byte(text[i]) || ++label > LABEL_MAX) {
			return false;
		}
	}
	return label > 0;
}

static int read_port(const char *word, uint16_t *out)
{
	unsigned port = 0;

	for (const char *at = word; *at != '\0'; at++) {
		if (*at < '0' || *at > '9')
			return -1;
		port = port * 10 + (unsigned)(*at - '0');
		if (port > UINT16_MAX)
			return -1;
	}
	*out = (uint16_t)port;
	return port > 0 ? 0 : -1;
}

// The words behind the address: pairs, each once.
static int read_pair(
	const char *key, const char *value, struct cfg_dns_upstream *out, struct error *err)
{
	if (strcmp(key, "tls") == 0 && out->tls_name[0] == '\0') {
		if (value == NULL || !cfg_dns_is_name(value) || strcmp(value, ".") == 0)
			return error_set(err, "expected the name in the server's certificate "
					      "after `tls`");
		snprintf(out->tls_name, sizeof(out->tls_name), "%s", value);
		if (out->tls_name[strlen(out->tls_name) - 1] == '.')
			out->tls_name[strlen(out->tls_name) - 1] = '\0';
		return 0;
	}
	if (strcmp(key, "port") == 0 && out->port == 0) {
		if (value == NULL || read_port(value, &out->port) != 0)
			return error_set(err, "expected a number from 1 to 65535 after `port`");
		return 0;
	}
	return error_set(err,
		"`%.32s` is not expected here: after the address come "
		"`tls NAME` and `port NUMBER`",
		key);
}

bool cfg_dns_upstream_is_learned(const char *text)
{
	return strcmp(text, "learned") == 0;
}

bool cfg_dns_wants_learned(const struct cfg_dns *dns)
{
	for (unsigned i = 0; i < dns->upstreams.n; i++)
		if (cfg_dns_upstream_is_learned(dns->upstreams.texts[i]))
			return true;
	return false;
}

int cfg_dns_upstream_parse(const char *text, struct cfg_dns_upstream *out, struct error *err)
{
	char copy[CFG_DNS_UPSTREAM_TEXT_MAX + 1], *state = NULL, *word;

	memset(out, 0, sizeof(*out));
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return error_set(err, "too long for an upstream");
	word = strtok_r(copy, " ", &state);
	if (word == NULL || ip_addr_parse(word, &out->address) != 0)
		return error_set(err, "expected an address such as 203.0.113.53, alone or as in "
				      "203.0.113.53 tls dns.example.net");
	while ((word = strtok_r(NULL, " ", &state)) != NULL)
		if (read_pair(word, strtok_r(NULL, " ", &state), out, err) != 0)
			return -1;
	if (out->port == 0)
		out->port = out->tls_name[0] != '\0' ? CFG_DNS_TLS_PORT : CFG_DNS_PORT;
	return 0;
}
