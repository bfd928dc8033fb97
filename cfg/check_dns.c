// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include <stdio.h>
#include <string.h>

static void check_upstreams(const struct check *check, const struct yaml_node *object,
	const char *noun, const struct cfg_dns_upstreams *upstreams)
{
	const struct yaml_node *list = yaml_tree_get(object, "upstreams");
	struct yaml_node *item = NULL;

	for (unsigned i = 0; list != NULL && i < upstreams->n; i++) {
		struct cfg_dns_upstream upstream;
		struct error err = {0};

		item = yaml_tree_next_item((struct yaml_node *)list, item);
		if (item == NULL || item->is_bad || upstreams->texts[i] == NULL)
			continue;
		if (cfg_dns_upstream_is_learned(upstreams->texts[i]) &&
			upstreams == &check->config->dns.upstreams)
			continue;
		if (cfg_dns_upstream_parse(upstreams->texts[i], &upstream, &err) != 0)
			report_add(
				check->report, item->place, "%s: `upstreams`: %s", noun, err.text);
	}
}

static void check_listen(const struct check *check, const struct yaml_node *section)
{
	const struct cfg_dns *dns = &check->config->dns;
	struct yaml_node *list = yaml_tree_get(section, "listen"), *item = NULL;

	for (unsigned i = 0; list != NULL && i < dns->n_listen; i++) {
		item = yaml_tree_next_item(list, item);
		if (item == NULL || item->is_bad || dns->listen[i] == NULL ||
			strcmp(dns->listen[i], "lo") == 0)
			continue;
		check_is_interface(check, "dns: `listen`", dns->listen[i], item->place);
	}
}

static void check_mdns(const struct check *check, const struct yaml_node *section)
{
	const struct cfg_dns *dns = &check->config->dns;
	struct yaml_node *list = yaml_tree_get(section, "mdns"), *item = NULL;

	for (unsigned i = 0; list != NULL && i < dns->n_mdns; i++) {
		item = yaml_tree_next_item(list, item);
		if (item != NULL && !item->is_bad && dns->mdns[i] != NULL)
			check_is_interface(check, "dns: `mdns`", dns->mdns[i], item->place);
	}
}

static void check_domain(const struct check *check, const struct yaml_node *node,
	const struct cfg_dns_domain *domain)
{
	struct yaml_node *list = yaml_tree_get(node, "names"), *item = NULL;

	for (unsigned i = 0; list != NULL && i < domain->n_names; i++) {
		item = yaml_tree_next_item(list, item);
		if (item == NULL || item->is_bad || domain->names[i] == NULL)
			continue;
		if (!cfg_dns_is_name(domain->names[i]))
			report_add(check->report, item->place,
				"dns: domain: `names`: expected a domain such as example.net");
	}
	check_upstreams(check, node, "dns: domain", &domain->upstreams);
}

void check_dns(const struct check *check)
{
	const struct cfg_dns *dns = &check->config->dns;
	const struct yaml_node *section = yaml_tree_get(check->root, "dns");
	const struct yaml_node *node;

	if (section == NULL || section->is_bad)
		return;
	check_listen(check, section);
	check_mdns(check, section);
	check_upstreams(check, section, "dns", &dns->upstreams);
	node = check_first(section, "domains");
	for (unsigned i = 0; i < dns->n_domains && node != NULL; i++, node = node->next)
		check_domain(check, node, &dns->domains[i]);
	if (dns->ttl_min_sec > dns->ttl_max_sec)
		report_add(check->report, check_place(section, "ttl-min"),
			"dns: `ttl-min`: more than `ttl-max`, which is %u s", dns->ttl_max_sec);
	if (dns->trust_anchor != NULL && !dns->validates)
		report_add(check->report, check_place(section, "trust-anchor"),
			"dns: `trust-anchor`: it is for `dnssec: true`");
	if (dns->root_hints != NULL && dns->upstreams.n > 0)
		report_add(check->report, check_place(section, "root-hints"),
			"dns: `root-hints`: nobody asks from the root where there are `upstreams`");
}
