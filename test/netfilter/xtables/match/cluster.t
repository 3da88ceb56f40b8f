# Shares of flows: test/kernel/extensions.jsonl.gz.
-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 0xdeadbeef ; -m cluster --cluster-local-nodemask 0x00000001 --cluster-total-nodes 2 --cluster-hash-seed 0xdeadbeef ; OK
# without a connection there is no share, inverted or not
- udp 10.0.0.2 > 10.0.0.1
-m cluster ! --cluster-local-nodemask 0x00000001 --cluster-total-nodes 2 --cluster-hash-seed 0xdeadbeef ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
-m cluster --cluster-total-nodes 2 --cluster-local-node 3 --cluster-hash-seed 1 ; ; FAIL
