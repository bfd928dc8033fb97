// SPDX-License-Identifier: BSD-3-Clause
// A question's way through what is known here, from top to bottom.
#include <stdarg.h>
#include <stdio.h>

#include "control/dns/blocked_answer.h"
#include "control/dns/local_internal.h"

enum {
	ALIASES_MAX = 8,    // in a row
	NAMES_TTL_SEC = 60, // a lease may be given back
};

struct way {
	const struct dns_local *local;
	const struct dns_message *query;
	uint32_t now_sec;
	struct dns_answer answer;
	struct dns_local_result *result;
};

__attribute__((format(printf, 3, 4))) static void say(
	struct dns_local_result *result, enum dns_local_stage stage, const char *fmt, ...)
{
	va_list ap;

	result->verdict = DNS_LOCAL_ANSWERED;
	result->stage = stage;
	va_start(ap, fmt);
	vsnprintf(result->why, sizeof(result->why), fmt, ap);
	va_end(ap);
}

// --- records of the config ---

static bool wants(const struct way *way, uint16_t type)
{
	return way->query->question.type == type || way->query->question.type == DNS_ANY;
}

static void put_record(
	struct way *way, const struct dns_name *name, const struct dns_zone_record *record)
{
	dns_answer_add_target(&way->answer, DNS_ANSWER, name, record->type, record->ttl_sec,
		record->data, record->data_bytes, record->target);
}

// Those of the type, or else the alias, which is given back.
static const struct dns_name *put_records(
	struct way *way, const struct dns_name *name, const struct dns_zone_node *node)
{
	const struct dns_zone_record *alias = NULL;
	bool has_some = false;

	for (const struct dns_zone_record *r = node->records; r != NULL; r = r->next) {
		if (r->type == DNS_CNAME)
			alias = r;
		if (wants(way, r->type)) {
			put_record(way, name, r);
			has_some = true;
		}
	}
	if (has_some || alias == NULL)
		return NULL;
	put_record(way, name, alias);
	return alias->target;
}

// --- what is learned ---

static bool put_known(struct way *way, const struct dns_name *name, const struct dns_name *whole)
{
	static const char *const sources[DNS_SOURCES] = {
		[DNS_SOURCE_LEASE] = "a lease",
		[DNS_SOURCE_RESERVATION] = "a reservation",
	};
	struct dns_known_name found[DNS_NAMES_OF_ONE_MAX];
	char text[DNS_NAME_STR_BYTES];
	unsigned n = way->local->names == NULL
			     ? 0
			     : dns_names_find(way->local->names, whole, way->now_sec, found);

	for (unsigned i = 0; i < n; i++)
		if (wants(way, found[i].addr.family == IP_V4 ? DNS_A : DNS_AAAA))
			dns_answer_add_address(&way->answer, name, NAMES_TTL_SEC, &found[i].addr);
	if (n > 0)
		say(way->result, DNS_STAGE_NAMES, "the name of %s: %s", sources[found[0].source],
			dns_name_str(whole, text));
	return n > 0;
}

static bool put_known_address(struct way *way, const struct dns_name *name)
{
	struct dns_known_name found[DNS_NAMES_OF_ONE_MAX];
	char text[ADDR_STR_BYTES];
	struct ip_addr addr;
	unsigned n;

	if (way->local->names == NULL || !dns_name_to_address(name, &addr))
		return false;
	n = dns_names_find_address(way->local->names, &addr, way->now_sec, found);
	for (unsigned i = 0; i < n && wants(way, DNS_PTR); i++)
		dns_answer_add_target(&way->answer, DNS_ANSWER, name, DNS_PTR, NAMES_TTL_SEC, NULL,
			0, &found[i].name);
	if (n > 0)
		say(way->result, DNS_STAGE_NAMES, "the address of a lease or reservation: %s",
			ip_addr_str(&addr, text));
	return n > 0;
}

