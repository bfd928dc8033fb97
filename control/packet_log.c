// SPDX-License-Identifier: BSD-3-Clause
#include "control/packet_log.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "cfg/base/log.h"

enum { LINES_PER_TURN = 128 };

static const char *interface_name(const struct interfaces *interfaces, int id)
{
	const struct interface *interface = id < 0 ? NULL : interfaces_by_id(interfaces, id);

	return interface == NULL ? "" : interface->config->name;
}

static const char *action_name(enum dp_action action)
{
	switch (action) {
	case DP_CONTINUE:
		return "continue";
	case DP_ACCEPT:
		return "accept";
	case DP_DROP:
		return "drop";
	case DP_REJECT:
		return "reject";
	case DP_JUMP:
		return "jump";
	case DP_RETURN:
		return "return";
	}
	return "?";
}

static void write_ports(FILE *out, const struct dp_log_line *line)
{
	if (line->sport != 0 || line->dport != 0) // a later fragment has none
		fprintf(out, " SPT=%u DPT=%u", line->sport, line->dport);
}

static void write_flags(FILE *out, uint8_t flags)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {
		{0x80, "CWR"},
		{0x40, "ECE"},
		{0x20, "URG"},
		{0x10, "ACK"},
		{0x08, "PSH"},
		{0x04, "RST"},
		{0x02, "SYN"},
		{0x01, "FIN"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].bit)
			fprintf(out, " %s", names[i].name);
}

static void write_protocol(FILE *out, const struct dp_log_line *line)
{
	switch (line->protocol) {
	case IPPROTO_TCP:
		fputs(" PROTO=TCP", out);
		write_ports(out, line);
		write_flags(out, line->tcp_flags);
		return;
	case IPPROTO_UDP:
		fputs(" PROTO=UDP", out);
		break;
	case IPPROTO_UDPLITE:
		fputs(" PROTO=UDPLITE", out);
		break;
	case IPPROTO_SCTP:
		fputs(" PROTO=SCTP", out);
		break;
	case IPPROTO_DCCP:
		fputs(" PROTO=DCCP", out);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		fprintf(out, " PROTO=%s TYPE=%d CODE=%d",
			line->protocol == IPPROTO_ICMP ? "ICMP" : "ICMPv6", line->icmp >> 8,
			line->icmp & 0xff);
		return;
	case IPPROTO_ESP:
		fputs(" PROTO=ESP", out);
		return;
	case IPPROTO_AH:
		fputs(" PROTO=AH", out);
		return;
	default:
		fprintf(out, " PROTO=%u", line->protocol);
		return;
	}
	write_ports(out, line);
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

const char *packet_log_str(const struct interfaces *interfaces, const struct packet_log_rule *rule,
	const struct dp_event *event, char out[PACKET_LOG_BYTES])
{
	static const struct mac_addr none;
	const struct dp_log_line *line = &event->log;
	const char *prefix = rule->prefix;
	size_t len = strlen(prefix);
	char text[ADDR_STR_BYTES];
	FILE *to = fmemopen(out, PACKET_LOG_BYTES, "w");

	out[0] = '\0';
	if (to == NULL)
		return out;
	fprintf(to, "%s%sIN=%s OUT=%s", prefix, len == 0 || prefix[len - 1] == ' ' ? "" : " ",
		interface_name(interfaces, event->interface),
		interface_name(interfaces, line->out_interface));
	if (memcmp(&line->mac, &none, sizeof(none)) != 0)
		fprintf(to, " MACSRC=%s", mac_addr_str(&line->mac, text));
	fprintf(to, " SRC=%s", ip_addr_str(&event->addr, text));
	fprintf(to, " DST=%s LEN=%u", ip_addr_str(&line->dst, text), line->bytes);
	write_protocol(to, line);
	fprintf(to, " ACTION=%s RULE=%.*s:%d", action_name(line->action), PACKET_LOG_FILE_MAX,
		file_name(rule->file), rule->line);
	fclose(to);
	return out;
}

bool packet_log_find(
	const struct policy *policy, const struct dp_event *event, struct packet_log_rule *out)
{
	uint32_t index = event->log.rule;
	const struct cfg_rule *rule = index < policy->dp.n_rules ? policy->rules[index] : NULL;

	if (rule == NULL || rule->log == NULL)
		return false;
	*out = (struct packet_log_rule){
		.prefix = rule->log,
		.file = config_file_of(policy->config, rule->place),
		.line = rule->place.line,
	};
	for (unsigned i = 0; i < policy->dp.n_lists; i++) {
		const struct dp_list *list = &policy->lists[i];

		if (index < list->first || index - list->first >= list->n)
			continue;
		out->list = policy_list_name(policy, i);
		out->number = index - list->first + 1;
		return true;
	}
	return false;
}

void packet_log_begin_turn(struct packet_log *log)
{
	log->n_this_turn = 0;
}

void packet_log_write(struct packet_log *log, const struct policy *policy,
	const struct interfaces *interfaces, const struct dp_event *event)
{
	char text[PACKET_LOG_BYTES], object[LOG_OBJECT_BYTES];
	struct packet_log_rule rule;

	if (log->n_this_turn == LINES_PER_TURN || event->log.policy != policy->serial) {
		log->n_left_out++;
		return;
	}
	if (!packet_log_find(policy, event, &rule))
		return;
	log->n_this_turn++;
	snprintf(object, sizeof(object), "rule %s/%u", rule.list, rule.number);
	log_packet(object, packet_log_str(interfaces, &rule, event, text));
}

void packet_log_tell_left_out(struct packet_log *log)
{
	if (log->n_left_out > 0)
		log_warning("packets", "%" PRIu64 " lines of rules were left out", log->n_left_out);
	log->n_left_out = 0;
}
