// SPDX-License-Identifier: BSD-3-Clause
// What the doctor reads of files that it did not write: after a byte that says which, any bytes are
// read without harm, and what is taken of them is within its bounds.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/doctor/cpu_list.h"
#include "control/doctor/kernel_routes.h"
#include "control/doctor/listeners.h"
#include "control/doctor/pmd_info.h"
#include "control/doctor/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void read_drivers(const char *bytes, size_t n_bytes)
{
	struct pmd_info info = {0};

	pmd_info_add(&info, bytes, n_bytes);
	require(info.n <= PMD_IDS_MAX);
	for (unsigned i = 0; i < info.n; i++) {
		const struct pmd_id *id = &info.ids[i];

		require(strlen(id->driver) < sizeof(id->driver));
		require(pmd_info_find(&info, id->vendor, id->device, id->subvendor,
				id->subdevice) != NULL);
	}
	pmd_info_fini(&info);
}

static void read_routes(const char *text, void (*parse)(struct kernel_routes *, const char *))
{
	struct kernel_routes routes = {0};
	char shown[ADDR_STR_BYTES];

	parse(&routes, text);
	require(routes.n <= KERNEL_ROUTES_MAX);
	for (unsigned i = 0; i < routes.n; i++) {
		require(strlen(routes.list[i].netdev) < sizeof(routes.list[i].netdev));
		require(routes.list[i].to.len <= ip_family_bits(routes.list[i].to.addr.family));
		ip_prefix_str(&routes.list[i].to, shown);
	}
	kernel_routes_fini(&routes);
}

static void read_listeners(const char *text, bool is_tcp, bool is_v6)
{
	static const uint16_t ports[] = {53, 67, 547};
	struct listeners listeners = {0};

	listeners_parse(&listeners, text, is_tcp, is_v6, ports, 3);
	require(listeners.n <= LISTENERS_MAX);
	for (unsigned i = 0; i < listeners.n; i++)
		require(listeners.list[i].port == 53 || listeners.list[i].port == 67 ||
			listeners.list[i].port == 547);
}

// What was read is read again from what is written of it.
static void read_cpus(const char *text)
{
	char again[8 * CPU_LIST_MAX];
	struct cpu_list list, same;

	cpu_list_parse(text, &list);
	require(list.n <= CPU_LIST_MAX);
	cpu_list_parse(cpu_list_str(&list, ",", again, sizeof(again)), &same);
	require(list.n == same.n && memcmp(list.bits, same.bits, sizeof(list.bits)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	struct session session;
	char *text;

	if (n_bytes == 0)
		return 0;
	text = strndup((const char *)bytes + 1, n_bytes - 1);
	require(text != NULL);
	switch (bytes[0] % 8) {
	case 0:
		read_drivers((const char *)bytes + 1, n_bytes - 1);
		break;
	case 1:
		read_routes(text, kernel_routes_parse4);
		break;
	case 2:
		read_routes(text, kernel_routes_parse6);
		break;
	case 3:
		read_cpus(text);
		break;
	case 4:
		session_parse(text, &session);
		break;
	default:
		read_listeners(text, (bytes[0] & 8) != 0, (bytes[0] & 16) != 0);
		break;
	}
	free(text);
	return 0;
}
