// SPDX-License-Identifier: BSD-3-Clause
// All that can be said to `millrace`, in the order of its help. Commands that share a first word
// stand together.
#include "control/cli/capture.h"
#include "control/cli/check.h"
#include "control/cli/cli.h"
#include "control/cli/config.h"
#include "control/cli/dhcp4_client.h"
#include "control/cli/doctor.h"
#include "control/cli/explain.h"
#include "control/cli/explain_dns.h"
#include "control/cli/init.h"
#include "control/cli/kill.h"
#include "control/cli/leases.h"
#include "control/cli/log.h"
#include "control/cli/recorder.h"
#include "control/cli/schema.h"
#include "control/cli/sets.h"
#include "control/cli/show.h"
#include "control/cli/show_dns.h"
#include "control/cli/show_firewall.h"
#include "control/cli/uplinks.h"

static const struct grammar_arg limit_args[] = {
	{"limit", "limit", GRAMMAR_COUNT, "how many at most; 1000 otherwise"},
	{0},
};

static const struct grammar_arg route_args[] = {
	{NULL, "to", GRAMMAR_NETWORK, "those to this address, or within this network", NULL, true},
	{"on", "interface", GRAMMAR_INTERFACE, "that lead out there"},
	{"limit", "limit", GRAMMAR_COUNT, "how many at most; 1000 otherwise"},
	{0},
};

static const struct grammar_arg neighbour_args[] = {
	{NULL, "address", GRAMMAR_NETWORK, "this one, or those of a network", NULL, true},
	{"on", "interface", GRAMMAR_INTERFACE, "on which link"},
	{"state", "state", GRAMMAR_CHOICE, "what is known of it",
		"resolving|reachable|stale|failed"},
	{"limit", "limit", GRAMMAR_COUNT, "how many at most; 1000 otherwise"},
	{0},
};

static const struct grammar_arg flow_args[] = {
	{"from", "from", GRAMMAR_NETWORK, "who began it"},
	{"to", "to", GRAMMAR_NETWORK, "with whom, also as translated"},
	{"from-port", "from_port", GRAMMAR_PORT, "the port it was sent from"},
	{"to-port", "to_port", GRAMMAR_PORT, "the port it was sent to"},
	{"proto", "protocol", GRAMMAR_PROTOCOL, "which protocol"},
	{"on", "interface", GRAMMAR_INTERFACE, "comes in or leaves there"},
	{"state", "state", GRAMMAR_NAME, "as the last column says"},
	{"sort", "sort", GRAMMAR_CHOICE, "largest first", "bytes|packets|idle"},
	{"limit", "limit", GRAMMAR_COUNT, "how many at most; 1000 otherwise"},
	{"top", "limit", GRAMMAR_COUNT, "the same, of what is sorted"},
	{0},
};

static const struct grammar_arg set_args[] = {
	{NULL, "name", GRAMMAR_SET, "which set"},
	{"limit", "limit", GRAMMAR_COUNT, "how many at most; 1000 otherwise"},
	{0},
};

static const struct grammar_arg watch_args[] = {
	{NULL, "what", GRAMMAR_VIEW, "as 'show' takes it"},
	{0},
};

static const struct grammar_arg event_args[] = {
	{NULL, "topic", GRAMMAR_CHOICE, "one kind",
		"links|drops|sets|neighbours|alarms|config|uplinks|leases|commands", true},
	{0},
};

static const struct grammar_arg ban_args[] = {
	{NULL, "address", GRAMMAR_NETWORK, "who"},
	{"in", "set", GRAMMAR_SET, "a set with a timeout; else banned, or the only one"},
	{"for", "for", GRAMMAR_DURATION, "how long; as the set says otherwise"},
	{0},
};

static const struct grammar_arg unban_args[] = {
	{NULL, "address", GRAMMAR_NETWORK, "who, as 'show set' lists it"},
	{"in", "set", GRAMMAR_SET, "a set with a timeout; else banned, or the only one"},
	{0},
};

