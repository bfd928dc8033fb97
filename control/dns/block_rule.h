// SPDX-License-Identifier: BSD-3-Clause
// One line of a block list, in whichever of its formats: of hosts ("0.0.0.0 ads.example.com"), of
// domains ("ads.example.com", "*.ads.example.com"), of browsers' blockers ("||ads.example.com^",
// "@@||good.example.com^"). What such a blocker says about pages, paths and parts of names is not
// for DNS. Pure, any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/dns/dns_name.h"

enum block_form {	      // how it was written
	BLOCK_FORM_HOSTS = 0, // the name alone, as a file of hosts means it
	BLOCK_FORM_DOMAIN,    // the name and what is below it, as the next two
	BLOCK_FORM_STAR,
	BLOCK_FORM_ADBLOCK,
};

struct block_rule {
	enum block_form form;
	bool is_exception; // lets pass what others block
	bool is_important; // and is not let pass by what is not
};

enum block_line {
	BLOCK_LINE_EMPTY = 0, // or a comment
	BLOCK_LINE_RULE,
	BLOCK_LINE_UNUSABLE,
};

// A line has one name, but of hosts any number: `rest` and `rest_len` are then what follows, to be
// given to block_rule_next, which says BLOCK_LINE_EMPTY behind the last one. Names are lowered.
struct block_names {
	const char *rest;
	size_t rest_len;
};
enum block_line block_rule_parse(const char *line, size_t len, struct block_rule *rule,
	struct dns_name *name, struct block_names *more);
enum block_line block_rule_next(struct block_names *more, struct dns_name *name);

// As it would stand in a list, "@@||good.example.com^$important", cut at `out_bytes`.
const char *block_rule_str(
	const struct block_rule *rule, const struct dns_name *name, char *out, size_t out_bytes);
