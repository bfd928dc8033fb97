// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/schema_value.h"

#include <string.h>

#include "cfg/element.h"
#include "cfg/words.h"

// The texts that cfg/value*.c read, as ECMA 262 has regular expressions.
#define OCTET	   "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IP4	   OCTET "([.]" OCTET "){3}"
#define GROUP	   "[0-9A-Fa-f]{0,4}"
#define IP6	   GROUP "((:" GROUP "){2,7}|(:" GROUP "){1,6}:" IP4 ")"
#define LEN4	   "/(3[0-2]|[12]?[0-9])"
#define LEN6	   "/(12[0-8]|1[01][0-9]|[1-9]?[0-9])"
#define ADDRESS	   "(" IP4 "|" IP6 ")"
#define NETWORK	   "(" IP4 LEN4 "|" IP6 LEN6 ")"
#define MAC	   "[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}"
#define WHOLE	   "(0|[1-9][0-9]*)"
#define NAME31	   "[A-Za-z][A-Za-z0-9_.-]{0,30}"
#define NAME15	   "[A-Za-z][A-Za-z0-9_.-]{0,14}"
#define MARK	   "(0x[0-9A-Fa-f]{1,8}|" WHOLE ")"
#define FLAG	   "(not |!)?(fin|syn|rst|psh|ack|urg|ece|cwr)"
#define PER_TIME   "[1-9][0-9]*/[smhd]"
#define RATE_WORDS "( +burst +[1-9][0-9]*| +per +source)*"
#define DAY	   "(sun|mon|tue|wed|thu|fri|sat)"
#define DAYS	   DAY "(-" DAY ")?(," DAY "(-" DAY ")?)*"
#define CLOCK	   "([01][0-9]|2[0-4]):[0-5][0-9]"
#define HOURS	   CLOCK "-" CLOCK

enum { PORT_MAX = 65535, BYTE_MAX = 255, DSCP_MAX = 63 };

static json_t *integer(uint64_t min, uint64_t max)
{
	return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)min,
		"maximum", (json_int_t)max);
}

static json_t *text(const char *pattern)
{
	return json_pack(
		"{s:s, s:o}", "type", "string", "pattern", json_sprintf("^(%s)$", pattern));
}

// A new reference to "any of these", which it takes; NULLs end them.
static json_t *any_of(json_t *first, json_t *second, json_t *third)
{
	json_t *all[] = {first, second, third};
	json_t *list = json_array();

	for (size_t i = 0; i < 3; i++) {
		if (all[i] != NULL)
			json_array_append_new(list, all[i]);
	}
	return json_pack("{s:o}", "anyOf", list);
}

json_t *schema_name(size_t len_max)
{
	size_t max = len_max != 0 ? len_max : CFG_NAME_MAX;

	return json_pack("{s:s, s:s, s:I}", "type", "string", "pattern",
		"^[A-Za-z][A-Za-z0-9_.-]*$", "maxLength", (json_int_t)max);
}

// --- words ---

// YAML has a value for some words.
static json_t *word_value(const char *word)
{
	return strcmp(word, "null") == 0 ? json_null() : json_string(word);
}

static json_t *choices(const struct model_choice *choices)
{
	json_t *list = json_array();

	for (const struct model_choice *c = choices; c->name != NULL; c++) {
		json_t *plain = word_value(c->name);

		if (json_is_null(plain)) // in quotes
			json_array_append_new(list,
				json_pack("{s:s, s:s}", "const", c->name, "description", c->help));
		json_array_append_new(
			list, json_pack("{s:o, s:s}", "const", plain, "description", c->help));
	}
	return json_pack("{s:o}", "anyOf", list);
}

static json_t *words(const struct word *const *tables)
{
	json_t *list = json_array();

	for (const struct word *const *table = tables; *table != NULL; table++) {
		for (const struct word *word = *table; word->name != NULL; word++)
			json_array_append_new(list, json_string(word->name));
	}
	if (json_array_size(list) == 0) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:o}", "enum", list);
}

// --- elements ---

struct element_form {
	const char *pattern; // beside the words
	uint32_t number_max; // of those that are a bare number; 0: none are
};

