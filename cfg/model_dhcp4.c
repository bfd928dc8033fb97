// SPDX-License-Identifier: BSD-3-Clause
// The key `dhcp4` of an interface.
#include "cfg/model.h"
#include "cfg/program_file.h"

enum { TEXT_BYTES_MAX = 200 }; // of an option of 255, with what stands in front of it

#define TEXT(member) .type = MODEL_TEXT, .max = TEXT_BYTES_MAX, MODEL_AT(struct cfg_dhcp4, member)

static const struct model_key dhcp4_keys[] = {
	{.key = "client-id",
		.help = "who we are to the server (option 61): mac, duid (RFC 4361), none, bytes "
			"as "
			"hex:0a0b, or a text",
		.default_text = "mac",
		TEXT(client_id)},
	{.key = "hostname", .help = "our name for the server (option 12)", TEXT(hostname)},
	{.key = "vendor-class",
		.help = "what kind of client we are, as some providers ask (option 60)",
		TEXT(vendor_class)},
	{.key = "user-class",
		.help = "which kind of customer, as some providers ask (option 77)",
		TEXT(user_class)},
	{.key = "vendor-info",
		.help = "enterprise number and bytes, as 3561:0a0b (option 125)",
		TEXT(vendor_info)},
	{.key = "request",
		.type = MODEL_WHOLE,
		.help = "numbers of more options to ask for (option 55)",
		.min = 1,
		.max = 254,
		MODEL_AT(struct cfg_dhcp4, request[0]),
		.n_max = CFG_DHCP4_REQUEST_MAX,
		.count_offset = offsetof(struct cfg_dhcp4, n_request)},
	{.key = "metric",
		.type = MODEL_WHOLE,
		.help = "of its routes; absent: 100, and ten more for each such interface before "
			"it",
		.max = UINT32_MAX - 16,
		MODEL_AT(struct cfg_dhcp4, metric),
		.has_offset = offsetof(struct cfg_dhcp4, has_metric)},
	{.key = "use-routes",
		.type = MODEL_BOOL,
		.help = "take its default gateways and other routes",
		.default_text = "true",
		MODEL_AT(struct cfg_dhcp4, uses_routes)},
	{.key = "use-dns",
		.type = MODEL_BOOL,
		.help = "take its name servers and search domains",
		.default_text = "true",
		MODEL_AT(struct cfg_dhcp4, uses_dns)},
	{.key = "use-mtu",
		.type = MODEL_BOOL,
		.help = "take its MTU, where that is smaller than the port's",
		.default_text = "true",
		MODEL_AT(struct cfg_dhcp4, uses_mtu)},
	{.key = "hook",
		.type = MODEL_PATH,
		.help = "a program to run when its address comes, changes or is lost",
		.max = PROGRAM_PATH_BYTES_MAX,
		MODEL_AT(struct cfg_dhcp4, hook)},
	{0},
};

const struct model_object model_dhcp4 = {.noun = "dhcp4",
	.keys = dhcp4_keys,
	.said_offset = offsetof(struct cfg_dhcp4, said),
	.may_be_yes = true};
