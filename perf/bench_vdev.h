// SPDX-License-Identifier: BSD-3-Clause
// End to end through DPDK: frames from a file, round and round, through a worker with its real
// loop, to a device that throws them away. The file serves any router.
#pragma once

// Like main: `argv[0]` is the mode's name. The exit code.
int bench_vdev_main(int argc, char **argv);
int bench_pcap_main(int argc, char **argv);
