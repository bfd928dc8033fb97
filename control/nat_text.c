// SPDX-License-Identifier: BSD-3-Clause
#include "control/nat_text.h"

#include "control/text_line.h"

const char *nat_kind_text(enum cfg_nat_kind kind)
{
	switch (kind) {
	case CFG_NAT_MASQUERADE:
		return "masquerade";
	case CFG_NAT_SOURCE:
		return "source";
	case CFG_NAT_ONE_TO_ONE:
		return "one-to-one";
	case CFG_NAT_FORWARD:
		return "forward";
	case CFG_NAT_REDIRECT:
		return "redirect";
	case CFG_NAT_PREFIX:
		return "prefix";
	case CFG_NAT_EXEMPT:
		return "exempt";
	}
	return "?";
}

static void put_prefix(struct text_line *line, const char *key, const struct ip_prefix *prefix)
{
	bool is_address = prefix->len == ip_family_bits(prefix->addr.family);
	char text[ADDR_STR_BYTES];

	if (prefix->addr.family == IP_NONE)
		return;
	text_line_word(line, key,
		is_address ? ip_addr_str(&prefix->addr, text) : ip_prefix_str(prefix, text));
}

// The mapping that is the value of the kind's key.
static void put_inner(struct text_line *line, const struct cfg_nat *nat)
{
	struct text_line inner = {.out = line->out};
	bool is_pair = nat->kind == CFG_NAT_ONE_TO_ONE || nat->kind == CFG_NAT_PREFIX;

	text_line_key(line, nat_kind_text(nat->kind));
	fputc('{', line->out);
	if (is_pair) {
		put_prefix(&inner, "inside", &nat->inside);
		put_prefix(&inner, "outside", &nat->outside);
	} else {
		put_prefix(&inner, "to", &nat->inside);
		text_line_match(&inner, "protocol", CFG_SET_PROTOCOLS, &nat->protocol);
		text_line_match(&inner, "ports", CFG_SET_PORTS, &nat->ports);
		if (nat->inside_port != 0) {
			text_line_key(&inner, "to-port");
			fprintf(inner.out, "%u", nat->inside_port);
		}
	}
	fputc('}', line->out);
}

static void put_interfaces(struct text_line *line, const char *key, const struct cfg_nat *nat)
{
	if (nat->interfaces.n > 0)
		text_line_names(line, key, &nat->interfaces);
	else
		text_line_word(line, key, "any");
}

static void put_kind(struct text_line *line, const struct cfg_nat *nat)
{
	switch (nat->kind) {
	case CFG_NAT_MASQUERADE:
	case CFG_NAT_EXEMPT:
		put_interfaces(line, nat_kind_text(nat->kind), nat);
		return;
	case CFG_NAT_SOURCE:
		put_prefix(line, "source", &nat->outside);
		break;
	case CFG_NAT_ONE_TO_ONE:
	case CFG_NAT_PREFIX:
		put_inner(line, nat);
		break;
	case CFG_NAT_FORWARD:
	case CFG_NAT_REDIRECT:
		put_inner(line, nat);
		put_prefix(line, "address", &nat->outside);
		break;
	}
	if (nat->interfaces.n > 0)
		text_line_names(line, "interface", &nat->interfaces);
}

void nat_text_write(FILE *out, const struct cfg_nat *nat)
{
	bool is_redirection = nat->kind == CFG_NAT_FORWARD || nat->kind == CFG_NAT_REDIRECT;
	bool tells_family = nat->kind == CFG_NAT_MASQUERADE || nat->kind == CFG_NAT_EXEMPT ||
			    nat->kind == CFG_NAT_REDIRECT;
	uint8_t usual = nat->kind == CFG_NAT_MASQUERADE ? IP_V4 : IP_NONE;
	struct text_line line = {.out = out};

	put_kind(&line, nat);
	text_line_match(&line, "from", CFG_SET_ADDRESSES, &nat->from);
	text_line_match(&line, "to", CFG_SET_ADDRESSES, &nat->to);
	if (!is_redirection)
		text_line_match(&line, "protocol", CFG_SET_PROTOCOLS, &nat->protocol);
	if (tells_family && nat->family != usual && nat->outside.addr.family == IP_NONE)
		text_line_family(&line, nat->family);
	if (nat->is_random)
		text_line_word(&line, "random-ports", "true");
	if (nat->keeps_parity)
		text_line_word(&line, "keep-parity", "true");
	if (nat->is_full_cone)
		text_line_word(&line, "full-cone", "true");
}
