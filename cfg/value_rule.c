// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/value_rule.h"

#include <string.h>

#include "cfg/value.h"
#include "cfg/words.h"

enum {
	MINUTES_OF_DAY = 1440,
	WORDS_MAX = 8,	      // of a rate or time
	WORDS_BYTES_MAX = 79, // all of them
	DSCP_MAX = 63,
	PACKETS_MAX = 10000000,
};

const char *value_rule_expected(enum model_type type)
{
	if (type == MODEL_SECONDS)
		return "a duration such as 90s, 5m, 2h4m or 1d";
	if (type == MODEL_DSCP)
		return "a DSCP such as ef, af41, cs1 or a number from 0 to 63";
	if (type == MODEL_TCP_FLAG)
		return "TCP flags such as syn or \"syn,!ack\", of fin, syn, rst, psh, ack, urg, "
		       "ece "
		       "and cwr";
	if (type == MODEL_MARK)
		return "a mark such as 7 or 0x10/0xff (value/mask)";
	if (type == MODEL_RATE)
		return "a rate such as 5/s, 100/m burst 20 or over 10/m per source";
	return "a time such as mon-fri 08:00-18:00, sat,sun or 22:00-06:00";
}

// --- numbers ---

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

// The digits that `*at` begins with, which it then has passed. -1: none, or more than `max`.
static int take_number(const char **at, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!is_digit(**at) || (**at == '0' && is_digit((*at)[1])))
		return -1;
	for (; is_digit(**at); (*at)++) {
		value = value * 10 + (uint64_t)(**at - '0');
		if (value > max)
			return -1;
	}
	*out = value;
	return 0;
}

static uint32_t unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

// Units from the large to the small, each once.
static int read_seconds(
	const struct model_key *key, const char *text, uint32_t *out, struct error *err)
{
	uint32_t last_unit = UINT32_MAX;
	const char *at = text;
	uint64_t total = 0;

	while (*at != '\0') {
		uint64_t number;
		uint32_t unit;

		if (take_number(&at, UINT32_MAX, &number) != 0)
			return value_unexpected(key, text, "", err);
		unit = unit_seconds(*at);
		if (unit == 0 || unit >= last_unit)
			return value_unexpected(
				key, text, *at == '\0' ? "; its unit is missing" : "", err);
		total += number * unit;
		last_unit = unit;
		at++;
	}
	if (at == text)
		return value_unexpected(key, text, "", err);
	if (total < key->min || total > key->max)
		return error_set(err, "expected at least %u s and at most %u s, got `%s`",
			(unsigned)key->min, (unsigned)key->max, text);
	*out = (uint32_t)total;
	return 0;
}

// --- bits ---

static int read_dscp(
	const struct model_key *key, const char *text, uint64_t *out, struct error *err)
{
	const struct word *word = word_find(word_dscps, text, strlen(text));
	const char *at = text;
	uint64_t number;

	if (word != NULL)
		number = word->value;
	else if (take_number(&at, DSCP_MAX, &number) != 0 || *at != '\0')
		return value_unexpected(key, text, "", err);
	*out |= 1ull << number;
	return 0;
}

static int read_tcp_flags(
	const struct model_key *key, const char *text, struct cfg_tcp_flags *out, struct error *err)
{
	for (const char *at = text;; at++) {
		const char *item = at + strspn(at, " ");
		const char *name = value_after_not(item);
		size_t len = strcspn(name, ",");
		const struct word *word = word_find(word_tcp_flags, name, len);
		uint8_t flag, wanted;

		if (word == NULL)
			return value_unexpected(key, text, "", err);
		flag = (uint8_t)word->value;
		wanted = name == item ? flag : 0;
		if ((out->mask & flag) && (out->flags & flag) != wanted)
			return error_set(err, "%s cannot be there and not be there", word->name);
		out->mask |= flag;
		out->flags |= wanted;
		at = name + len;
		if (*at == '\0')
			return 0;
	}
}

static int take_mark(const char **at, uint32_t *out)
{
	uint64_t value = 0;

	if ((*at)[0] != '0' || (*at)[1] != 'x') {
		if (take_number(at, UINT32_MAX, &value) != 0)
			return -1;
		*out = (uint32_t)value;
		return 0;
	}

	size_t len = strspn(*at + 2, "0123456789abcdefABCDEF");

	if (len < 1 || len > 8)
		return -1;
	for (const char *c = *at + 2; c < *at + 2 + len; c++)
		value = value << 4 | (uint64_t)(is_digit(*c) ? *c - '0' : (*c | 0x20) - 'a' + 10);
	*at += 2 + len;
	*out = (uint32_t)value;
	return 0;
}

static int read_mark(
	const struct model_key *key, const char *text, struct cfg_mark *out, struct error *err)
{
	struct cfg_mark mark = {.mask = UINT32_MAX};
	const char *at = text;

	if (take_mark(&at, &mark.value) != 0)
		return value_unexpected(key, text, "", err);
	if (*at == '/') {
		at++;
		if (take_mark(&at, &mark.mask) != 0)
			return value_unexpected(key, text, "", err);
	}
	if (*at != '\0')
		return value_unexpected(key, text, "", err);
	if (mark.mask == 0 || (mark.value & ~mark.mask) != 0)
		return error_set(err, "%s: the value has bits that the mask has not", text);
	*out = mark;
	return 0;
}

