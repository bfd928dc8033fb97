// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/stateful_frames.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/addr.h"
#include "tests/fuzz/ip_view.h"

enum {
	ETH_BYTES = 14,
	IP4_BYTES = 20,
	IP6_BYTES = 40,
	TCP_BYTES = 20,
	L4_MIN = 8,
	QUOTE_MAX = 1200,
	GRE = 47,
	TCP_SYN_FIN = 3,
};

static const char *const hosts4[16] = {"198.18.0.7", "198.18.0.8", "198.18.1.9", "198.51.100.10",
	"198.51.100.20", "203.0.113.2", "203.0.113.1", "203.0.113.10", "198.18.0.1", "203.0.113.3",
	"203.0.113.16", "203.0.113.18", "198.18.0.99", "10.1.2.3", "224.0.0.5", "198.18.0.255"};
static const char *const hosts6[16] = {"2001:db8:1::7", "2001:db8:1::8", "2001:db8:2::9",
	"2001:db8:9::10", "2001:db8:9::20", "2001:db8:f::2", "2001:db8:f::1", "2001:db8:f::10",
	"2001:db8:1::1", "2001:db8:f::3", "2001:db8:f:1::7", "2001:db8:f:1:d550::7",
	"2001:db8:1::99", "fe80::7", "ff02::1", "fc00::7"};
static const uint16_t ports[16] = {
	5000, 5001, 80, 443, 53, 8080, 5353, 1024, 1023, 0, 65535, 6000, 67, 68, 546, 547};

static void put32(uint8_t *to, uint32_t n)
{
	put16(to, n >> 16);
	put16(to + 2, n);
}

static uint32_t get32(const uint8_t *from)
{
	return (uint32_t)get16(from) << 16 | get16(from + 2);
}

// --- making ---

static void put_eth(struct wire_frame *f, bool is_ip6)
{
	const uint8_t ours[6] = {2, 0, 0, 0, 0, f->iface}, theirs[6] = {2, 1, 0, 0, f->iface, 7};

	memcpy(f->data, f->from_host ? theirs : ours, 6);
	memcpy(f->data + 6, f->from_host ? ours : theirs, 6);
	put16(f->data + 12, is_ip6 ? 0x86dd : 0x0800);
}

static void put_host(uint8_t *to, bool is_ip6, uint8_t choice)
{
	struct ip_addr addr;

	if (ip_addr_parse(is_ip6 ? hosts6[choice & 15] : hosts4[choice & 15], &addr) != 0)
		abort();
	memcpy(to, addr.bytes, is_ip6 ? 16 : 4);
}

static uint16_t fill_l4(struct input *in, uint8_t *l4, uint8_t protocol, uint16_t payload)
{
	uint8_t choice = input_byte(in), how = input_byte(in);
	uint16_t sport = ports[choice & 15], dport = ports[choice >> 4];

	put16(l4, sport);
	put16(l4 + 2, dport);
	if (protocol == IPPROTO_UDP) {
		put16(l4 + 4, how == 1 ? how : L4_MIN + payload);
		return (uint16_t)(L4_MIN + payload);
	}
	if (protocol == IPPROTO_TCP) {
		put32(l4 + 4, input_byte(in) * 1000u);
		put32(l4 + 8, input_byte(in) * 1000u);
		l4[12] = 5 << 4;
		l4[13] = how; // a SYN more often than all else
		if ((how & 0xc0) == 0)
			l4[13] = 2;
		put16(l4 + 14, 0xffff);
		if ((how & 0xc0) == 0x40 && payload >= 4) { // MSS
			l4[12] = 6 << 4;
			memcpy(l4 + TCP_BYTES, (const uint8_t[]){2, 4, how & 1, 100}, 4);
		}
		return (uint16_t)(TCP_BYTES + payload);
	}
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		static const uint8_t types[2][8] = {
			{8, 8, 8, 0, 3, 11, 13, 5}, {128, 128, 128, 129, 1, 135, 136, 2}};

		l4[0] = types[protocol == IPPROTO_ICMPV6][how & 7];
		l4[1] = how >> 6;
		put16(l4 + 4, sport);
	}
	return (uint16_t)(L4_MIN + payload);
}

