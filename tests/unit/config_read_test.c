// SPDX-License-Identifier: BSD-3-Clause
// What a good file comes to, field by field; files that cannot be read, and the examples.
#include "cfg/config.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfg/doubt.h"
#include "tests/unit/config_fixture.h"

static void assert_prefix(const struct ip_prefix *prefix, const char *expected)
{
	char text[ADDR_STR_BYTES];

	assert_string_equal(ip_prefix_str(prefix, text), expected);
}

static void assert_range(const struct cfg_element *element, const char *first, const char *last)
{
	char text[ADDR_STR_BYTES];

	assert_string_equal(ip_addr_str(&element->addresses.first, text), first);
	assert_string_equal(ip_addr_str(&element->addresses.last, text), last);
}

static void assert_addr(const struct ip_addr *addr, const char *expected)
{
	char text[ADDR_STR_BYTES];

	assert_string_equal(ip_addr_str(addr, text), expected);
}

static void assert_mac(const struct mac_addr *mac, const char *expected)
{
	char text[ADDR_STR_BYTES];

	assert_string_equal(mac_addr_str(mac, text), expected);
}

static void ports_are_read_field_by_field(void **state)
{
	static const char text[] =
		"ports:\n"
		"  wan:\n"
		"    match: {name: eth1}\n"
		"    driver: af_xdp\n"
		"    mtu: 1492\n"
		"    mac: 02:00:00:00:00:0A\n"
		"    queues: 2\n"
		"  card: {match: {pci: \"0000:0A:00.1\"}, driver: pci, allow-no-iommu: true}\n"
		"  any: {match: {mac: \"02:00:00:00:00:01\"}}\n"
		"  t: {driver: tap, tap-name: far}\n"
		"  m: {driver: memif, socket: /run/m.sock, role: server}\n"
		"  m2: {driver: memif, socket: /run/m2.sock}\n"
		"  n: {driver: null}\n"
		"  c: {driver: pcap, rx-file: in.pcap, tx-file: out.pcap, repeat: true}\n";
	struct config *config = parse_good(text);
	const struct cfg_port *p = config->ports;

	assert_int_equal(config->n_ports, 8);
	assert_string_equal(p[0].name, "wan");
	assert_int_equal(p[0].place.line, 2);
	assert_int_equal(p[0].place.column, 3);
	assert_string_equal(p[0].match_name, "eth1");
	assert_null(p[0].match_pci);
	assert_false(p[0].has_match_mac);
	assert_int_equal(p[0].driver, CFG_DRIVER_AF_XDP);
	assert_int_equal(p[0].mtu, 1492);
	assert_true(p[0].has_mac);
	assert_mac(&p[0].mac, "02:00:00:00:00:0a");
	assert_int_equal(p[0].queues, 2);
	assert_false(p[0].allow_no_iommu);
	assert_string_equal(p[1].match_pci, "0000:0a:00.1");
	assert_null(p[1].match_name);
	assert_int_equal(p[1].driver, CFG_DRIVER_PCI);
	assert_true(p[1].allow_no_iommu);
	assert_false(p[1].has_mac);
	assert_int_equal(p[1].mtu, 0);
	assert_int_equal(p[1].queues, 0);
	assert_true(p[2].has_match_mac);
	assert_mac(&p[2].match_mac, "02:00:00:00:00:01");
	assert_int_equal(p[2].driver, CFG_DRIVER_AUTO);
	assert_int_equal(p[3].driver, CFG_DRIVER_TAP);
	assert_string_equal(p[3].tap_name, "far");
	assert_int_equal(p[4].driver, CFG_DRIVER_MEMIF);
	assert_string_equal(p[4].memif_socket, "/run/m.sock");
	assert_true(p[4].memif_is_server);
	assert_false(p[5].memif_is_server);
	assert_int_equal(p[6].driver, CFG_DRIVER_NULL);
	assert_int_equal(p[7].driver, CFG_DRIVER_PCAP);
	assert_string_equal(p[7].pcap_rx, "in.pcap");
	assert_string_equal(p[7].pcap_tx, "out.pcap");
	assert_true(p[7].pcap_repeat);
	config_free(config);
}