static const struct element_form forms[] = {
	[CFG_SET_ADDRESSES] = {IP4 "(" LEN4 "|-" IP4 ")?|" IP6 "(" LEN6 "|-" IP6 ")?", 0},
	[CFG_SET_PORTS] = {"[0-9]{1,5}-[0-9]{1,5}", PORT_MAX},
	[CFG_SET_MACS] = {MAC, 0},
	[CFG_SET_ICMP] = {"[a-z0-9-]+/[0-9]{1,3}", BYTE_MAX},
	[CFG_SET_ICMP6] = {"[a-z0-9-]+/[0-9]{1,3}", BYTE_MAX},
	[CFG_SET_INTERFACES] = {NAME15, 0},
	[CFG_SET_PROTOCOLS] = {"[0-9]{1,3}-[0-9]{1,3}", BYTE_MAX},
};

// In a rule sets have names too, and `not` may be before anything.
static json_t *element(const struct model_key *key)
{
	const struct element_form *form = &forms[key->set_kind];
	json_t *number = form->number_max != 0 ? integer(0, form->number_max) : NULL;
	json_t *other = text(form->pattern);

	if (key->type == MODEL_MATCH) {
		json_decref(other);
		other = json_pack("{s:s, s:o}", "type", "string", "pattern",
			json_sprintf("^(not |!)?(@?" NAME31 "|[0-9]{1,5}|%s)$", form->pattern));
	}
	return any_of(number, words(element_words(key->set_kind)), other);
}

// --- texts of a length ---

static json_t *line(const char *pattern, uint64_t len_max)
{
	json_t *schema = text(pattern);

	json_object_set_new(schema, "maxLength", json_integer((json_int_t)len_max));
	return schema;
}

static json_t *network(const struct model_key *key)
{
	const char *bare = key->type == MODEL_PREFIX && key->family == IP_NONE ? ADDRESS : NULL;
	const char *pattern = key->family == IP_V4   ? IP4 LEN4
			      : key->family == IP_V6 ? IP6 LEN6
						     : NETWORK;

	return bare != NULL ? any_of(text(pattern), text(bare), NULL) : text(pattern);
}

json_t *schema_value(const struct model_key *key)
{
	static const struct word *const dscps[] = {word_dscps, NULL};

	switch (key->type) {
	case MODEL_BOOL:
	case MODEL_SWITCH:
		return json_pack("{s:s}", "type", "boolean");
	case MODEL_WHOLE:
		return integer(key->min, key->max);
	case MODEL_CHOICE:
	case MODEL_BITS:
		return choices(key->choices);
	case MODEL_NAME:
		return schema_name(key->max);
	case MODEL_NETDEV:
		return text("[^\\s/:,=%\\[\\]]{1,15}");
	case MODEL_PATH:
		return line("[^,\\[\\]\\u0000-\\u001f\\u007f]+", key->max);
	case MODEL_MAC:
		return text(MAC);
	case MODEL_PCI:
		return text("[0-9A-Fa-f]{4,5}:[0-9A-Fa-f]{2}:[01][0-9A-Fa-f][.][0-7]");
	case MODEL_ADDRESS:
		return text(ADDRESS);
	case MODEL_HOST:
	case MODEL_NETWORK:
	case MODEL_PREFIX:
		return network(key);
	case MODEL_TEXT: // whatever YAML takes the text for
		return any_of(line("[^\\u0000-\\u001f\\u007f]+", key->max),
			json_pack("{s:[s,s]}", "type", "number", "boolean"), NULL);
	case MODEL_SECONDS:
		return text("(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?");
	case MODEL_ELEMENT:
	case MODEL_MATCH:
		return element(key);
	case MODEL_DSCP:
		return any_of(integer(0, DSCP_MAX), words(dscps), NULL);
	case MODEL_TCP_FLAG:
		return text(FLAG "( *, *" FLAG ")*");
	case MODEL_MARK:
		return any_of(integer(0, UINT32_MAX), text(MARK "(/" MARK ")?"), NULL);
	case MODEL_RATE:
		return text("(over +)?" PER_TIME RATE_WORDS);
	case MODEL_TIME:
		return text(DAYS "( +" HOURS ")?|" HOURS);
	case MODEL_GROUP:
	case MODEL_NAMED:
	case MODEL_LIST:
		break; // no scalars
	}
	return json_object();
}