// Extension headers or options in front, as two bits say; returns how many bytes.
static uint16_t put_options(uint8_t *l3, bool is_ip6, uint8_t how, uint8_t protocol)
{
	uint8_t *at = l3 + (is_ip6 ? IP6_BYTES : IP4_BYTES);

	if (!is_ip6) {
		static const uint8_t record_route[8] = {7, 7, 4, 0, 0, 0, 0, 0};

		l3[0] = how == 0 ? 0x45 : 0x47;
		l3[9] = protocol;
		if (how == 0)
			return 0;
		memcpy(at, record_route, sizeof(record_route));
		at[0] = how == 1 ? 7 : how == 2 ? 131 : 1;
		return sizeof(record_route);
	}
	l3[0] = 0x60;
	l3[6] = how == 0 ? protocol : how == 1 ? IPPROTO_DSTOPTS : how == 2 ? IPPROTO_FRAGMENT : 0;
	if (how == 0)
		return 0;
	memset(at, 0, 8);
	at[0] = protocol;
	if (how != 2)
		memcpy(at + 2, (const uint8_t[]){1, 4}, 2); // PadN
	return 8;
}

void frame_fresh(struct input *in, struct wire_frame *out)
{
	static const uint8_t protocols[8] = {IPPROTO_UDP, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_ICMP,
		IPPROTO_UDP, GRE, IPPROTO_TCP, 50};
	static const uint16_t payloads[8] = {0, 8, 30, 30, 200, 1200, 1400, 1440};
	uint8_t what = input_byte(in), who = input_byte(in), how = input_byte(in);
	bool is_ip6 = what & 0x80;
	uint8_t protocol = protocols[what >> 2 & 7], *l3 = out->data + ETH_BYTES;
	uint16_t options, l4_bytes;

	memset(out, 0, sizeof(*out));
	out->iface = (what & 3) % 3;
	out->from_host = (how & 0xc0) == 0xc0;
	put_eth(out, is_ip6);
	if (protocol == IPPROTO_ICMP && is_ip6)
		protocol = IPPROTO_ICMPV6;
	options = put_options(l3, is_ip6, (what & 0x60) == 0x60 ? how >> 3 & 3 : 0, protocol);
	options += is_ip6 ? IP6_BYTES : IP4_BYTES;
	l4_bytes = fill_l4(in, l3 + options, protocol, payloads[how & 7]);
	put_host(l3 + (is_ip6 ? 8 : 12), is_ip6, who);
	put_host(l3 + (is_ip6 ? 24 : 16), is_ip6, who >> 4);
	out->bytes = (uint16_t)(ETH_BYTES + options + l4_bytes);
	l3[is_ip6 ? 7 : 8] = out->from_host	    ? FRAME_TTL_HOST
			     : (how & 0x38) == 0x38 ? 1
			     : (how & 0x38) == 0x30 ? FRAME_TTL_LINK
						    : FRAME_TTL;
	if (is_ip6)
		put16(l3 + 4, options - IP6_BYTES + l4_bytes);
	else
		put16(l3 + 2, options + l4_bytes);
	if (!is_ip6 && (what & 0x60) == 0x40)
		put16(l3 + 6, 0x4000); // DF
	ip_mend(l3, out->bytes - ETH_BYTES, false);
}

// --- with what has left ---

void kept_add(struct kept_frames *kept, const struct wire_frame *frame)
{
	kept->frames[kept->n++ % FRAMES_KEPT] = *frame;
}

static unsigned n_there(const struct kept_frames *kept)
{
	return kept->n < FRAMES_KEPT ? kept->n : FRAMES_KEPT;
}

static const struct wire_frame *choose(const struct kept_frames *kept, uint8_t which)
{
	return &kept->frames[(kept->n - 1 - which % n_there(kept)) % FRAMES_KEPT];
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t kept[16];

	memcpy(kept, a, n);
	memcpy(a, b, n);
	memcpy(b, kept, n);
}

