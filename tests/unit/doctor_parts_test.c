// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/doctor/cpu_list.h"
#include "control/doctor/findings.h"
#include "control/doctor/kernel_routes.h"
#include "control/doctor/listeners.h"
#include "control/doctor/new_file.h"
#include "control/doctor/pmd_info.h"
#include "control/doctor/session.h"
#include "drivers/card_rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// --- what the kernel writes ---

static void lists_of_cpus_are_read_as_far_as_they_make_sense(void **state)
{
	static const struct {
		const char *text;
		const char *read;
		unsigned n;
	} rows[] = {
		{"0-3,8", "0 1 2 3 8", 5},
		{"0", "0", 1},
		{"", "", 0},
		{"(null)", "", 0},
		{"3-1", "", 0},
		{"1,1-2", "1 2", 2},
		{"2x,5", "2", 1},
		{"1022-99999999999999999999", "1022 1023", 2},
		{"4096", "", 0},
	};
	char text[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cpu_list list;

		cpu_list_parse(rows[i].text, &list);
		assert_string_equal(cpu_list_str(&list, " ", text, sizeof(text)), rows[i].read);
		assert_int_equal(list.n, rows[i].n);
	}
}

static void a_list_of_cpus_is_cut_between_numbers(void **state)
{
	struct cpu_list list;
	char text[8];

	cpu_list_parse("100-120", &list);
	assert_string_equal(cpu_list_str(&list, ",", text, sizeof(text)), "100,101");
	cpu_list_remove(&list, 100);
	cpu_list_remove(&list, 100);
	assert_int_equal(list.n, 20);
	assert_int_equal(cpu_list_first(&list), 101);
}

static void assert_route(const struct kernel_route *route, const char *netdev, const char *to,
	const char *via, uint32_t metric)
{
	char text[ADDR_STR_BYTES];

	assert_string_equal(route->netdev, netdev);
	assert_string_equal(ip_prefix_str(&route->to, text), to);
	if (via == NULL)
		assert_int_equal(route->via.family, IP_NONE);
	else
		assert_string_equal(ip_addr_str(&route->via, text), via);
	assert_int_equal(route->metric, metric);
}

static void routes_are_read_and_what_makes_no_sense_is_not(void **state)
{
	struct kernel_routes routes = {0};

	kernel_routes_parse4(&routes,
		"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
		"eth0\t00000000\t017100CB\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
		"eth0\t007100CB\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
		"*\t000012C6\t00000000\t0200\t0\t0\t0\t0000FFFF\t0\t0\t0\n" // unreachable
		"eth1\t00000000\t0171\n"
		"an_interface_of_too_long_a_name\t00000000\t0\n");
	assert_int_equal(routes.n, 2);
	assert_route(&routes.list[0], "eth0", "0.0.0.0/0", "203.0.113.1", 100);
	assert_route(&routes.list[1], "eth0", "203.0.113.0/24", NULL, 0);
	kernel_routes_parse6(&routes,
		"20010db8000100000000000000000000 30 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n"
		"20010db8 30 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n"
		"00000000000000000000000000000001 80 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000000 00000003 00000000 80200001 lo\n");
	assert_int_equal(routes.n, 3);
	assert_route(&routes.list[2], "eth0", "2001:db8:1::/48", "fe80::1", 1024);
	kernel_routes_fini(&routes);
}

static void routes_without_end_end(void **state)
{
	static const char line[] = "eth0\t007100CB\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
	enum { MORE = KERNEL_ROUTES_MAX + 10 };
	char *text = malloc(MORE * strlen(line) + 1);
	struct kernel_routes routes = {0};

	for (size_t i = 0; i < MORE; i++)
		memcpy(text + i * strlen(line), line, sizeof(line));
	kernel_routes_parse4(&routes, text);
	assert_int_equal(routes.n, KERNEL_ROUTES_MAX);
	kernel_routes_fini(&routes);
	free(text);
}

static void listeners_are_those_of_the_ports_asked_for(void **state)
{
	static const uint16_t ports[] = {53};
	static struct listeners listeners;

	listeners_parse(&listeners,
		"  sl  local_address rem_address   st\n"
		"   0: 3500007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101 "
		"       0 77 1\n"
		"   1: 00000000:0035 0100007F:9999 01 00000000:00000000 00:00000000 00000000   101 "
		"       0 78 1\n" // connected
		"   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101 "
		"       0 79 1\n"
		"   3: 000000:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101   "
		"     0 80 1\n",
		true, false, ports, COUNT(ports));
	assert_int_equal(listeners.n, 1);
	assert_int_equal(listeners.list[0].inode, 77);
	assert_true(listener_is_loopback(&listeners.list[0]));
	listeners_parse(&listeners,
		"   0: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 "
		"07 "
		"00000000:00000000 00:00000000 00000000   101        0 81 2\n",
		false, true, ports, COUNT(ports));
	assert_int_equal(listeners.n, 2);
	assert_true(listener_is_everywhere(&listeners.list[1]));
	assert_int_equal(listeners.list[1].addr.family, IP_V6);
}

