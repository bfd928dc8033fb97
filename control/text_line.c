// SPDX-License-Identifier: BSD-3-Clause
#include "control/text_line.h"

#include <inttypes.h>
#include <string.h>

#include "cfg/element.h"

enum { ICMP_CODES = 256 };

void text_line_key(struct text_line *line, const char *key)
{
	fprintf(line->out, "%s%s: ", line->has_keys ? ", " : "", key);
	line->has_keys = true;
}

void text_line_word(struct text_line *line, const char *key, const char *word)
{
	text_line_key(line, key);
	fputs(word, line->out);
}

void text_list_item(struct text_list *list)
{
	if (list->n > 1)
		fputs(list->i == 0 ? "[" : ", ", list->out);
	list->i++;
}

void text_list_end(const struct text_list *list)
{
	if (list->n > 1)
		fputc(']', list->out);
}

// --- elements ---

const char *set_kind_text(enum cfg_set_kind kind)
{
	return element_kind_name(kind);
}

const char *text_word_of(const struct word *words, uint32_t value)
{
	for (; words->name != NULL; words++)
		if (words->value == value)
			return words->name;
	return NULL;
}

static void write_range(FILE *out, const struct ip_addr *first, const struct ip_addr *last)
{
	struct ip_prefix prefixes[CFG_RANGE_PREFIXES_MAX];
	char text[ADDR_STR_BYTES];

	if (ip_addr_equal(first, last)) {
		fputs(ip_addr_str(first, text), out);
	} else if (cfg_range_prefixes(first, last, prefixes) == 1) {
		fputs(ip_prefix_str(&prefixes[0], text), out);
	} else {
		fputs(ip_addr_str(first, text), out);
		fprintf(out, "-%s", ip_addr_str(last, text));
	}
}

static void write_numbers(FILE *out, uint32_t first, uint32_t last)
{
	if (first == last)
		fprintf(out, "%" PRIu32, first);
	else
		fprintf(out, "%" PRIu32 "-%" PRIu32, first, last);
}

// A whole type, or one code of it.
static void write_icmp(FILE *out, enum cfg_set_kind kind, uint32_t first, uint32_t last)
{
	const struct word *const *words = element_words(kind);
	const char *word = text_word_of(words[first == last ? 1 : 0], first);

	if (word != NULL)
		fputs(word, out);
	else if (first == last)
		fprintf(out, "%" PRIu32 "/%" PRIu32, first / ICMP_CODES, first % ICMP_CODES);
	else
		fprintf(out, "%" PRIu32, first / ICMP_CODES);
}

void element_text_write(FILE *out, enum cfg_set_kind kind, const struct cfg_element *element)
{
	uint32_t first = element->numbers.first, last = element->numbers.last;
	char text[ADDR_STR_BYTES];

	if (element->set != NULL) {
		fputs(element->set, out);
		return;
	}
	switch (kind) {
	case CFG_SET_ADDRESSES:
		write_range(out, &element->addresses.first, &element->addresses.last);
		return;
	case CFG_SET_MACS:
		fputs(mac_addr_str(&element->mac, text), out);
		return;
	case CFG_SET_ICMP:
	case CFG_SET_ICMP6:
		write_icmp(out, kind, first, last);
		return;
	case CFG_SET_INTERFACES:
		fputs(element->interface, out);
		return;
	case CFG_SET_PROTOCOLS:
		if (first == last && text_word_of(word_protocols, first) != NULL)
			fputs(text_word_of(word_protocols, first), out);
		else
			write_numbers(out, first, last);
		return;
	case CFG_SET_PORTS:
		break;
	}
	write_numbers(out, first, last);
}

void text_line_match(struct text_line *line, const char *key, enum cfg_set_kind kind,
	const struct cfg_match *match)
{
	struct text_list list = {.out = line->out, .n = match->n};

	if (match->n == 0)
		return;
	text_line_key(line, key);
	for (unsigned i = 0; i < match->n; i++) {
		text_list_item(&list);
		if (match->is_negated)
			fputs("not ", line->out);
		element_text_write(line->out, kind, &match->elements[i]);
	}
	text_list_end(&list);
}

void text_line_names(struct text_line *line, const char *key, const struct cfg_names *names)
{
	struct text_list list = {.out = line->out, .n = names->n};

	if (names->n == 0)
		return;
	text_line_key(line, key);
	for (unsigned i = 0; i < names->n; i++) {
		text_list_item(&list);
		fputs(names->names[i], line->out);
	}
	text_list_end(&list);
}

void text_line_quoted(struct text_line *line, const char *key, const char *text)
{
	text_line_key(line, key);
	fputc('"', line->out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', line->out);
		fputc(*text, line->out);
	}
	fputc('"', line->out);
}

void text_line_family(struct text_line *line, uint8_t family)
{
	text_line_word(line, "family",
		family == IP_V4	  ? "ipv4"
		: family == IP_V6 ? "ipv6"
				  : "both");
}