static const struct grammar_arg kill_args[] = {
	{"from", "from", GRAMMAR_NETWORK, "who began it"},
	{"to", "to", GRAMMAR_NETWORK, "with whom, also as translated"},
	{"from-port", "from_port", GRAMMAR_PORT, "the port it was sent from"},
	{"to-port", "to_port", GRAMMAR_PORT, "the port it was sent to"},
	{"proto", "protocol", GRAMMAR_PROTOCOL, "which protocol"},
	{"on", "interface", GRAMMAR_INTERFACE, "comes in or leaves there"},
	{"state", "state", GRAMMAR_NAME, "as 'show flows' says in its last column"},
	{"reset", "reset", GRAMMAR_FLAG, "both ends of TCP are told"},
	{"timeout", "timeout", GRAMMAR_COUNT, "seconds to wait; as long as it takes otherwise"},
	{0},
};

static const struct grammar_arg clear_counters_args[] = {
	{NULL, "what", GRAMMAR_CHOICE, "these alone", "interfaces|drops|rules", true},
	{0},
};

static const struct grammar_arg clear_neighbours_args[] = {
	{NULL, "address", GRAMMAR_NETWORK, "this one, or those of a network", NULL, true},
	{"on", "interface", GRAMMAR_INTERFACE, "on which link"},
	{0},
};

static const struct grammar_arg clear_flows_args[] = {
	{"yes", "yes", GRAMMAR_FLAG, "ask nothing"},
	{"reset", "reset", GRAMMAR_FLAG, "both ends of TCP are told"},
	{0},
};

static const struct grammar_arg capture_args[] = {
	{"on", "interface", GRAMMAR_INTERFACE, "there alone"},
	{"rx", "rx", GRAMMAR_FLAG, "what is received; rx, tx and drop if none is said"},
	{"tx", "tx", GRAMMAR_FLAG, "what is sent"},
	{"drop", "drop", GRAMMAR_FLAG, "what is dropped, with the reason and the rule"},
	{"filter", "filter", GRAMMAR_TEXT, "as tcpdump takes it, in one word"},
	{"count", "count", GRAMMAR_COUNT, "the end, after so many packets"},
	{"for", "for", GRAMMAR_DURATION, "the end, after that time"},
	{"snap", "snap", GRAMMAR_COUNT, "bytes of each packet"},
	{"all", "thorough", GRAMMAR_FLAG, "look at each packet, also if forwarding suffers"},
	{"to", "to", GRAMMAR_FILE, "where to; - is stdout, as without"},
	{0},
};

static const struct grammar_arg recorder_args[] = {
	{NULL, "to", GRAMMAR_FILE, "where to; - is stdout"},
	{"last", "last", GRAMMAR_DURATION, "of that time alone"},
	{0},
};

static const struct grammar_arg reload_args[] = {
	{NULL, "name", GRAMMAR_SET, "which set"},
	{0},
};

static const struct grammar_arg uplink_args[] = {
	{NULL, "interface", GRAMMAR_INTERFACE, "which one"},
	{0},
};

static const struct grammar_arg ping_uplink_args[] = {
	{NULL, "uplink", GRAMMAR_UPLINK, "which one"},
	{NULL, "target", GRAMMAR_ADDRESS, "whom; its first probe otherwise", NULL, true},
	{"count", "count", GRAMMAR_COUNT, "how often; 5 times otherwise"},
	{0},
};

static const struct grammar_arg plan_args[] = {
	{NULL, "file", GRAMMAR_FILE, "the config"},
	{"flows", "flows", GRAMMAR_COUNT, "judge so many of those alive; 1000000 otherwise"},
	{"timeout", "timeout", GRAMMAR_COUNT, "seconds to wait; as long as it takes otherwise"},
	{0},
};

static const struct grammar_arg check_args[] = {
	{NULL, "file", GRAMMAR_FILE, "the config"},
	{"strict", "strict", GRAMMAR_FLAG, "what is doubtful is a failure too"},
	{"all", "all", GRAMMAR_FLAG, "also the warnings that the file says are meant"},
	{0},
};

