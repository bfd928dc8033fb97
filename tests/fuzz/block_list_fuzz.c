// SPDX-License-Identifier: BSD-3-Clause
// A block list from a stranger: whatever its lines are, what is taken of them is found again under
// its own name, and means the same when it is written out.
#include <stdlib.h>

#include "control/dns/block_store.h"
#include "control/list_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void check_rule(
	struct block_store *store, const struct block_rule *rule, const struct dns_name *name)
{
	struct block_names more;
	struct block_match match;
	struct block_rule again;
	struct dns_name same, below;
	char text[DNS_NAME_STR_BYTES + 32];

	block_rule_str(rule, name, text, sizeof(text));
	require(block_rule_parse(text, strlen(text), &again, &same, &more) == BLOCK_LINE_RULE ||
		rule->is_exception || name->n_labels < 2);
	require(block_store_add_rule(store, 7, 1, rule, name) == 0);
	require(block_store_find(store, name, 1 << 7, &match));
	require(!block_store_find(store, name, ~(UINT32_C(1) << 7), &match));
	if (rule->form != BLOCK_FORM_HOSTS &&
		dns_name_prepend((const uint8_t *)"x", 1, name, &below) == 0)
		require(block_store_find(store, &below, 1 << 7, &match));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	struct list_lines lines = {.at = (const char *)bytes, .end = (const char *)bytes + n_bytes};
	struct block_store *store = block_store_new(), *all = block_store_new();

	require(store != NULL && all != NULL);
	while (list_lines_next(&lines)) {
		struct block_names more;
		struct block_rule rule;
		struct dns_name name;
		enum block_line is = block_rule_parse(lines.line, lines.len, &rule, &name, &more);

		for (; is != BLOCK_LINE_EMPTY; is = block_rule_next(&more, &name))
			if (is == BLOCK_LINE_RULE)
				check_rule(store, &rule, &name);
		require(block_store_add_line(
				all, 31, (uint32_t)lines.number, lines.line, lines.len) == 0);
	}
	block_store_end(all);
	block_store_free(store);
	block_store_free(all);
	return 0;
}
