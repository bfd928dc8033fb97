// SPDX-License-Identifier: BSD-3-Clause
// The section `apply` of the model.
#include "cfg/model.h"

static const struct model_choice probes[] = {
	{"dns", CFG_PROBE_DNS, "a resolver of the machine's answers a question"},
	{"uplink", CFG_PROBE_UPLINK, "the next router of each default route answers for itself"},
	{"management", CFG_PROBE_MANAGEMENT, "somebody who may write has come to the socket"},
	{0},
};

static const struct model_key apply_keys[] = {
	{.key = "confirm",
		.type = MODEL_SECONDS,
		.help = "the router goes back after that, unless it is confirmed; `--no-confirm` "
			"says otherwise; absent: it stays",
		.min = 1,
		.max = CFG_CONFIRM_SEC_MAX,
		MODEL_AT(struct cfg_apply, confirm_sec)},
	{.key = "confirm-when",
		.type = MODEL_BITS,
		.help = "probes that confirm it once all have passed; absent: somebody has to",
		.choices = probes,
		MODEL_AT(struct cfg_apply, probes),
		.is_merged = true},
	{.key = "confirm-name",
		.type = MODEL_TEXT,
		.help = "what `dns` asks for; absent: the root's name servers",
		.max = 253,
		MODEL_AT(struct cfg_apply, confirm_name)},
	{0},
};

const struct model_object model_apply = {
	.noun = "apply", .keys = apply_keys, .said_offset = offsetof(struct cfg_apply, said)};