static void the_rest_is_read_field_by_field(void **state)
{
	static const char text[] =
		ROUTER "routes:\n"
		       "  - to: 0.0.0.0/0\n"
		       "    via: [203.0.113.1, 203.0.113.3]\n"
		       "    interface: wan\n"
		       "    metric: 100\n"
		       "  - {to: 0.0.0.0/0, via: 198.18.0.7, metric: 4294967295}\n"
		       "  - {to: 198.51.100.0/24, interface: lan}\n"
		       "  - {to: 203.0.113.64/26, type: blackhole}\n"
		       "  - {to: 203.0.113.64/27, type: unreachable}\n"
		       "  - {to: 203.0.113.64/28, type: prohibit}\n"
		       "  - to: ::/0\n"
		       "    via: fe80::1\n"
		       "    interface: wan\n"
		       "nat:\n"
		       "  - masquerade: wan\n"
		       "    from: [198.18.64.0/24, 198.18.0.0/24]\n"
		       "  - {masquerade: lan, from: 0.0.0.0/0}\n"
		       "  - masquerade: lan\n"
		       "workers: {cores: [3, 1], idle: busy}\n"
		       "memory: {hugepages: never}\n"
		       "flows: {capacity: 1000000}\n";
	struct config *config = parse_good(text);
	const struct cfg_interface *interfaces = config->interfaces;
	const struct cfg_route *routes = config->routes;
	const struct cfg_nat *nat = config->nats;

	assert_string_equal(config->file, "test.yaml");
	assert_int_equal(config->n_cores, 2);
	assert_int_equal(config->cores[0], 3);
	assert_int_equal(config->cores[1], 1);
	assert_int_equal(config->idle, CFG_IDLE_BUSY);
	assert_int_equal(config->hugepages, CFG_HUGEPAGES_NEVER);
	assert_int_equal(config->flow_capacity, 1000000);

	assert_int_equal(config->n_interfaces, 2);
	assert_string_equal(interfaces[0].name, "wan");
	assert_string_equal(interfaces[0].port, "p");
	assert_int_equal(interfaces[0].n_addresses, 2);
	assert_prefix(&interfaces[0].addresses[0], "203.0.113.2/24");
	assert_prefix(&interfaces[0].addresses[1], "2001:db8:0:1::2/64");
	assert_int_equal(interfaces[1].n_addresses, 1); // a scalar does where a list would
	assert_prefix(&interfaces[1].addresses[0], "198.18.0.1/24");

	assert_int_equal(config->n_routes, 7);
	assert_prefix(&routes[0].to, "0.0.0.0/0");
	assert_int_equal(routes[0].place.line, 4);
	assert_int_equal(routes[0].place.column, 5);
	assert_int_equal(routes[0].kind, CFG_ROUTE_UNICAST);
	assert_int_equal(routes[0].metric, 100);
	assert_int_equal(routes[0].n_nexthops, 2);
	assert_addr(&routes[0].nexthops[0].via, "203.0.113.1");
	assert_addr(&routes[0].nexthops[1].via, "203.0.113.3");
	assert_string_equal(routes[0].nexthops[0].interface, "wan");
	assert_string_equal(routes[0].nexthops[1].interface, "wan"); // of each of them
	assert_int_equal(routes[1].metric, 4294967295u);
	assert_null(routes[1].nexthops[0].interface);
	assert_int_equal(routes[2].n_nexthops, 1); // on the link
	assert_int_equal(routes[2].nexthops[0].via.family, IP_NONE);
	assert_string_equal(routes[2].nexthops[0].interface, "lan");
	assert_int_equal(routes[3].kind, CFG_ROUTE_BLACKHOLE);
	assert_int_equal(routes[3].n_nexthops, 0);
	assert_int_equal(routes[4].kind, CFG_ROUTE_UNREACHABLE);
	assert_int_equal(routes[5].kind, CFG_ROUTE_PROHIBIT);
	assert_prefix(&routes[6].to, "::/0");
	assert_addr(&routes[6].nexthops[0].via, "fe80::1");

	assert_int_equal(config->n_nats, 3);
	assert_string_equal(nat[0].interfaces.names[0], "wan");
	assert_int_equal(nat[0].from.n, 2);
	assert_range(&nat[0].from.elements[0], "198.18.64.0", "198.18.64.255");
	assert_range(&nat[0].from.elements[1], "198.18.0.0", "198.18.0.255");
	assert_int_equal(nat[1].from.n, 1);
	assert_int_equal(nat[2].from.n, 0);
	config_free(config);
}

