// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/machine.h"

#include <string.h>

int machine_look(struct machine *machine, struct error *err)
{
	struct device_names *names;
	struct pmd_info pmds = {0};
	int rc = tree_open(&machine->tree, "/");

	if (rc != 0)
		return error_set(err, "cannot look at /: %s", strerror(-rc));
	live_look(&machine->live);
	pmd_info_load(&pmds, NULL);
	names = device_names_new();
	cards_look(&machine->cards, &machine->tree, &machine->live, &pmds, names);
	device_names_free(names);
	pmd_info_fini(&pmds);
	return 0;
}

void machine_fini(struct machine *machine)
{
	tree_close(&machine->tree);
}

void machine_diagnose(const struct machine *machine, struct findings *out)
{
	*out = (struct findings){0};
	look_at_cpu(machine, out);
	look_at_memory(machine, out);
	look_at_iommu(machine, out);
	look_at_system(machine, out);
	look_at_cards(machine, out);
	look_at_managers(machine, out);
	look_at_services(machine, out);
	findings_sort(out);
}

// --- for programs ---

static void add_address(json_t *list, const struct ip_prefix *prefix)
{
	char text[ADDR_STR_BYTES];

	json_array_append_new(list, json_string(ip_prefix_str(prefix, text)));
}

static void add_text(json_t *object, const char *key, const char *text)
{
	if (text[0] != '\0')
		json_object_set_new(object, key, json_string(text));
}

static json_t *abilities_json(const struct live_card *live)
{
	return json_pack("{s:i, s:i, s:i, s:b, s:b, s:b, s:b}", "queues_max", (int)live->queues_max,
		"rss_entries", (int)live->rss_entries, "rss_key_bytes", (int)live->rss_key_bytes,
		"rx_checksum", live->has_rx_checksum, "tx_checksum", live->has_tx_checksum, "tso",
		live->has_tso, "gro", live->has_gro);
}

static json_t *card_json(const struct card *card, const struct live_card *live)
{
	json_t *object = json_object(), *addresses = json_array();
	char text[ADDR_STR_BYTES];

	add_text(object, "name", card->name);
	add_text(object, "pci", card->pci);
	add_text(object, "model", card->model);
	add_text(object, "kernel_driver", card->driver);
	add_text(object, "dpdk_driver", card->pmd);
	add_text(object, "part_of", card->master);
	if (card->has_mac)
		add_text(object, "mac", mac_addr_str(&card->mac, text));
	json_object_set_new(object, "has_link", json_boolean(card->has_carrier));
	json_object_set_new(object, "speed_mbps", json_integer(card->speed_mbps));
	json_object_set_new(object, "mtu", json_integer(card->mtu));
	json_object_set_new(object, "numa_node", json_integer(card->numa));
	json_object_set_new(object, "queues", json_integer(card->n_queues));
	json_object_set_new(object, "has_native_xdp", json_boolean(card->is_xdp_native));
	json_object_set_new(object, "is_elsewhere", json_boolean(card->is_elsewhere));
	json_object_set_new(object, "carries_this_session", json_boolean(card->carries_session));
	for (unsigned i = 0; i < card->n_addresses; i++)
		add_address(addresses, &card->addresses[i].prefix);
	json_object_set_new(object, "addresses", addresses);
	add_text(object, "opens_by", card->opens_by);
	add_text(object, "refused", card->refused.text);
	add_text(object, "not_pci", card->not_pci.text);
	add_text(object, "not_af_xdp", card->not_xdp.text);
	if (live != NULL)
		json_object_set_new(object, "can", abilities_json(live));
	return object;
}

json_t *machine_json(const struct machine *machine, const struct findings *findings)
{
	json_t *cards = json_array();

	for (unsigned i = 0; i < machine->cards.n; i++) {
		const struct card *card = &machine->cards.list[i];

		json_array_append_new(
			cards, card_json(card, live_card(&machine->live, card->name)));
	}
	return json_pack("{s:i, s:i, s:o, s:o}", "problems",
		(int)findings_count(findings, VERDICT_PROBLEM), "warnings",
		(int)findings_count(findings, VERDICT_WARNING), "findings", findings_json(findings),
		"cards", cards);
}
