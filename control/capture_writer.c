// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture_writer.h"

#include <stdio.h>
#include <string.h>

#include "control/pcapng.h"
#include "control/router.h"
#include "control/rule_text.h"

enum {
	COMMENT_BYTES = 1024,
	NO_INTERFACE = DP_INTERFACES_MAX, // the place of what has none
};

static const char *interface_name(const struct capture_writer *writer, int id)
{
	const struct interface *interface =
		id < 0 ? NULL : interfaces_by_id(&writer->router->interfaces, id);

	return interface == NULL ? "router" : interface->config->name;
}

static uint32_t interface_number(struct capture_writer *writer, int id, const char *name)
{
	unsigned place = id < 0 || id >= DP_INTERFACES_MAX ? NO_INTERFACE : (unsigned)id;

	if (strcmp(writer->interfaces[place].name, name) == 0)
		return writer->interfaces[place].number;
	if (pcapng_interface(writer->to, name, writer->snap_bytes) != 0)
		return UINT32_MAX;
	snprintf(
		writer->interfaces[place].name, sizeof(writer->interfaces[place].name), "%s", name);
	writer->interfaces[place].number = writer->n_interfaces++;
	return writer->interfaces[place].number;
}

static void write_rule(FILE *to, const struct router *router, int64_t rule)
{
	const struct policy *policy = router->firewall.policy;
	const struct cfg_rule *its;

	if (rule < 0) {
		fputs("; by no rule but the default", to);
		return;
	}
	// one of a policy that has been replaced since may mean none any more
	if (policy == NULL || rule >= policy->dp.n_rules)
		return;
	its = policy->rules[rule];
	fprintf(to, "; rule %s:%d: ", config_file_of(router->config, its->place), its->place.line);
	rule_text_write(to, its);
	if (its->comment != NULL)
		fprintf(to, " (%s)", its->comment);
}

// "drop_rule: dropped by a firewall rule, or by default; rule FILE:LINE: from: lan, action: drop".
static const char *comment_of(
	const struct router *router, const struct dp_captured *packet, char text[COMMENT_BYTES])
{
	FILE *to = packet->reason == NULL ? NULL : fmemopen(text, COMMENT_BYTES, "w");

	if (to == NULL)
		return NULL;
	fprintf(to, "%s: %s", packet->reason, packet->help);
	if (packet->is_by_firewall)
		write_rule(to, router, packet->rule);
	fclose(to);
	text[COMMENT_BYTES - 1] = '\0';
	return text;
}

bool capture_writer_put(struct capture_writer *writer, const struct dp_captured *from)
{
	char text[COMMENT_BYTES];
	struct pcapng_packet packet = {
		.interface = interface_number(writer, from->interface,
			from->interface_name != NULL ? from->interface_name
						     : interface_name(writer, from->interface)),
		.direction = from->kind == DP_CAPTURE_TX   ? PCAPNG_OUTBOUND
			     : from->kind == DP_CAPTURE_RX ? PCAPNG_INBOUND
							   : PCAPNG_UNKNOWN,
		.time_ns = from->time_ns,
		.bytes = from->bytes,
		.captured_bytes = from->captured_bytes,
		.data = from->data,
		.comment = comment_of(writer->router, from, text),
	};

	return packet.interface != UINT32_MAX && pcapng_packet(writer->to, &packet) == 0;
}

// A file without any interface is none to tcpdump, and nothing may come.
bool capture_writer_begin(struct capture_writer *writer, uint64_t interfaces, const char *text)
{
	const struct interfaces *all = &writer->router->interfaces;

	if (pcapng_section(writer->to, "millrace " MILLRACE_VERSION, text) != 0)
		return false;
	for (unsigned i = 0; i < all->n; i++)
		if ((interfaces >> all->list[i].id & 1) != 0 &&
			interface_number(writer, all->list[i].id,
				interface_name(writer, all->list[i].id)) == UINT32_MAX)
			return false;
	return true;
}
