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
	return error_set(err, "`%.32s` is not expected here: after the address come "
			      "`tls NAME` and `port NUMBER`",
		key);
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

// --- comparing ---

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool are_same_texts(const char *const *a, unsigned n_a, const char *const *b, unsigned n_b)
{
	bool is_same = n_a == n_b;

	for (unsigned i = 0; i < n_a && is_same; i++)
		is_same = is_same_text(a[i], b[i]);
	return is_same;
}

static bool are_same_upstreams(
	const struct cfg_dns_upstreams *a, const struct cfg_dns_upstreams *b)
{
	return are_same_texts(a->texts, a->n, b->texts, b->n);
}

static bool is_same_access(const struct cfg_dns *a, const struct cfg_dns *b)
{
	bool is_same = a->n_access == b->n_access;

	for (unsigned i = 0; i < a->n_access && is_same; i++)
		is_same = a->access[i].len == b->access[i].len &&
			  ip_addr_equal(&a->access[i].addr, &b->access[i].addr);
	return is_same;
}

static bool are_same_domains(const struct cfg_dns *a, const struct cfg_dns *b)
{
	bool is_same = a->n_domains == b->n_domains;

	for (unsigned i = 0; i < a->n_domains && is_same; i++)
		is_same = are_same_texts(a->domains[i].names, a->domains[i].n_names,
				  b->domains[i].names, b->domains[i].n_names) &&
			  are_same_upstreams(&a->domains[i].upstreams, &b->domains[i].upstreams);
	return is_same;
}

bool cfg_dns_equal(const struct cfg_dns *a, const struct cfg_dns *b)
{
	return a->is_there == b->is_there &&
	       are_same_texts(a->listen, a->n_listen, b->listen, b->n_listen) &&
	       a->port == b->port && is_same_access(a, b) &&
	       are_same_upstreams(&a->upstreams, &b->upstreams) &&
	       is_same_text(a->tls_certificates, b->tls_certificates) && are_same_domains(a, b) &&
	       a->validates == b->validates && is_same_text(a->trust_anchor, b->trust_anchor) &&
	       a->rate == b->rate && a->cache_mib == b->cache_mib &&
	       a->ttl_min_sec == b->ttl_min_sec && a->ttl_max_sec == b->ttl_max_sec &&
	       a->stale_sec == b->stale_sec;
}