static bool put_learned(struct way *way, const struct dns_name *name)
{
	struct dns_name whole;

	if (put_known(way, name, name) || put_known_address(way, name))
		return true;
	// Who asks for a bare name means a neighbour.
	return name->n_labels == 1 && way->local->domain.len > 0 &&
	       dns_name_join(name, &way->local->domain, &whole) == 0 &&
	       put_known(way, name, &whole);
}

// --- zones ---

static void put_nothing(struct way *way, const struct dns_name *zone, uint32_t ttl_sec)
{
	if (way->answer.n_records[DNS_ANSWER] == 0 || way->result->rcode == DNS_NXDOMAIN)
		dns_answer_add_soa(&way->answer, zone, ttl_sec);
}

static void say_zone(struct way *way, const struct dns_zone_node *zone, const char *what)
{
	char text[DNS_NAME_STR_BYTES];

	if (zone->because != NULL)
		say(way->result, DNS_STAGE_SPECIAL, "%s (%s)", dns_name_str(&zone->name, text),
			zone->because);
	else
		say(way->result, DNS_STAGE_ZONE, "the zone %s of the config: %s",
			dns_name_str(&zone->name, text), what);
}

static bool is_bare_host(const struct way *way, const struct dns_name *name)
{
	return name->n_labels == 1 && (wants(way, DNS_A) || wants(way, DNS_AAAA));
}

// What the config says of it goes first, and `zone` is that then.
static bool is_of_link(const struct dns_local *local, const struct dns_name *name,
	const struct dns_zone_node *zone)
{
	struct ip_addr addr;

	if (!local->has_links || (zone != NULL && zone->because == NULL))
		return false;
	if (zone != NULL && zone->kind == DNS_ZONE_LINK)
		return name->n_labels > zone->name.n_labels;
	return local->nets != NULL && dns_name_to_address(name, &addr) &&
	       mdns_nets_have(local->nets, &addr);
}

bool dns_local_asks_link(const struct dns_local *local, const struct dns_name *name)
{
	const struct dns_zone_node *zone;

	dns_zones_find(local->zones, name, &zone);
	return is_of_link(local, name, zone);
}

// Of a name without records of its own. False: it is not known here.
static bool put_zone(struct way *way, const struct dns_name *name, const struct dns_zone_node *node,
	const struct dns_zone_node *zone)
{
	if (is_of_link(way->local, name, zone)) {
		say(way->result, DNS_STAGE_LINK,
			"hosts on the links are asked, by multicast DNS (RFC 6762)");
		way->result->verdict = DNS_LOCAL_LINK;
		return true;
	}
	if (zone != NULL && zone->kind == DNS_ZONE_WILD) {
		put_records(way, name, zone);
		put_nothing(way, &zone->name, zone->ttl_sec);
		say_zone(way, zone, "every name has its addresses");
		return true;
	}
	if (zone != NULL && (zone->kind == DNS_ZONE_STATIC || zone->kind == DNS_ZONE_LINK)) {
		bool is_there = node != NULL;

		way->result->rcode = is_there ? DNS_NOERROR : DNS_NXDOMAIN;
		put_nothing(way, &zone->name, zone->ttl_sec);
		say_zone(way, zone, is_there ? "the name has no records" : "the name is not there");
		return true;
	}
	if (zone != NULL || !is_bare_host(way, name))
		return false;
	way->result->rcode = DNS_NXDOMAIN;
	put_nothing(way, name, DNS_LOCAL_TTL_SEC);
	say(way->result, DNS_STAGE_SPECIAL, "a name without a dot is nobody's outside");
	return true;
}

// --- the way ---

