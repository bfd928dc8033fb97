// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include <string.h>
#include <strings.h>

typedef bool (*text_fn)(const char *text); // whether it is what it should be

static bool is_mx(const char *text)
{
	struct cfg_dns_mx mx;

	return cfg_dns_mx_parse(text, &mx);
}

static bool is_srv(const char *text)
{
	struct cfg_dns_srv srv;

	return cfg_dns_srv_parse(text, &srv);
}

static bool is_client(const char *text)
{
	struct cfg_dns_client client;

	return cfg_dns_client_parse(text, &client);
}

// The items of that key, one or a list of them, as the file has them.
static void check_texts(const struct check *check, const struct yaml_node *node, const char *noun,
	const char *key, text_fn is_good, const char *expected)
{
	struct yaml_node *value = yaml_tree_get(node, key), *item = NULL;

	if (value == NULL || value->is_bad)
		return;
	while ((item = yaml_tree_next_item(value, item)) != NULL)
		if (!item->is_bad && item->kind == YAML_KIND_SCALAR && !is_good(item->text))
			report_add(check->report, item->place, "%s: `%s`: expected %s", noun, key,
				expected);
}

#define A_NAME "a name such as nas.home.arpa"

static void check_record(const struct check *check, const struct yaml_node *node,
	const struct cfg_dns_record *record)
{
	bool has_more = record->n_addresses + record->n_mx + record->n_srv + record->n_txt > 0 ||
			record->ptr != NULL;

	check_texts(check, node, "dns: record", "name", cfg_dns_is_name, A_NAME);
	check_texts(check, node, "dns: record", "cname", cfg_dns_is_name, A_NAME);
	check_texts(check, node, "dns: record", "ptr", cfg_dns_is_name, A_NAME);
	check_texts(check, node, "dns: record", "mx", is_mx,
		"a number and a name, 10 mail.example.com");
	check_texts(check, node, "dns: record", "srv", is_srv,
		"priority, weight, port and name, 0 0 5060 sip.example.com");
	if (record->cname != NULL && has_more)
		report_add(check->report, check_place(node, "cname"),
			"dns: record: `cname` stands for all that the name has: nothing else goes "
			"with it");
	if (record->cname == NULL && !has_more)
		report_add(check->report, record->place,
			"dns: record: what has the name? Expected addresses, cname, ptr, mx, srv "
			"or txt");
}

static const struct cfg_dns_list *find_list(const struct cfg_dns_local *local, const char *name)
{
	for (unsigned i = 0; i < local->n_lists; i++)
		if (local->lists[i].name != NULL && strcmp(local->lists[i].name, name) == 0)
			return &local->lists[i];
	return NULL;
}

static void check_blocking(const struct check *check, const struct yaml_node *node,
	const struct cfg_dns_blocking *blocking)
{
	struct yaml_node *lists = yaml_tree_get(node, "lists"), *item = NULL;

	for (unsigned i = 0; lists != NULL && i < blocking->n_lists; i++) {
		item = yaml_tree_next_item(lists, item);
		if (item == NULL || item->is_bad || blocking->lists[i] == NULL)
			continue;
		if (find_list(&check->config->dns.local, blocking->lists[i]) == NULL)
			report_add(check->report, item->place,
				"dns: blocking: `lists`: there is no list `%.32s` in `block-lists`",
				blocking->lists[i]);
	}
	check_texts(check, node, "dns: blocking", "clients", is_client,
		"an address, a network such as 198.18.0.0/24, a MAC address or a host's name");
	check_texts(check, node, "dns: blocking", "names", cfg_dns_is_name, A_NAME);
	check_texts(check, node, "dns: blocking", "allow", cfg_dns_is_name, A_NAME);
	if (lists == NULL && blocking->names.n == 0 && blocking->allow.n > 0)
		report_add(check->report, check_place(node, "allow"),
			"dns: blocking: `allow` goes with `lists` or `names`: nothing is blocked "
			"here");
}

static void check_lists(const struct check *check, const struct yaml_node *section)
{
	const struct cfg_dns_local *local = &check->config->dns.local;
	const struct yaml_node *node = check_first(section, "block-lists");

	for (unsigned i = 0; i < local->n_lists && node != NULL; i++, node = node->next)
		if (!node->is_bad && local->lists[i].file != NULL && local->lists[i].file[0] != '/')
			report_add(check->report, check_place(node, "file"),
				"dns: list %s: `file`: expected a path from the root such as "
				"/etc/millrace/ads",
				local->lists[i].name);
}

// Records of single names go beside `mdns`, a zone would leave nothing to ask for.
static void check_zone(
	const struct check *check, const struct yaml_node *node, const struct cfg_dns_zone *zone)
{
	check_texts(check, node, "dns: zone", "name", cfg_dns_is_name, A_NAME);
	if (check->config->dns.n_mdns > 0 && zone->name != NULL &&
		(strcasecmp(zone->name, "local") == 0 || strcasecmp(zone->name, "local.") == 0))
		report_add(check->report, check_place(node, "name"),
			"dns: zone: `local` is asked for by `mdns`: leave the zone out, `records` "
			"may "
			"have names in it");
}

void check_dns_local(const struct check *check)
{
	const struct cfg_dns_local *local = &check->config->dns.local;
	const struct yaml_node *section = yaml_tree_get(check->root, "dns");
	const struct yaml_node *node;

	if (section == NULL || section->is_bad)
		return;
	node = check_first(section, "records");
	for (unsigned i = 0; i < local->n_records && node != NULL; i++, node = node->next)
		if (!node->is_bad)
			check_record(check, node, &local->records[i]);
	node = check_first(section, "zones");
	for (unsigned i = 0; i < local->n_zones && node != NULL; i++, node = node->next)
		if (!node->is_bad)
			check_zone(check, node, &local->zones[i]);
	check_texts(check, section, "dns", "domain", cfg_dns_is_name, A_NAME);
	check_lists(check, section);
	node = check_first(section, "blocking");
	for (unsigned i = 0; i < local->n_blocking && node != NULL; i++, node = node->next)
		if (!node->is_bad)
			check_blocking(check, node, &local->blocking[i]);
	node = yaml_tree_get(section, "rebind");
	if (node != NULL && !node->is_bad)
		check_texts(check, node, "dns: rebind", "domains", cfg_dns_is_name, A_NAME);
}