static void what_is_absent_has_its_default(void **state)
{
	// empty sections are as good as absent ones; what one comments out may leave them
	struct config *config = parse_good("ports:\ninterfaces: {}\nroutes:\nnat: []\nworkers:\n");

	assert_int_equal(config->n_cores, 0);
	assert_int_equal(config->idle, CFG_IDLE_ADAPTIVE);
	assert_int_equal(config->hugepages, CFG_HUGEPAGES_AUTO);
	assert_int_equal(config->flow_capacity, 0);
	assert_int_equal(config->n_ports, 0);
	assert_int_equal(config->n_interfaces, 0);
	assert_int_equal(config->n_routes, 0);
	assert_int_equal(config->n_nats, 0);
	config_free(config);
}

static void what_only_looks_wrong_is_accepted(void **state)
{
	static const char *const texts[] = {
		// point-to-point links and single addresses have no network and broadcast address
		PORTS
		"interfaces: {wan: {port: p, addresses: [198.18.0.0/31, \"2001:db8::/127\"]}, "
		"lan: {port: q, addresses: [198.18.0.255/32, \"2001:db8:1::/128\"]}}\n",
		// two addresses in one subnet, on one interface
		PORTS "interfaces: {wan: {port: p, addresses: [198.18.0.1/24, 198.18.0.2/24]}}\n",
		// the same link-local address on two links
		PORTS "interfaces: {wan: {port: p, addresses: [\"fe80::1/64\"]}, "
		      "lan: {port: q, addresses: [\"fe80::1/64\"]}}\n",
		// a card that no interface uses, an interface and NAT without any address
		PORTS "interfaces: {wan: {port: p}}\nnat: [{masquerade: wan}]\n",
		"ports: {p: {match: {name: a}, mtu: 1280}}\ninterfaces: {w: {port: p, addresses: "
		"2001:db8::1/64}}",
		"ports: {p: {match: {name: a}, mtu: 68}}\ninterfaces: {w: {port: p, addresses: "
		"198.18.0.1/24}}",
		"\xef\xbb\xbfports: {p: {match: {name: a}}}\r\n", // a BOM, a line of DOS
		"%YAML 1.1\n---\nports: {}\n...\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		config_free(parse_good(texts[i]));
}

static void drivers_have_names(void **state)
{
	assert_string_equal(cfg_driver_name(CFG_DRIVER_AUTO), "auto");
	assert_string_equal(cfg_driver_name(CFG_DRIVER_AF_PACKET), "af_packet");
	assert_string_equal(cfg_driver_name(CFG_DRIVER_PCAP), "pcap");
}

static void assert_unreadable(const char *path, const char *piece)
{
	struct cfg_errors errors;
	char line[700];

	assert_null(config_load(path, &errors));
	assert_int_equal(errors.n, 1);
	error_str(&errors.list[0], line, sizeof(line));
	if (strstr(line, piece) == NULL || strncmp(line, path, strlen(path)) != 0)
		fail_msg("expected %s: %s, got %s", path, piece, line);
	cfg_errors_free(&errors);
}

static void files_that_cannot_be_read_are_explained(void **state)
{
	char dir[] = "/tmp/config_test.XXXXXX";
	char path[64];
	int fd;
	FILE *file;
	uid_t uid = geteuid();

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/x.yaml", dir);
	assert_unreadable(path, "there is no such file");
	assert_unreadable(dir, "it is a directory");

	file = fopen(path, "w");
	assert_non_null(file);
	fputs("ports: {}\n", file);
	fd = fileno(file);
	fflush(file);
	assert_int_equal(fchmod(fd, 0), 0);
	if (uid == 0)
		assert_int_equal(seteuid(65534), 0); // root may read anything
	assert_unreadable(path, "no permission");
	assert_int_equal(seteuid(uid), 0);

	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(ftruncate(fd, 16 * 1024 * 1024 + 1), 0);
	assert_unreadable(path, "larger than 16 MiB");
	fclose(file);
	unlink(path);
	rmdir(dir);
}

static void the_quickstart_is_what_the_demo_expects(void **state)
{
	struct cfg_errors errors;
	struct config *config = config_load(SOURCE_ROOT "/cfg/examples/quickstart.yaml", &errors);

	assert_non_null(config);
	assert_int_equal(config->n_cores, 0);
	assert_int_equal(config->n_ports, 2);
	assert_string_equal(config->ports[0].match_name, "port-wan");
	assert_string_equal(config->ports[1].match_name, "port-lan");
	assert_int_equal(config->n_interfaces, 2);
	assert_string_equal(config->interfaces[0].name, "wan");
	assert_prefix(&config->interfaces[0].addresses[0], "203.0.113.2/24");
	assert_prefix(&config->interfaces[0].addresses[1], "2001:db8:0:1::2/64");
	assert_string_equal(config->interfaces[1].name, "lan");
	assert_prefix(&config->interfaces[1].addresses[0], "198.18.0.1/24");
	assert_prefix(&config->interfaces[1].addresses[1], "2001:db8:0:2::1/64");
	assert_int_equal(config->n_routes, 2);
	assert_addr(&config->routes[0].nexthops[0].via, "203.0.113.1");
	assert_addr(&config->routes[1].nexthops[0].via, "2001:db8:0:1::1");
	assert_int_equal(config->n_nats, 1);
	assert_string_equal(config->nats[0].interfaces.names[0], "wan");
	config_free(config);
	cfg_errors_free(&errors);
}

// What an example has on purpose, as the network that it is about.
static const struct {
	const char *file;
	enum doubt doubt;
} meant[] = {
	{"fibre-4g.yaml", DOUBT_MANAGEMENT_EXPOSED},
	{"fibre-sfp.yaml", DOUBT_MANAGEMENT_EXPOSED},
};

static const char *meant_warning(const char *path)
{
	for (size_t i = 0; i < COUNT(meant); i++) {
		if (strcmp(strrchr(path, '/') + 1, meant[i].file) == 0)
			return doubt_kinds[meant[i].doubt].id;
	}
	return NULL;
}

static void the_examples_are_taken_without_warnings_but_those_meant(void **state)
{
	size_t n_meant = 0;
	glob_t files;

	assert_int_equal(glob(SOURCE_ROOT "/cfg/examples/*.yaml", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct cfg_errors errors;
		struct config *config = config_load(files.gl_pathv[i], &errors);
		const char *id = meant_warning(files.gl_pathv[i]);
		char line[ERROR_STR_BYTES];

		if (config == NULL)
			fail_msg("%s", error_str(errors.list, line, sizeof(line)));
		n_meant += errors.n_warnings > 0;
		for (unsigned j = 0; j < errors.n_warnings; j++) {
			if (id == NULL || strcmp(errors.warnings[j].id, id) != 0)
				fail_msg("%s", error_str(&errors.warnings[j], line, sizeof(line)));
		}
		config_free(config);
		cfg_errors_free(&errors);
	}
	assert_true(files.gl_pathc >= 7);
	assert_int_equal(n_meant, COUNT(meant));
	globfree(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_read_field_by_field),
		cmocka_unit_test(the_rest_is_read_field_by_field),
		cmocka_unit_test(what_is_absent_has_its_default),
		cmocka_unit_test(what_only_looks_wrong_is_accepted),
		cmocka_unit_test(drivers_have_names),
		cmocka_unit_test(files_that_cannot_be_read_are_explained),
		cmocka_unit_test(the_quickstart_is_what_the_demo_expects),
		cmocka_unit_test(the_examples_are_taken_without_warnings_but_those_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