static void a_session_has_two_ends(void **state)
{
	static const char *const bad[] = {"", "198.18.0.7", "198.18.0.7 x 198.18.0.1 22",
		"host 50022 198.18.0.1 22", "198.18.0.7 50022 198.18.0.1"};
	struct session session;
	char text[ADDR_STR_BYTES];

	assert_int_equal(session_parse("2001:db8::7 50022 2001:db8::1 22", &session), 0);
	assert_string_equal(ip_addr_str(&session.peer, text), "2001:db8::7");
	assert_string_equal(ip_addr_str(&session.own, text), "2001:db8::1");
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_true(session_parse(bad[i], &session) < 0);
}

// --- what DPDK's drivers say of themselves ---

static void drivers_are_found_in_their_libraries(void **state)
{
	static const char library[] =
		"\177ELF\0PMD_INFO_STRING= {\"name\": \"net_one\", \"kmod\": \"* vfio-pci\", "
		"\"pci_ids\": [[32902, 4347, 65535, 65535], [32902, 4348, 4, 5]]}\0junk"
		"PMD_INFO_STRING= {\"name\": \"net_any\", \"pci_ids\": [[7, 65535, 65535, 65535]]}";
	struct pmd_info info = {0};

	pmd_info_add(&info, library, sizeof(library));
	assert_int_equal(info.n, 3);
	assert_string_equal(pmd_info_find(&info, 0x8086, 0x10fb, 1, 2), "net_one");
	assert_string_equal(pmd_info_find(&info, 0x8086, 0x10fc, 4, 5), "net_one");
	assert_null(pmd_info_find(&info, 0x8086, 0x10fc, 4, 6));
	assert_string_equal(pmd_info_find(&info, 7, 1234, 0, 0), "net_any");
	assert_null(pmd_info_find(&info, 8, 1234, 0, 0));
	pmd_info_fini(&info);
}

static void what_is_no_driver_is_left_out(void **state)
{
	static const char *const texts[] = {
		"PMD_INFO_STRING= ",
		"PMD_INFO_STRING= {",
		"PMD_INFO_STRING= []",
		"PMD_INFO_STRING= {\"name\": 7, \"pci_ids\": [[1, 2, 3, 4]]}",
		"PMD_INFO_STRING= {\"name\": \"net_\\u001b[2J\", \"pci_ids\": [[1, 2, 3, 4]]}",
		"PMD_INFO_STRING= {\"name\": \"a_name_that_is_longer_than_any_driver_has\", "
		"\"pci_ids\": [[1, 2, 3, 4]]}",
		"PMD_INFO_STRING= {\"name\": \"net_x\", \"pci_ids\": [[1, 2, 3], [1, 2, 3, 65536], "
		"[1, 2, 3, -1], 4, [1, 2, 3, \"4\"]]}",
	};
	struct pmd_info info = {0};

	for (size_t i = 0; i < COUNT(texts); i++)
		pmd_info_add(&info, texts[i], strlen(texts[i])); // without an end
	assert_int_equal(info.n, 0);
	pmd_info_fini(&info);
}

// Those that millraced would use, as Debian installs them.
static void the_drivers_of_this_machine_know_common_cards(void **state)
{
	struct pmd_info info = {0};

	pmd_info_load(&info, NULL);
	assert_string_equal(pmd_info_find(&info, 0x8086, 0x10fb, 0, 0), "net_ixgbe");
	assert_string_equal(pmd_info_find(&info, 0x8086, 0x157b, 0, 0), "net_e1000_igb");
	assert_string_equal(pmd_info_find(&info, 0x1af4, 0x1041, 0, 0), "net_virtio");
	assert_null(pmd_info_find(&info, 0x10ec, 0x8168, 0, 0)); // Realtek's RTL8168
	pmd_info_fini(&info);
}

// --- how it is said ---

static const char *printed(struct findings *findings, unsigned width, bool is_coloured)
{
	static char *text;
	size_t len;
	FILE *out;

	free(text);
	out = open_memstream(&text, &len);
	findings_sort(findings);
	findings_print(findings, width, is_coloured, out);
	fclose(out);
	return text;
}