static const struct grammar_arg init_args[] = {
	{"yes", "yes", GRAMMAR_FLAG, "ask nothing; the WAN has the default route"},
	{"output", "output", GRAMMAR_FILE, "where to, router.yaml otherwise; - is stdout"},
	{"force", "force", GRAMMAR_FLAG, "replace the file where there is one"},
	{"wan", "wan", GRAMMAR_NAME, "the card of the WAN, by its name or PCI address"},
	{"lan", "lan", GRAMMAR_NAME, "that of the LAN"},
	{"lan-address", "lan_address", GRAMMAR_NETWORK,
		"the router's there; one of 192.168 otherwise"},
	{0},
};

static const struct grammar_arg apply_args[] = {
	{NULL, "file", GRAMMAR_FILE, "the config"},
	{"message", "message", GRAMMAR_TEXT, "why, for the history"},
	{"confirm", "confirm", GRAMMAR_COUNT, "seconds; then back, unless it is confirmed"},
	{"no-confirm", "no_confirm", GRAMMAR_FLAG, "it stays, whatever the config in force says"},
	{"confirm-when", "confirm_when", GRAMMAR_TEXT,
		"probes that confirm it: dns,uplink,management"},
	{"confirm-name", "confirm_name", GRAMMAR_NAME, "what dns asks for; the root otherwise"},
	{"timeout", "timeout", GRAMMAR_COUNT, "seconds to wait; as long as it takes otherwise"},
	{0},
};

static const struct grammar_arg rollback_args[] = {
	{NULL, "revision", GRAMMAR_COUNT, "to which; to the one before otherwise", NULL, true},
	{"message", "message", GRAMMAR_TEXT, "why, for the history"},
	{"timeout", "timeout", GRAMMAR_COUNT, "seconds to wait; as long as it takes otherwise"},
	{0},
};

static const struct grammar_arg diff_args[] = {
	{NULL, "from", GRAMMAR_COUNT, "a revision"},
	{NULL, "to", GRAMMAR_COUNT, "another; what is in force otherwise", NULL, true},
	{0},
};

static const struct grammar_arg help_args[] = {
	{NULL, "command", GRAMMAR_COMMAND, "about it alone", NULL, true},
	{0},
};

static const struct grammar_arg shell_args[] = {
	{NULL, "shell", GRAMMAR_CHOICE, "for which shell", "bash|zsh"},
	{0},
};

static const struct grammar_arg man_args[] = {
	{NULL, "page", GRAMMAR_CHOICE, "which page", "millrace|millraced|millrace.yaml"},
	{0},
};