// False: it is not known here. `alias` is what the answer leads to, or NULL.
static bool put_name(struct way *way, const struct dns_name *name, const struct dns_name **alias)
{
	const struct dns_zone_node *zone;
	const struct dns_zone_node *node = dns_zones_find(way->local->zones, name, &zone);
	char text[DNS_NAME_STR_BYTES];

	*alias = NULL;
	if (node != NULL && node->records != NULL && node->kind != DNS_ZONE_WILD) {
		*alias = put_records(way, name, node);
		if (*alias == NULL)
			put_nothing(way,
				zone != NULL && zone->kind == DNS_ZONE_STATIC ? &zone->name : name,
				DNS_LOCAL_TTL_SEC);
		say(way->result, DNS_STAGE_RECORDS, "a record of the config: %s",
			dns_name_str(name, text));
		return true;
	}
	if (put_learned(way, name)) {
		put_nothing(way, name, DNS_LOCAL_TTL_SEC);
		return true;
	}
	return put_zone(way, name, node, zone);
}

static void note_view(struct way *way, const struct ip_addr *client)
{
	struct dns_blocking_view view = dns_local_view(way->local, client, way->now_sec);

	way->result->view = view.number;
	way->result->is_unsure = view.is_unsure;
}

// What is let pass in spite of a list is told too.
static void judge(struct way *way, const struct ip_addr *client)
{
	const struct dns_blocking *blocking = way->local->blocking;
	struct dns_blocked found;

	found.match.name.len = 0;
	note_view(way, client);
	if (dns_blocking_find(blocking, way->result->view, &way->query->question.name, &found)) {
		blocked_reason(&found, way->result->why);
		blocked_put(&way->answer, way->query, &found, way->result);
	} else if (found.match.name.len > 0) {
		blocked_reason(&found, way->result->why);
	}
}

static void put_aliases(struct way *way, const struct dns_name *alias)
{
	for (unsigned i = 0; alias != NULL && i < ALIASES_MAX; i++) {
		const struct dns_name *next;
		struct dns_local_result before = *way->result;

		if (!put_name(way, alias, &next) || way->result->verdict == DNS_LOCAL_LINK) {
			way->result->stage = before.stage;
			memcpy(way->result->why, before.why, sizeof(before.why));
			way->result->verdict = DNS_LOCAL_ALIAS;
			way->result->target = *alias;
			return;
		}
		way->result->stage = before.stage;
		memcpy(way->result->why, before.why, sizeof(before.why));
		alias = next;
	}
}

// Into an answer that is begun here, and not ended.
static void put_known_here(struct way *way, void *out, size_t room)
{
	const struct dns_name *name = &way->query->question.name, *alias;
	struct dns_local_result *result = way->result;
	const struct dns_zone_node *exempt;

	result->verdict = DNS_LOCAL_GO_ON;
	result->stage = DNS_STAGE_NONE;
	result->rcode = DNS_NOERROR;
	result->n = 0;
	result->view = 0;
	result->is_unsure = false;
	result->why[0] = '\0';
	dns_zones_find(way->local->exempt, name, &exempt);
	result->may_be_private = way->local->is_rebind_allowed || exempt != NULL;
	dns_answer_begin(&way->answer, way->query, out, room);
	if (put_name(way, name, &alias))
		put_aliases(way, alias);
}

static void end(struct way *way)
{
	struct dns_local_result *result = way->result;

	if (result->verdict != DNS_LOCAL_GO_ON && result->verdict != DNS_LOCAL_LINK)
		result->n = dns_answer_end(&way->answer, result->rcode, DNS_AA);
}

void dns_local_write_known(const struct dns_local *local, const struct dns_message *query,
	uint32_t now_sec, void *out, size_t room, struct dns_local_result *result)
{
	struct way way = {.local = local, .query = query, .now_sec = now_sec, .result = result};

	put_known_here(&way, out, room);
	end(&way);
}

void dns_local_answer(const struct dns_local *local, const struct dns_message *query,
	const struct ip_addr *client, uint32_t now_sec, void *out, size_t room,
	struct dns_local_result *result)
{
	struct way way = {.local = local, .query = query, .now_sec = now_sec, .result = result};

	put_known_here(&way, out, room);
	if (result->verdict == DNS_LOCAL_ALIAS)
		note_view(&way, client);
	if (result->verdict == DNS_LOCAL_GO_ON || result->verdict == DNS_LOCAL_LINK)
		judge(&way, client);
	end(&way);
}
