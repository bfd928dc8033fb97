// SPDX-License-Identifier: BSD-3-Clause
// The section `accept-warnings` of the model.
#include "cfg/model.h"

enum { ID_BYTES_MAX = 31, PATH_BYTES_MAX = 255 };

static const struct model_key accept_keys[] = {
	{.key = "id",
		.type = MODEL_NAME,
		.help = "which warning, as `check` writes it behind the sentence",
		.is_required = true,
		.max = ID_BYTES_MAX,
		MODEL_AT(struct cfg_accept, id)},
	{.key = "at",
		.type = MODEL_TEXT,
		.help = "where: a path as `plan` and `diff` write it, such as sets.slow or "
			"firewall.forward[3], and all below; absent: everywhere",
		.min = 1,
		.max = PATH_BYTES_MAX,
		MODEL_AT(struct cfg_accept, at)},
	{0},
};

const struct model_object model_accept = {
	.noun = "accept-warnings",
	.keys = accept_keys,
	.bytes = sizeof(struct cfg_accept),
	.place_offset = offsetof(struct cfg_accept, place),
	.said_offset = offsetof(struct cfg_accept, said),
};
