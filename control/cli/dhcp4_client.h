// SPDX-License-Identifier: BSD-3-Clause
// What the router says of the lease of an uplink, for people.
#pragma once

#include <jansson.h>
#include <stdio.h>

// A line, where the interface has its address by DHCP; also the answer of `dhcp renew` and
// `dhcp release`.
void print_lease(const json_t *interface, FILE *out);
