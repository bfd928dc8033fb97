// SPDX-License-Identifier: BSD-3-Clause
// The file of a set: after a byte for the kind, whatever comes is taken whole or not at all, and
// what was taken is taken again when it is written out.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/set_file.h"
#include "control/text_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void write_element(FILE *out, const struct set_elements *elements, uint32_t i)
{
	struct cfg_element element = {0};
	char text[ADDR_STR_BYTES];

	if (elements->kind == CFG_SET_ADDRESSES) {
		fputs(ip_prefix_str(&elements->prefixes[i], text), out);
		return;
	}
	if (elements->kind == CFG_SET_MACS) {
		element.mac = elements->macs[i];
	} else if (elements->kind == CFG_SET_INTERFACES) {
		element.interface = elements->names[i].text;
	} else {
		element.numbers.first = elements->ranges[i].first;
		element.numbers.last = elements->ranges[i].last;
	}
	element_text_write(out, elements->kind, &element);
}

static void check_again(const struct set_elements *elements)
{
	struct set_elements again = {.kind = elements->kind};
	struct set_file_faults faults;
	char *text = NULL;
	size_t n_bytes = 0;
	FILE *out = open_memstream(&text, &n_bytes);

	for (uint32_t i = 0; i < elements->n; i++) {
		write_element(out, elements, i);
		fputc('\n', out);
	}
	fclose(out);
	require(set_file_parse("again", text, n_bytes, &again, &faults) == 0);
	require(again.n == elements->n);
	require(again.n == 0 || memcmp(again.items, elements->items,
					again.n * set_elements_item_bytes(again.kind)) == 0);
	set_elements_fini(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	struct set_elements elements = {0};
	struct set_file_faults faults;
	int rc;

	if (n_bytes == 0)
		return 0;
	elements.kind = (enum cfg_set_kind)(bytes[0] % (CFG_SET_PROTOCOLS + 1));
	rc = set_file_parse("file", (const char *)bytes + 1, n_bytes - 1, &elements, &faults);
	require((rc == 0) == (faults.n == 0));
	require(rc == 0 || elements.n == 0);
	if (rc == 0)
		check_again(&elements);
	set_elements_fini(&elements);
	return 0;
}
