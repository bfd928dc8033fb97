// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/block_rule.h"

#include <stdio.h>
#include <strings.h>

#include "control/list_file.h"

enum { TEXT_MAX = 253 }; // of a name, without the dot at its end

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

// No domain is a number (RFC 3696, section 2): it is an address, or a part of one.
static bool ends_in_number(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] >= '0' && text[len - 1] <= '9')
		len--;
	return len == 0 || text[len - 1] == '.';
}

// Names of hosts alone: whatever else a list has is no name that anybody asks for.
static bool read_name(const char *text, size_t len, struct dns_name *name)
{
	char copy[TEXT_MAX + 1];

	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len > TEXT_MAX || ends_in_number(text, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] != '.' && !is_name_char(text[i]))
			return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (dns_name_parse(copy, name) != 0)
		return false;
	dns_name_lower(name);
	return true;
}

static bool has(const char *text, size_t len, const char *part)
{
	// never NULL, which UBSan's build wants to see
	return text != NULL && memmem(text, len, part, strlen(part)) != NULL;
}

static bool takes(const char **text, size_t *len, const char *front)
{
	size_t n = strlen(front);

	if (*len < n || memcmp(*text, front, n) != 0)
		return false;
	*text += n;
	*len -= n;
	return true;
}

static const char *take_word(const char **text, size_t *len, size_t *word_len)
{
	const char *word = *text;
	size_t n = 0;

	while (n < *len && !list_is_blank(word[n]))
		n++;
	*word_len = n;
	*text += n;
	*len -= n;
	*text = list_strip(*text, len);
	return word;
}

// --- hosts ---

// Where files of hosts send what they block.
static bool is_nowhere(const struct ip_addr *addr)
{
	static const uint8_t zeroes[16];

	if (addr->family == IP_V4)
		return addr->v4[0] == 127 || memcmp(addr->v4, zeroes, 4) == 0;
	return memcmp(addr->v6, zeroes, 15) == 0 && addr->v6[15] <= 1;
}

// What files of hosts have for the machine itself.
static bool is_own(const char *text, size_t len)
{
	static const char *const own[] = {"localhost", "localhost.localdomain", "local",
		"broadcasthost", "0.0.0.0", "ip6-localhost", "ip6-loopback", "ip6-localnet",
		"ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strlen(own[i]) == len && strncasecmp(own[i], text, len) == 0)
			return true;
	return false;
}

enum block_line block_rule_next(struct block_names *more, struct dns_name *name)
{
	while (more->rest_len > 0) {
		size_t len;
		const char *word = take_word(&more->rest, &more->rest_len, &len);

		if (!is_own(word, len))
			return read_name(word, len, name) ? BLOCK_LINE_RULE : BLOCK_LINE_UNUSABLE;
	}
	return BLOCK_LINE_EMPTY;
}

// --- the other forms ---

// Behind the name: nothing, or "^", and options of which only one means something here.
static bool read_options(const char *text, size_t len, struct block_rule *rule)
{
	takes(&text, &len, "^");
	takes(&text, &len, "|");
	if (len == 0)
		return true;
	rule->is_important = takes(&text, &len, "$important");
	return rule->is_important && len == 0;
}

static enum block_line read_adblock(
	const char *text, size_t len, struct block_rule *rule, struct dns_name *name)
{
	size_t name_len = 0;

	rule->form = BLOCK_FORM_ADBLOCK;
	takes(&text, &len, "*.");
	while (name_len < len && (is_name_char(text[name_len]) || text[name_len] == '.'))
		name_len++;
	if (!read_name(text, name_len, name) ||
		!read_options(text + name_len, len - name_len, rule))
		return BLOCK_LINE_UNUSABLE;
	return BLOCK_LINE_RULE;
}

static enum block_line read_domain(
	const char *text, size_t len, struct block_rule *rule, struct dns_name *name)
{
	size_t word_len;
	const char *word = take_word(&text, &len, &word_len);

	rule->form = BLOCK_FORM_DOMAIN;
	if (takes(&word, &word_len, "*.") || takes(&word, &word_len, "."))
		rule->form = BLOCK_FORM_STAR;
	// A single label is a word of prose, or of a page that came instead of a list.
	if (len > 0 || !read_name(word, word_len, name) || name->n_labels < 2)
		return BLOCK_LINE_UNUSABLE;
	return BLOCK_LINE_RULE;
}

// A comment begins the line or stands behind a blank: "##" and its like are about pages.
static size_t without_comment(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] == '#' && (i == 0 || list_is_blank(line[i - 1])))
			return i;
	return len;
}

static bool is_about_pages(const char *line, size_t len)
{
	return has(line, len, "##") || has(line, len, "#@#") || has(line, len, "#?#") ||
	       has(line, len, "#$#") || has(line, len, "#%#");
}

static bool read_address(const char *text, size_t len, struct ip_addr *addr)
{
	char copy[ADDR_STR_BYTES];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return ip_addr_parse(copy, addr) == 0;
}

enum block_line block_rule_parse(const char *line, size_t len, struct block_rule *rule,
	struct dns_name *name, struct block_names *more)
{
	struct ip_addr addr;
	const char *word;
	size_t word_len;

	*rule = (struct block_rule){.form = BLOCK_FORM_HOSTS};
	*more = (struct block_names){.rest_len = 0};
	line = list_strip(line, &len);
	if (len == 0 || line[0] == '!' || line[0] == '[')
		return BLOCK_LINE_EMPTY;
	if (line[0] != '#' && is_about_pages(line, len))
		return BLOCK_LINE_UNUSABLE;
	len = without_comment(line, len);
	line = list_strip(line, &len);
	if (len == 0)
		return BLOCK_LINE_EMPTY;
	rule->is_exception = takes(&line, &len, "@@");
	if (takes(&line, &len, "||"))
		return read_adblock(line, len, rule, name);
	more->rest = line;
	more->rest_len = len;
	word = take_word(&more->rest, &more->rest_len, &word_len);
	if (read_address(word, word_len, &addr)) {
		if (is_nowhere(&addr) && more->rest_len > 0 && !rule->is_exception)
			return block_rule_next(more, name);
		more->rest_len = 0;
		return BLOCK_LINE_UNUSABLE; // it gives a name an address
	}
	more->rest_len = 0;
	return read_domain(line, len, rule, name);
}

const char *block_rule_str(
	const struct block_rule *rule, const struct dns_name *name, char *out, size_t out_bytes)
{
	static const char *const before[] = {
		[BLOCK_FORM_HOSTS] = "0.0.0.0 ",
		[BLOCK_FORM_DOMAIN] = "",
		[BLOCK_FORM_STAR] = "*.",
		[BLOCK_FORM_ADBLOCK] = "||",
	};
	char text[DNS_NAME_STR_BYTES];

	snprintf(out, out_bytes, "%s%s%s%s%s", rule->is_exception ? "@@" : "", before[rule->form],
		dns_name_str(name, text), rule->form == BLOCK_FORM_ADBLOCK ? "^" : "",
		rule->is_important ? "$important" : "");
	return out;
}
