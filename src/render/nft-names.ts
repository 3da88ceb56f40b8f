/** Names that nft 1.0.6 prints for numbers of packet headers. */
const table = (text: string): ReadonlyMap<number, string> =>
  new Map(
    text
      .trim()
      .split(/\s+/)
      .map((w): [number, string] => {
        const at = w.indexOf('=');
        return [Number(w.slice(0, at)), w.slice(at + 1)];
      }),
  );

export const dscpNames = table(`
  0=cs0 8=cs1 16=cs2 24=cs3 32=cs4 40=cs5 48=cs6 56=cs7 1=lephb 44=va 46=ef
  10=af11 12=af12 14=af13 18=af21 20=af22 22=af23 26=af31 28=af32 30=af33 34=af41 36=af42 38=af43`);

export const ecnNames = ['not-ect', 'ect1', 'ect0', 'ce'] as const;

export const tcpFlagNames = table('1=fin 2=syn 4=rst 8=psh 16=ack 32=urg 64=ecn 128=cwr');

export const icmpTypes = table(`
  0=echo-reply 3=destination-unreachable 4=source-quench 5=redirect 8=echo-request 9=router-advertisement 10=router-solicitation 11=time-exceeded
  12=parameter-problem 13=timestamp-request 14=timestamp-reply 15=info-request 16=info-reply 17=address-mask-request 18=address-mask-reply`);

/** One list for all types. */
export const icmpCodes = table(`
  0=net-unreachable 1=host-unreachable 2=prot-unreachable 3=port-unreachable 4=frag-needed 9=net-prohibited 10=host-prohibited 13=admin-prohibited`);

export const icmp6Types = table(`
  1=destination-unreachable 2=packet-too-big 3=time-exceeded 4=parameter-problem 128=echo-request 129=echo-reply 130=mld-listener-query
  131=mld-listener-report 132=mld-listener-done 133=nd-router-solicit 134=nd-router-advert 135=nd-neighbor-solicit 136=nd-neighbor-advert 137=nd-redirect
  138=router-renumbering 141=ind-neighbor-solicit 142=ind-neighbor-advert 143=mld2-listener-report`);

export const icmp6Codes = table('0=no-route 1=admin-prohibited 3=addr-unreachable 4=port-unreachable 5=policy-fail 6=reject-route');
