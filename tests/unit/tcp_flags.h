// SPDX-License-Identifier: BSD-3-Clause
// TCP's flags, by short names for tables.
#pragma once

#include <rte_tcp.h>

enum {
	FIN = RTE_TCP_FIN_FLAG,
	SYN = RTE_TCP_SYN_FLAG,
	RST = RTE_TCP_RST_FLAG,
	PSH = RTE_TCP_PSH_FLAG,
	ACK = RTE_TCP_ACK_FLAG,
	URG = RTE_TCP_URG_FLAG,
};