const struct grammar_command cli_commands[] = {
	{"show interfaces", "addresses, link, MTU, bytes each way", do_show, NULL,
		"show.interfaces", print_interfaces},
	{"show ports", "the card behind each port, its driver, link and errors", do_show, NULL,
		"show.ports", print_ports},
	{"show routes", "what the workers forward by; * is the one in use", do_show, route_args,
		"show.routes", print_routes},
	{"show neighbours", "who is on the links", do_show, neighbour_args, "show.neighbours",
		print_neighbours},
	{"show flows", "who talks to whom, and translated to what", do_show, flow_args,
		"show.flows", print_flows},
	{"show firewall", "the rules, and what each has matched", do_show, limit_args,
		"show.firewall", print_firewall},
	{"show rules", "the same", do_show, limit_args, "show.firewall", print_firewall},
	{"show counters", "the rules' named counters", do_show, NULL, "show.counters",
		print_counters},
	{"show nat", "the translations", do_show, limit_args, "show.nat", print_nat},
	{"show zones", "which interfaces are in which zone", do_show, NULL, "show.zones",
		print_zones},
	{"show sets", "the sets, and how much is in them", do_show, NULL, "show.sets", print_sets},
	{"show set", "what is in one of them", do_show, set_args, "show.set", print_set},
	{"show dns", "questions for names: who asks, who answers, how quickly", do_show, dns_args,
		"show.dns", print_dns},
	{"show uplinks", "ways to the internet: which work, and * which are used", do_show, NULL,
		"show.uplinks", print_uplinks},
	{"show workers", "cores, packets, flows, load", do_show, NULL, "show.workers",
		print_workers},
	{"show leases", "who has which address, and for how long", do_show, lease_args,
		"show.leases", print_leases},
	{"show dhcp", "what the DHCP server serves, and has done", do_show, NULL, "show.dhcp",
		print_dhcp},
	{"show log", "what the daemon has said, and how much each part tells", do_show,
		log_show_args, "show.log", print_log},
	{"show recorder", "what the flight recorder holds, and its files", do_show, NULL,
		"show.recorder", print_recorder},
	{"show drops", "why packets were dropped, and other counters", do_show, NULL, "show.drops",
		print_drops},
	{"show running", "the config in force, as one file", do_config_show, NULL, "show.running",
		print_running},
	{"show config", "the same", do_config_show, NULL, "show.running", print_running},
	{"show version", "the daemon's version and age", do_show, NULL, "show.version",
		print_version},
	{"watch", "what 'show' shows, every second anew, as rates", do_watch, watch_args},
	{"events", "what happens, as it happens", do_events, event_args, "subscribe"},
	{"plan", "what applying a config would change", do_plan, plan_args, "config.plan"},
	{"apply", "give the running router another config", do_apply, apply_args, "config.apply"},
	{"confirm", "what was applied to be confirmed stays", do_show, NULL, "config.confirm",
		print_confirmed},
	{"rollback", "back to an earlier config", do_rollback, rollback_args, "config.rollback"},
	{"history", "what the router was given, when, by whom and why", do_show, NULL,
		"config.history", print_history},
	{"diff", "what differs between two revisions", do_config_show, diff_args, "config.diff",
		print_changes},
	{"ban", "an address or network into a set with a timeout", do_ban, ban_args, "ban"},
	{"unban", "out of such a set again", do_unban, unban_args, "unban"},
	{"kill flows", "end living flows that fit, both directions at once", do_kill, kill_args,
		"kill.flows"},
	{"kill flow", "the same", do_kill, kill_args, "kill.flows"},
	{"clear counters", "what 'show' counts begins anew; metrics go on", do_clear_counters,
		clear_counters_args, "clear.counters"},
	{"clear drops", "the same, of 'show drops' alone", do_clear_drops, NULL, "clear.counters"},
	{"clear neighbours", "who is on the links is asked for anew", do_clear_neighbours,
		clear_neighbours_args, "clear.neighbours"},
	{"clear flows", "end every flow; asks first", do_clear_flows, clear_flows_args,
		"kill.flows"},
	{"capture", "packets as they pass, for tcpdump and Wireshark", do_capture, capture_args,
		"capture.start"},
	{"recorder write", "the last packets of each worker, for tcpdump and Wireshark",
		do_recorder, recorder_args, "recorder.write"},
	{"explain", "what would become of a packet, and why", do_explain, explain_args, "explain"},
	{"explain live", "the next packet that comes in, explained", do_explain_live,
		explain_live_args, "explain"},
	{"dhcp renew", "ask the server of an uplink's address now", do_show, uplink_args,
		"dhcp.renew", print_lease},
	{"dhcp release", "give an uplink's address back, until 'dhcp renew'", do_show, uplink_args,
		"dhcp.release", print_lease},
	{"ping-uplink", "ask somebody by one uplink, whichever is used", do_show, ping_uplink_args,
		"uplink.ping", print_uplink_ping},
	{"leases export", "all leases, as comma-separated values", do_leases_export},
	{"explain dns", "who would answer a question for a name, and why", do_show,
		explain_dns_args, "dns.explain", print_explain_dns},
	{"sets reload", "read a set's file now", do_sets, reload_args, "sets.reload"},
	{"log", "how much a part of the daemon tells, until it ends", do_show, log_change_args,
		"log.set", print_parts},
	{"check", "what is wrong with a config, and what is doubtful", do_check, check_args},
	{"check list", "all the doubts that there can be", do_check_list},
	{"schema", "what a config may say, as a JSON Schema for editors", do_schema},
	{"doctor", "what of this machine is fine for a router, and what is not", do_doctor},
	{"init", "write a first file for this machine", do_init, init_args},
	{"help", "what there is", do_help, help_args},
	{"version", "this command's version", do_version},
	{"complete", "the words that may come next, for shells", do_complete, help_args},
	{"completion", "a shell's script for completion", do_completion, shell_args},
	{"man", "a page of the manual, as roff", do_man, man_args},
	{0},
};
