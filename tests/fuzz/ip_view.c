// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/ip_view.h"

#include <netinet/in.h>
#include <string.h>

enum {
	IP4_BYTES = 20,
	IP6_BYTES = 40,
	TCP_BYTES = 20,
	L4_MIN = 8,
	UDP_SUM = 6,
	TCP_SUM = 16,
	ICMP_SUM = 2
};

static bool view4(const uint8_t *l3, size_t bytes, bool is_quote, struct ip_view *v)
{
	size_t header = (size_t)(l3[0] & 15) * 4, all;

	if (bytes < IP4_BYTES || header < IP4_BYTES || header > bytes)
		return false;
	all = get16(l3 + 2);
	if (all < header || (all > bytes && !is_quote))
		return false;
	v->is_fragment = (get16(l3 + 6) & 0x3fff) != 0;
	v->hops = l3[8];
	v->protocol = l3[9];
	v->src = l3 + 12;
	v->dst = l3 + 16;
	v->l4 = l3 + header;
	v->l4_bytes = (uint16_t)(all - header);
	v->l4_there = (uint16_t)((bytes < all ? bytes : all) - header);
	return true;
}

static bool view6(const uint8_t *l3, size_t bytes, bool is_quote, struct ip_view *v)
{
	size_t at = IP6_BYTES, all;

	if (bytes < IP6_BYTES)
		return false;
	all = IP6_BYTES + (size_t)get16(l3 + 4);
	if (all > bytes && !is_quote)
		return false;
	bytes = bytes < all ? bytes : all;
	v->is_ip6 = true;
	v->protocol = l3[6];
	v->hops = l3[7];
	v->src = l3 + 8;
	v->dst = l3 + 24;
	while (v->protocol == IPPROTO_HOPOPTS || v->protocol == IPPROTO_DSTOPTS ||
		v->protocol == IPPROTO_FRAGMENT) {
		if (at + 8 > bytes)
			return false;
		if (v->protocol == IPPROTO_FRAGMENT && (get16(l3 + at + 2) & 0xfff9) != 0)
			v->is_fragment = true;
		v->protocol = l3[at];
		at += v->is_fragment || l3[at + 1] == 0 ? 8 : 8 + (size_t)l3[at + 1] * 8;
		if (at > bytes)
			return false;
	}
	v->l4 = l3 + at;
	v->l4_bytes = (uint16_t)(all - at);
	v->l4_there = (uint16_t)(bytes - at);
	return true;
}

bool ip_view(const uint8_t *l3, size_t bytes, bool is_quote, struct ip_view *v)
{
	memset(v, 0, sizeof(*v));
	v->l3 = l3;
	if (bytes == 0)
		return false;
	if (l3[0] >> 4 == 4)
		return view4(l3, bytes, is_quote, v);
	return l3[0] >> 4 == 6 && view6(l3, bytes, is_quote, v);
}

static uint32_t sum_bytes(const uint8_t *bytes, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

// Where the checksum of what it carries stands; -1: it has none that is known.
static int sum_offset(const struct ip_view *v)
{
	if (v->is_fragment || v->l4_there < v->l4_bytes)
		return -1;
	if (v->protocol == IPPROTO_TCP && v->l4_bytes >= TCP_BYTES)
		return TCP_SUM;
	if (v->protocol == IPPROTO_UDP && v->l4_bytes >= L4_MIN && get16(v->l4 + 4) == v->l4_bytes)
		return UDP_SUM;
	if (v->protocol == (v->is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) && v->l4_bytes >= L4_MIN)
		return ICMP_SUM;
	return -1;
}

static uint16_t l4_sum(const struct ip_view *v)
{
	uint32_t sum = sum_bytes(v->l4, v->l4_bytes, 0);

	if (v->protocol != IPPROTO_ICMP)
		sum = sum_bytes(v->src, v->is_ip6 ? 32 : 8, sum) + v->protocol + v->l4_bytes;
	return fold(sum);
}

bool ip_view_is_sound(const struct ip_view *v)
{
	int at = sum_offset(v);

	if (!v->is_ip6 && fold(sum_bytes(v->l3, (size_t)(v->l4 - v->l3), 0)) != 0xffff)
		return false;
	if (at < 0 || (at == UDP_SUM && !v->is_ip6 && get16(v->l4 + at) == 0))
		return true;
	return l4_sum(v) == 0xffff;
}

void ip_mend(uint8_t *l3, size_t bytes, bool is_quote)
{
	struct ip_view v;
	uint8_t *l4;
	int at;

	if (!ip_view(l3, bytes, is_quote, &v))
		return;
	at = sum_offset(&v);
	l4 = l3 + (v.l4 - l3);
	if (at >= 0) {
		uint16_t sum;

		put16(l4 + at, 0);
		sum = (uint16_t)~l4_sum(&v);
		put16(l4 + at, sum == 0 && at == UDP_SUM ? 0xffff : sum);
	}
	if (!v.is_ip6) {
		put16(l3 + 10, 0);
		put16(l3 + 10, (uint16_t)~fold(sum_bytes(l3, (size_t)(l4 - l3), 0)));
	}
}
