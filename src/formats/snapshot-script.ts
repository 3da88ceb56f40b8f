/**
 * The script that takes a snapshot of the node it runs on (formats/snapshot.ts reads what it prints). POSIX sh as dash and busybox have it; it needs sed
 * and grep, and of the tools it asks takes what is there. It only reads: a tool that would load a kernel module or make a table by being asked is not asked;
 * that the module is not there is the answer then.
 */
export const SNAPSHOT_SCRIPT = String.raw`#!/bin/sh
# Prints the network state of the namespace it runs in as one text (a netfilter-sim snapshot). It reads only, writes to standard output alone,
# loads no kernel module, makes no table, and leaves keys and secrets out.
#   sh snapshot.sh > node1.snapshot        take it (as root: others may not read the rules)
#   sh snapshot.sh -n                      list what would be run, and run nothing (over ssh: sh -s -- -n < snapshot.sh)
snapshot() {
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
exec 4>&1
dry=
case $#:$1 in
0:) ;;
1:-n) dry=1 ;;
*) echo 'usage: sh snapshot.sh [-n]' >&2; return 2 ;;
esac
nl='
'
say() { printf '%s\n' "$*" >&4; }
have() { command -v "$1" >/dev/null 2>&1; }
for tool in sed grep; do
  have $tool || { echo "snapshot: no $tool here" >&2; return 3; }
done

# run NAME COMMAND: one part. What the command prints goes straight on, each line behind a mark; its errors and its status come back in $meta.
run() {
  if [ -n "$dry" ]; then say "$1: $2"; return; fi
  say "== $1: $2"
  meta=$( { { eval "$2" </dev/null; s=$?; echo; printf '\n%s\n' "$s" >&2; } 2>&3 | sed 's/^/|/' >&4; } 3>&1 )
  s=\${meta##*"$nl"}; err=\${meta%"$s"}
  [ -z "$err" ] || printf '%s' "$err" | sed -e '/^$/d' -e 's/^/!/' -e 20q >&4
  say "-- exit $s"
}
# none NAME KIND WHY: a part that was not asked for: missing TOOL, absent WHY, unread WHY.
none() {
  if [ -n "$dry" ]; then say "$1: nothing ($2: $3)"; return; fi
  say "== $1: "
  if [ "$2" = missing ]; then say "-- missing $3"; else say "-- $2: $3"; fi
}
# part NAME COMMAND: run, if the tool is there.
part() {
  if have "\${2%% *}"; then run "$1" "$2"; else none "$1" missing "\${2%% *}"; fi
}
# works COMMAND: does this node's tool know these options? (Not asked under -n.)
works() {
  have "\${1%% *}" || return 1
  [ -n "$dry" ] || eval "$1" </dev/null >/dev/null 2>&1
}
# first NAME COMMAND [NAME COMMAND ...]: the first that works, else the last.
first() {
  while [ $# -gt 2 ]; do
    if works "$2"; then run "$1" "$2"; return; fi
    shift 2
  done
  part "$1" "$2"
}
# inkernel MODULE SYMBOL: 0 it is there, loaded or built in; 1 it is not; 2 cannot be told.
symbols=
if [ -z "$dry" ]; then
  symbols=$(grep -E -w 'nf_tables_newtable|ip_set_test|nf_conntrack_in|ctnetlink_get_conntrack|xfrm_user_rcv_msg|tcp_diag_get_info|udp_diag_dump|frame_filter_table_init|frame_nat_table_init|broute_table_init|kallsyms_lookup_name' /proc/kallsyms 2>/dev/null)
fi
inkernel() {
  [ -z "$dry" ] || return 0
  [ ! -d "/sys/module/$1" ] || return 0
  ! grep -q "^$1 " /proc/modules 2>/dev/null || return 0
  case $symbols in
  *" $2"*) return 0 ;;
  *' kallsyms_lookup_name'*) return 1 ;;
  esac
  return 2
}
# guarded NAME MODULE SYMBOL COMMAND: part, if asking loads nothing.
guarded() {
  inkernel "$2" "$3"
  case $? in
  0) part "$1" "$4" ;;
  1) none "$1" absent "the kernel has no $2" ;;
  *) none "$1" unread "whether the kernel has $2 cannot be told, and asking would load it" ;;
  esac
}
# legacy NAME NAMES TOOL FALLBACK: iptables-legacy-save asks only for the tables that NAMES lists, which are there already.
legacy() {
  if [ -z "$dry" ] && [ ! -e "$2" ]; then none "$1" absent 'the kernel has no such tables'
  elif [ -z "$dry" ] && [ -r "$2" ] && [ -z "$(cat "$2")" ]; then none "$1" absent 'no table is registered'
  elif have "$3"; then run "$1" "$3 -c"
  elif have "$4" && { [ -n "$dry" ] || ! isnft "$4"; }; then run "$1" "$4 -c"
  else none "$1" missing "$3"
  fi
}
isnft() {
  case $("$1" -V 2>/dev/null </dev/null) in *nf_tables*) return 0 ;; esac
  return 1
}
# nft NAME TOOL FALLBACK: the same rules' nft backend.
nftsave() {
  if have "$2"; then guarded "$1" nf_tables nf_tables_newtable "$2 -c"
  elif have "$3" && { [ -n "$dry" ] || isnft "$3"; }; then guarded "$1" nf_tables nf_tables_newtable "$3 -c"
  else guarded "$1" nf_tables nf_tables_newtable "$2 -c"
  fi
}

[ -n "$dry" ] || say 'netfilter-sim snapshot 1'
part hostname 'uname -n'
part kernel-release 'uname -r'
part date 'date -u +%Y-%m-%dT%H:%M:%SZ'
part user 'id -u'
part netns 'readlink /proc/self/ns/net'
first ip-link.json 'ip -j -d link show' ip-link.txt 'ip -d link show' ip-link.txt 'ip link show'
first ip-addr.json 'ip -j addr show' ip-addr.txt 'ip addr show'
run rt_tables 'for f in /usr/lib/iproute2/rt_tables /usr/share/iproute2/rt_tables /etc/iproute2/rt_tables /etc/iproute2/rt_tables.d/*.conf; do [ ! -r "$f" ] || cat "$f"; done'
part ip-rule.txt 'ip rule show'
part ip-rule6.txt 'ip -6 rule show'
part ip-route.txt 'ip route show table all'
part ip-route6.txt 'ip -6 route show table all'
first neigh.txt 'ip neigh show && ip neigh show proxy' neigh.txt 'ip neigh show'
first bridge-link.json 'bridge -j -d link show' bridge-link.txt 'bridge -d link show'
first bridge-fdb.json 'bridge -j fdb show' bridge-fdb.txt 'bridge fdb show'
first bridge-vlan.json 'bridge -j vlan show' bridge-vlan.txt 'bridge vlan show'
# Keys are no one's business, and no packet's way depends on them.
guarded xfrm-policy.txt xfrm_user xfrm_user_rcv_msg 'ip xfrm policy'
guarded xfrm-state.txt xfrm_user xfrm_user_rcv_msg "ip xfrm state | sed '/^[[:space:]]*\(auth\|enc\|aead\)/s/ 0x[0-9a-fA-F]*/ 0x/g'"
if have ss && inkernel tcp_diag tcp_diag_get_info && inkernel udp_diag udp_diag_dump; then run sockets.txt 'ss -lntue'
else run sockets.txt 'cat /proc/net/tcp /proc/net/udp && { cat /proc/net/tcp6 /proc/net/udp6 || :; }'
fi
part sysctl.txt "cat /proc/sys/net/ipv4/ip_forward >/dev/null && grep -rs '' /proc/sys/net | grep -v -e fastopen_key -e stable_secret | sed 's,^/proc/sys/\([^:]*\):,\1 = ,'"
legacy iptables-legacy-save /proc/net/ip_tables_names iptables-legacy-save iptables-save
legacy ip6tables-legacy-save /proc/net/ip6_tables_names ip6tables-legacy-save ip6tables-save
nftsave iptables-nft-save iptables-nft-save iptables-save
nftsave ip6tables-nft-save ip6tables-nft-save ip6tables-save
guarded nft-ruleset nf_tables nf_tables_newtable 'nft -a list ruleset'
if have ebtables-nft-save; then guarded ebtables-nft-save nf_tables nf_tables_newtable 'ebtables-nft-save'
elif have ebtables-save && { [ -n "$dry" ] || isnft ebtables-save; }; then guarded ebtables-nft-save nf_tables nf_tables_newtable 'ebtables-save'
else guarded ebtables-nft-save nf_tables nf_tables_newtable 'ebtables-nft-save'
fi
# From Linux 5.15 on ebtables-legacy makes the table that it is asked for.
ebtables_tables() {
  inkernel ebtable_filter frame_filter_table_init || inkernel ebtable_nat frame_nat_table_init || inkernel ebtable_broute broute_table_init
}
if ! ebtables_tables; then none ebtables-legacy-save absent 'the kernel has no table of ebtables-legacy'
else
  release=0.0
  [ -n "$dry" ] || release=$(uname -r)
  case $release in
  [0-4].*|5.[0-9].*|5.1[0-4].*) part ebtables-legacy-save ebtables-legacy-save ;;
  *) none ebtables-legacy-save unread 'asking ebtables-legacy would make tables that are not there' ;;
  esac
fi
guarded ipset-save ip_set ip_set_test 'ipset save'
run nfnetlink_queue '[ ! -e /proc/net/netfilter/nfnetlink_queue ] || cat /proc/net/netfilter/nfnetlink_queue'
inkernel nf_conntrack nf_conntrack_in
case $? in
1) none conntrack.txt absent 'the kernel has no nf_conntrack' ;;
*)
  if have conntrack && inkernel nf_conntrack_netlink ctnetlink_get_conntrack; then run conntrack.txt 'conntrack -L -f ipv4 -o extended && { conntrack -L -f ipv6 -o extended || :; }'
  elif [ -r /proc/net/nf_conntrack ]; then run conntrack.txt 'cat /proc/net/nf_conntrack'
  else none conntrack.txt missing conntrack
  fi ;;
esac
[ -n "$dry" ] || say '== end'
return 0
}
snapshot "$@"
`.replaceAll('\\${', '${');
