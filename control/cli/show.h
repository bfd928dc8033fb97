// SPDX-License-Identifier: BSD-3-Clause
// The daemon's answers as tables for people, readable in 80 columns.
#pragma once

#include <jansson.h>
#include <stdio.h>

void print_running(const json_t *result, FILE *out);
void print_version(const json_t *result, FILE *out);
void print_interfaces(const json_t *result, FILE *out);
void print_ports(const json_t *result, FILE *out);
void print_routes(const json_t *result, FILE *out);
void print_neighbours(const json_t *result, FILE *out);
void print_flows(const json_t *result, FILE *out);
void print_workers(const json_t *result, FILE *out);
void print_drops(const json_t *result, FILE *out);
