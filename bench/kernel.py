"""The kernel's half of `npm run bench`: asks ../shared/performance/kernel (a copy in argv[1], unchanged) for one measurement a line.
   A line in is a command, a line out its answer as JSON. Root and network namespaces are needed."""
import json, os, signal, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from lab import *
import gen

def kube():
    if '10.2.0.1/32' in ns(R, 'ip addr show dev pr1'): return
    ns(R, 'ip addr del 10.2.0.1/16 dev pr1; ip addr add 10.2.0.1/32 dev pr1; ip route add 10.2.0.2/32 dev pr1; ip route add 10.2.0.0/16 via 10.2.0.2;'
          'ip neigh replace 10.2.0.2 lladdr 02:00:00:00:ff:ff dev pr1 nud permanent; ip neigh replace 10.1.0.2 lladdr ' + SM + ' dev pr0 nud permanent;'
          'ip route add default via 10.2.0.2')
def flush():
    ns(R, 'for t in filter nat raw; do iptables-legacy -t $t -F; iptables-legacy -t $t -X; done; conntrack -F 2>/dev/null; true')
def restore(file): flush(); ns(R, f'iptables-legacy-restore < {file}')
def flows(n):
    ns(R, 'conntrack -F 2>/dev/null', check=False)
    return inject(n, tmpl=n, sport=1025, sportn=n, dst='10.96.0.1', dstn=909, rnd=1)['cpu_ns']
def traced(n):
    """one round of 3b_trace_rate.py, legacy: raw -j TRACE on every packet, nfnetlink_log read by tcpdump; the sender's CPU time of a packet"""
    ns(R, 'iptables-legacy-restore --noflush', inp='*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p tcp -j TRACE\nCOMMIT\n')
    ns(R, 'echo nfnetlink_log > /proc/sys/net/netfilter/nf_log/2')
    p = subprocess.Popen(['ip', 'netns', 'exec', R, 'tcpdump', '-B', '65536', '-U', '-i', 'nflog:0', '-w', '/dev/null'], stderr=subprocess.DEVNULL)
    time.sleep(1)
    try: return flows(n)
    finally:
        p.send_signal(signal.SIGTERM); p.wait()
        ns(R, 'iptables-legacy -t raw -F')
def cpu(r): return dict(cpu=r['user'] + r['sys'], rss_mb=r['rss_mb'], rc=r['rc'], err=r['err'])
commands = dict(kube=kube, flush=flush, restore=restore, flows=lambda n: flows(int(n)), traced=lambda n: traced(int(n)),
    forward=lambda n: inject(int(n))['cpu_ns'],
    time_restore=lambda f: (flush(), cpu(mem_kb_and_time(['iptables-legacy-restore'], R, f)))[1],
    time_ipset=lambda f: (ns(R, 'ipset destroy'), cpu(mem_kb_and_time(['ipset', 'restore'], R, f)))[1],
    generate=lambda f, kind, n: open(f, 'w').write({'kube': gen.kube_rules, 'linear-src': lambda k: gen.linear(k, 'src'), 'lab': gen.lab, 'ipset': lambda k: gen.ipset(k, 'ip')}[kind](int(n))))
up()
try:
    print('"ready"', flush=True)
    for line in sys.stdin:
        name, *args = line.split()
        try: answer = commands[name](*args)
        except Exception as e: answer = dict(error=str(e)[:300])
        print(json.dumps(answer), flush=True)
finally:
    down()