// What the far end says next: SYN by SYN+ACK, data and FIN acknowledged, with flags of its own.
static void answer_tcp(uint8_t *l4, uint16_t bytes, uint8_t how)
{
	uint32_t seq = get32(l4 + 4), ack = get32(l4 + 8);
	uint16_t header = (uint16_t)(l4[12] >> 4) * 4;
	uint8_t flags = l4[13];

	ack = flags & 0x10 ? ack : 9000;
	seq += (uint32_t)(bytes > header ? bytes - header : 0) + (flags & 1) + (flags >> 1 & 1);
	put32(l4 + 4, ack + ((how & 0x40) ? how * 500u : 0));
	put32(l4 + 8, seq);
	l4[13] = (how & 0x80)			  ? how & 0x3f
		 : (flags & 2 && !(flags & 0x10)) ? 0x12
						  : 0x10 | (how & 5);
}

bool frame_reply(struct input *in, const struct kept_frames kept[KEPT_WAYS], struct wire_frame *out)
{
	uint8_t which = input_byte(in), how = input_byte(in), *l3, *l4;
	bool from_host = (how & 0x30) == 0x30;
	struct ip_view v;

	kept += from_host && kept[KEPT_PUNTED].n > 0 ? KEPT_PUNTED : KEPT_SENT;
	if (kept->n == 0)
		return false;
	*out = *choose(kept, which);
	out->from_host = from_host;
	put_eth(out, out->data[ETH_BYTES] >> 4 == 6);
	l3 = out->data + ETH_BYTES;
	if (!ip_view(l3, out->bytes - ETH_BYTES, false, &v))
		return false;
	l4 = l3 + (v.l4 - l3);
	swap(l3 + (v.src - l3), l3 + (v.dst - l3), v.is_ip6 ? 16 : 4);
	l3[v.is_ip6 ? 7 : 8] = out->from_host ? FRAME_TTL_HOST : FRAME_TTL;
	if (!v.is_fragment && v.l4_bytes >= L4_MIN) {
		if (v.protocol == IPPROTO_TCP || v.protocol == IPPROTO_UDP)
			swap(l4, l4 + 2, 2);
		if (v.protocol == IPPROTO_TCP && v.l4_bytes >= TCP_BYTES)
			answer_tcp(l4, v.l4_bytes, how);
		if (v.protocol == IPPROTO_ICMP && (l4[0] == 8 || l4[0] == 0))
			l4[0] ^= 8;
		if (v.protocol == IPPROTO_ICMPV6 && (l4[0] | 1) == 129)
			l4[0] ^= 1;
	}
	ip_mend(l3, out->bytes - ETH_BYTES, false);
	return true;
}

bool frame_icmp_error(
	struct input *in, const struct kept_frames kept[KEPT_WAYS], struct wire_frame *out)
{
	static const uint8_t kinds[2][8][2] = {
		{{3, 4}, {3, 3}, {11, 0}, {3, 1}, {3, 13}, {12, 0}, {4, 0}, {3, 2}},
		{{2, 0}, {1, 4}, {3, 0}, {1, 0}, {1, 1}, {4, 0}, {1, 3}, {100, 0}},
	};
	uint8_t which = input_byte(in), how = input_byte(in), who = input_byte(in), *l3, *l4;
	const struct wire_frame *about;
	uint16_t header, quoted;
	bool is_ip6;

