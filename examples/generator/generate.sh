#!/bin/sh
# A rule generator in any language: it prints what it would hand to `ipset restore` (sets) or `iptables-restore --noflush` (rules).
case "$1" in
  sets)
    echo 'create PEERS hash:net family inet hashsize 1024 maxelem 65536'
    for peer in 10.234.0.0/16 10.22.46.0/24; do echo "add PEERS $peer"; done
    ;;
  rules)
    cat <<'RULES'
*nat
:OUTGOING - [0:0]
-I POSTROUTING 1 -j OUTGOING
-A OUTGOING -s 192.168.0.0/24 -m set --match-set PEERS dst -j ACCEPT
-A OUTGOING -s 192.168.0.0/24 -j MASQUERADE
COMMIT
RULES
    ;;
  *)
    echo "usage: $0 sets|rules" >&2
    exit 2
    ;;
esac
