// SPDX-License-Identifier: BSD-3-Clause
// What of an interface's `dhcp4` a type alone does not say.
#include "cfg/check.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/hex_text.h"

enum { BYTES_MAX = 255 };

// RFC 2132 9.14: "the minimum length is 2".
static bool is_client_id(const char *text)
{
	uint8_t bytes[BYTES_MAX];

	return strncmp(text, "hex:", 4) != 0 || hex_text_read(text + 4, bytes, sizeof(bytes)) >= 2;
}

static bool is_vendor_info(const char *text)
{
	uint8_t bytes[BYTES_MAX];
	char *end;
	unsigned long long enterprise = strtoull(text, &end, 10);

	return text[0] >= '0' && text[0] <= '9' && *end == ':' && enterprise <= UINT32_MAX &&
	       hex_text_read(end + 1, bytes, sizeof(bytes)) >= 0;
}

// RFC 1123 2.1: what a name of a host is made of; a domain may follow it.
static bool is_hostname(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.",
			    *c) == NULL)
			return false;
	return text[0] != '-' && text[0] != '.';
}

void check_dhcp4(const struct check *check, const struct cfg_interface *interface,
	const struct yaml_node *node)
{
	const struct cfg_dhcp4 *dhcp4 = &interface->dhcp4;
	const struct yaml_node *own = yaml_tree_get(node, "dhcp4");

	if (!dhcp4->is_on || own == NULL || !check_is_whole(own))
		return;
	check_program(check, dhcp4->hook, check_place(own, "hook"), "interface", interface->name);
	if (!is_client_id(dhcp4->client_id))
		report_add(check->report, check_place(own, "client-id"),
			"interface %s: dhcp4: `client-id`: behind `hex:` two or more bytes are "
			"expected, each of two digits",
			interface->name);
	if (dhcp4->vendor_info != NULL && !is_vendor_info(dhcp4->vendor_info))
		report_add(check->report, check_place(own, "vendor-info"),
			"interface %s: dhcp4: `vendor-info`: expected an enterprise number and "
			"bytes, such as 3561:0a0b",
			interface->name);
	if (dhcp4->hostname != NULL && !is_hostname(dhcp4->hostname))
		report_add(check->report, check_place(own, "hostname"),
			"interface %s: dhcp4: `hostname`: a name has letters, digits, `-` and `.`",
			interface->name);
}