static void the_worst_comes_first_and_lines_are_as_wide_as_they_may(void **state)
{
	static struct findings findings;

	finding_add(&findings, VERDICT_FINE, "a", "cpu", "One.");
	finding_fix(finding_add(&findings, VERDICT_WARNING, "b", "eth0", "%s",
			    "A sentence that takes two lines."),
		"ip link set dev eth0 up && something that is much longer");
	finding_add(&findings, VERDICT_PROBLEM, "c", "memory", "Two.");
	finding_add(&findings, VERDICT_FINE, "d", "cpu", "Three.");
	assert_string_equal(printed(&findings, 40, false),
		"problem  memory  Two.\n"
		"warning  eth0    A sentence that takes\n"
		"                 two lines.\n"
		"                   ip link set dev eth0 up && something that is much longer\n"
		"fine     cpu     One.\n"
		"fine     cpu     Three.\n");
	assert_non_null(strstr(printed(&findings, 40, true), "\033[1;31mproblem"));
	assert_int_equal(findings_count(&findings, VERDICT_FINE), 2);
}

static void findings_that_do_not_fit_are_counted(void **state)
{
	static struct findings findings;

	for (unsigned i = 0; i < FINDINGS_MAX + 3; i++)
		finding_fix(finding_add(&findings, VERDICT_FINE, "a", "cpu", "One."), "fix");
	assert_int_equal(findings.n, FINDINGS_MAX);
	assert_non_null(strstr(printed(&findings, 80, false), "and 3 more\n"));
}

// --- the rules that the drivers ask too ---

static void cards_are_judged_as_the_drivers_do(void **state)
{
	static const struct card_pci_facts good = {.is_there = true,
		.is_ethernet = true,
		.is_root = true,
		.has_iommu = true,
		.has_vfio = true};
	struct card_pci_facts facts = good;
	struct error err;

	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), 0);
	strcpy(facts.blocker, "0000:03:00.1");
	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), -1);
	assert_non_null(strstr(err.text, "shares IOMMU group"));
	facts = good;
	facts.has_vfio = false;
	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), -1);
	assert_non_null(strstr(err.text, "vfio-pci"));
	facts.has_iommu = false;
	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), -1);
	assert_non_null(strstr(err.text, "allow-no-iommu"));
	facts.allow_no_iommu = true;
	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), -1);
	assert_non_null(strstr(err.text, "hugepages"));
	facts.has_hugepages = facts.is_iova_pa = facts.has_stand_in = true;
	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), 0);
	facts.is_root = false;
	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), -1);
	strcpy(facts.driver, "mlx5_core"); // shares the card with its kernel driver
	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), 0);
	facts.is_ethernet = false;
	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), -1);
	facts.is_there = false;
	assert_int_equal(card_check_pci("0000:03:00.0", &facts, &err), -1);
	assert_non_null(strstr(err.text, "lspci"));
}

static void frames_of_af_xdp_fit_in_a_page(void **state)
{
	struct error err;

	assert_int_equal(card_check_xdp_mtu("eth0", 1500, &err), 0);
	assert_int_equal(card_check_xdp_mtu("eth0", CARD_XDP_MTU_MAX, &err), 0);
	assert_int_equal(card_check_xdp_mtu("eth0", CARD_XDP_MTU_MAX + 1, &err), -1);
}

// --- the file ---

static void a_new_file_is_whole_or_not_there_and_replaces_none(void **state)
{
	char dir[] = "/tmp/millrace-new.XXXXXX", path[64], read[16] = "";
	struct error err = {0};
	struct stat st;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/router.yaml", dir);
	umask(022);
	assert_int_equal(new_file_write(path, "one\n", false, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(new_file_write(path, "two\n", false, &err), -1);
	assert_non_null(strstr(err.text, "is there already; --force replaces it"));
	assert_int_equal(new_file_write(path, "three\n", true, &err), 0);
	f = fopen(path, "r");
	assert_non_null(fgets(read, sizeof(read), f));
	fclose(f);
	assert_string_equal(read, "three\n");
	unlink(path);
	assert_int_equal(rmdir(dir), 0); // nothing else was left there
	assert_int_equal(new_file_write(path, "four\n", false, &err), -1);
	assert_non_null(strstr(err.text, "cannot write"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_cpus_are_read_as_far_as_they_make_sense),
		cmocka_unit_test(a_list_of_cpus_is_cut_between_numbers),
		cmocka_unit_test(routes_are_read_and_what_makes_no_sense_is_not),
		cmocka_unit_test(routes_without_end_end),
		cmocka_unit_test(listeners_are_those_of_the_ports_asked_for),
		cmocka_unit_test(a_session_has_two_ends),
		cmocka_unit_test(drivers_are_found_in_their_libraries),
		cmocka_unit_test(what_is_no_driver_is_left_out),
		cmocka_unit_test(the_drivers_of_this_machine_know_common_cards),
		cmocka_unit_test(the_worst_comes_first_and_lines_are_as_wide_as_they_may),
		cmocka_unit_test(findings_that_do_not_fit_are_counted),
		cmocka_unit_test(cards_are_judged_as_the_drivers_do),
		cmocka_unit_test(frames_of_af_xdp_fit_in_a_page),
		cmocka_unit_test(a_new_file_is_whole_or_not_there_and_replaces_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