	memset(out, 0, sizeof(*out));
	out->from_host = who >= 0xc0 && kept[KEPT_PUNTED].n > 0;
	kept += out->from_host ? KEPT_PUNTED : KEPT_SENT;
	if (kept->n == 0)
		return false;
	about = choose(kept, which);
	is_ip6 = about->data[ETH_BYTES] >> 4 == 6;
	out->iface = about->iface;
	put_eth(out, is_ip6);
	header = is_ip6 ? IP6_BYTES : IP4_BYTES;
	l3 = out->data + ETH_BYTES;
	l4 = l3 + header;
	quoted = (uint16_t)(about->bytes - ETH_BYTES);
	if (how & 8 && quoted > header + L4_MIN)
		quoted = header + L4_MIN + (how >> 4) * 4;
	quoted = quoted > QUOTE_MAX ? QUOTE_MAX : quoted;
	if (quoted > about->bytes - ETH_BYTES)
		quoted = (uint16_t)(about->bytes - ETH_BYTES);
	put_options(l3, is_ip6, 0, is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (is_ip6)
		put16(l3 + 4, L4_MIN + quoted);
	else
		put16(l3 + 2, header + L4_MIN + quoted);
	l3[is_ip6 ? 7 : 8] = out->from_host ? FRAME_TTL_HOST : FRAME_TTL;
	if (out->from_host) // by the address that it was sent to
		memcpy(l3 + (is_ip6 ? 8 : 12), about->data + ETH_BYTES + (is_ip6 ? 24 : 16),
			is_ip6 ? 16 : 4);
	else
		put_host(l3 + (is_ip6 ? 8 : 12), is_ip6, who);
	memcpy(l3 + (is_ip6 ? 24 : 16), about->data + ETH_BYTES + (is_ip6 ? 8 : 12),
		is_ip6 ? 16 : 4); // to who sent it, as it is known out there
	memcpy(l4, kinds[is_ip6][how & 7], 2);
	put16(l4 + 6, 1280);
	memcpy(l4 + L4_MIN, about->data + ETH_BYTES, quoted);
	out->bytes = (uint16_t)(ETH_BYTES + header + L4_MIN + quoted);
	ip_mend(l3, out->bytes - ETH_BYTES, false);
	return true;
}

void frame_mutate(struct input *in, struct wire_frame *frame)
{
	uint8_t n = input_byte(in), how = input_byte(in), *l3 = frame->data + ETH_BYTES;
	uint8_t hops;

	if (frame->bytes <= ETH_BYTES)
		return;
	hops = l3[l3[0] >> 4 == 6 ? 7 : 8];
	for (unsigned i = 0; i < (n & 3u) + 1; i++) {
		unsigned at = input_byte(in);

		l3[at % (frame->bytes - ETH_BYTES)] = input_byte(in);
	}
	if (n & 0x80) // cut short
		frame->bytes = (uint16_t)(ETH_BYTES + how % (frame->bytes - ETH_BYTES));
	if (l3[0] >> 4 == 6)
		l3[7] = hops;
	else
		l3[8] = hops;
	if ((n & 0x7c) == 0x7c)
		frame->is_spoilt = true;
	else
		ip_mend(l3, frame->bytes - ETH_BYTES, false);
}

bool frame_next(struct wire_frame *frame, bool is_neighbour)
{
	uint8_t *l3 = frame->data + ETH_BYTES, *last;
	struct ip_view v;

	if (!ip_view(l3, frame->bytes - ETH_BYTES, false, &v) || v.is_fragment ||
		v.l4_bytes < L4_MIN)
		return false;
	// a neighbour in IPv6 is in another /64: that is what a host is there
	last = is_neighbour ? l3 + (v.src - l3) + (v.is_ip6 ? 7 : 3) : l3 + (v.l4 - l3) + 1;
	++*last;
	ip_mend(l3, frame->bytes - ETH_BYTES, false);
	return true;
}

// The second half goes on where the first one ends, on a multiple of eight.
bool frame_cut(const struct wire_frame *whole, bool is_second, struct wire_frame *out)
{
	const uint8_t *from = whole->data + ETH_BYTES;
	uint8_t *l3 = out->data + ETH_BYTES;
	uint16_t header, at, there, first;
	struct ip_view v;

	if (!ip_view(from, whole->bytes - ETH_BYTES, false, &v) || v.is_fragment ||
		(v.is_ip6 && v.l4 != from + IP6_BYTES) || v.l4_bytes < 2 * L4_MIN)
		return false;
	*out = *whole;
	header = (uint16_t)(v.l4 - from);
	first = (v.l4_bytes / 2) & ~7u;
	at = is_second ? first : 0;
	there = is_second ? v.l4_bytes - first : first;
	if (v.is_ip6) {
		l3[6] = IPPROTO_FRAGMENT;
		memset(l3 + header, 0, 8);
		l3[header] = v.protocol;
		put16(l3 + header + 2, at | !is_second);
		l3[header + 7] = 77;
		header += 8;
		put16(l3 + 4, header - IP6_BYTES + there);
	} else {
		put16(l3 + 2, header + there);
		put16(l3 + 4, 77);
		put16(l3 + 6, at / 8 | (is_second ? 0 : 0x2000));
	}
	memcpy(l3 + header, v.l4 + at, there);
	out->bytes = (uint16_t)(ETH_BYTES + header + there);
	ip_mend(l3, out->bytes - ETH_BYTES, false);
	return true;
}