// --- what is made of several words ---

struct words {
	char text[WORDS_BYTES_MAX + 1];
	const char *word[WORDS_MAX + 1]; // up to NULL
};

static int split(const char *text, struct words *words)
{
	char *rest = words->text;
	char *word;
	unsigned n = 0;

	if (strlen(text) > WORDS_BYTES_MAX)
		return -1;
	memcpy(words->text, text, strlen(text) + 1);
	while ((word = strsep(&rest, " ")) != NULL) {
		if (word[0] == '\0')
			continue;
		if (n == WORDS_MAX)
			return -1;
		words->word[n++] = word;
	}
	words->word[n] = NULL;
	return 0;
}

static bool is_word(const char *word, const char *expected)
{
	return word != NULL && strcmp(word, expected) == 0;
}

static int parse_per_time(const char *word, struct cfg_rate *out)
{
	uint64_t packets;

	if (word == NULL || take_number(&word, PACKETS_MAX, &packets) != 0 || packets == 0)
		return -1;
	if (word[0] != '/' || unit_seconds(word[1]) == 0 || word[2] != '\0')
		return -1;
	out->packets = (uint32_t)packets;
	out->per_sec = unit_seconds(word[1]);
	return 0;
}

static int parse_rate(const struct words *words, struct cfg_rate *out)
{
	const char *const *word = words->word;
	uint64_t burst = 0;

	if (is_word(*word, "over")) {
		out->is_above = true;
		word++;
	}
	if (parse_per_time(*word, out) != 0)
		return -1;
	for (word++; *word != NULL; word += 2) {
		const char *value = word[1];

		if (is_word(word[0], "per") && is_word(value, "source") && !out->is_per_source)
			out->is_per_source = true;
		else if (!is_word(word[0], "burst") || value == NULL || burst != 0 ||
			 take_number(&value, PACKETS_MAX, &burst) != 0 || *value != '\0' ||
			 burst == 0)
			return -1;
	}
	out->burst = burst != 0 ? (uint32_t)burst : out->packets;
	return 0;
}

static int read_rate(
	const struct model_key *key, const char *text, struct cfg_rate *out, struct error *err)
{
	struct cfg_rate rate = {0};
	struct words words = {0};

	if (split(text, &words) != 0 || parse_rate(&words, &rate) != 0)
		return value_unexpected(key, text, "", err);
	*out = rate;
	return 0;
}

// "mon-fri", "sat,sun", "fri-mon"
static int parse_days(const char *text, uint8_t *out)
{
	for (;;) {
		size_t len = strcspn(text, ",");
		const struct word *first = word_find(word_days, text, 3);
		const struct word *last = len == 7 ? word_find(word_days, text + 4, 3) : first;

		if (first == NULL || last == NULL || (len != 3 && (len != 7 || text[3] != '-')))
			return -1;
		for (unsigned day = first->value;; day = (day + 1) % 7) {
			*out |= (uint8_t)(1u << day);
			if (day == last->value)
				break;
		}
		if (text[len] == '\0')
			return 0;
		text += len + 1;
	}
}

static int parse_minute(const char *text, uint16_t *out)
{
	unsigned hour, minute;

	for (unsigned i = 0; i < 5; i++) {
		if (i == 2 ? text[i] != ':' : !is_digit(text[i]))
			return -1;
	}
	hour = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	minute = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
	if (minute > 59 || hour * 60 + minute > MINUTES_OF_DAY)
		return -1;
	*out = (uint16_t)(hour * 60 + minute);
	return 0;
}

// "08:00-18:00"
static int parse_hours(const char *text, struct cfg_time *out)
{
	if (strlen(text) != 11 || text[5] != '-')
		return -1;
	if (parse_minute(text, &out->first_min) != 0 || parse_minute(text + 6, &out->last_min) != 0)
		return -1;
	return out->first_min < MINUTES_OF_DAY ? 0 : -1;
}

static int parse_time(const struct words *words, struct cfg_time *out)
{
	const char *const *word = words->word;

	*out = (struct cfg_time){.last_min = MINUTES_OF_DAY};
	if (*word != NULL && !is_digit(**word) && parse_days(*word++, &out->days) != 0)
		return -1;
	if (*word != NULL && parse_hours(*word++, out) != 0)
		return -1;
	if (out->days == 0)
		out->days = 0x7f;
	return *word == NULL && word != words->word ? 0 : -1;
}

static int read_time(
	const struct model_key *key, const char *text, struct cfg_time *out, struct error *err)
{
	struct words words = {0};

	if (split(text, &words) != 0 || parse_time(&words, out) != 0)
		return value_unexpected(key, text, "", err);
	return 0;
}

int value_rule_read(const struct model_key *key, const char *text, void *out, struct error *err)
{
	if (key->type == MODEL_SECONDS)
		return read_seconds(key, text, out, err);
	if (key->type == MODEL_DSCP)
		return read_dscp(key, text, out, err);
	if (key->type == MODEL_TCP_FLAG)
		return read_tcp_flags(key, text, out, err);
	if (key->type == MODEL_MARK)
		return read_mark(key, text, out, err);
	if (key->type == MODEL_RATE)
		return read_rate(key, text, out, err);
	return read_time(key, text, out, err);
}
