/**
 * TCP states of connection tracking as data (tcp_conntracks[][][] of nf_conntrack_proto_tcp.c).
 *
 * A row is what kind of segment, a column the state before, a cell the state after:
 *
 *   NO none (first packet)   SS SYN_SENT     SR SYN_RECV    ES ESTABLISHED   FW FIN_WAIT
 *   CW CLOSE_WAIT            LA LAST_ACK     TW TIME_WAIT   CL CLOSE         S2 SYN_SENT2 (SYN from both sides)
 *   IV the segment is INVALID     IG let through without believing it (the entry may be out of step with the two ends)
 */
export const TCP = {
  NONE: 0,
  SYN_SENT: 1,
  SYN_RECV: 2,
  ESTABLISHED: 3,
  FIN_WAIT: 4,
  CLOSE_WAIT: 5,
  LAST_ACK: 6,
  TIME_WAIT: 7,
  CLOSE: 8,
  SYN_SENT2: 9,
} as const;
export const TCP_INVALID = 10;
export const TCP_IGNORE = 11;

/** As `conntrack -L` and /proc/net/nf_conntrack print them. */
export const TCP_STATE_NAMES = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
] as const;

/** get_conntrack_index(): what a segment is, by its flags. */
export const SEGMENT = { SYN: 0, SYNACK: 1, FIN: 2, ACK: 3, RST: 4, NONE: 5 } as const;

const CODES = ['NO', 'SS', 'SR', 'ES', 'FW', 'CW', 'LA', 'TW', 'CL', 'S2', 'IV', 'IG'];
const row = (text: string): readonly number[] => text.split(' ').map((c) => CODES.indexOf(c));

/** [direction][segment][state] */
export const TCP_TRANSITIONS: readonly (readonly (readonly number[])[])[] = [
  [
    // original  NO SS SR ES FW CW LA TW CL S2
    /* SYN */ row('SS SS IG IG IG IG IG SS SS S2'),
    /* SYNACK */ row('IV IV SR IV IV IV IV IV IV SR'),
    /* FIN */ row('IV IV FW FW LA LA LA TW CL IV'),
    /* ACK */ row('ES IV ES ES CW CW TW TW CL IV'),
    /* RST */ row('IV CL CL CL CL CL CL CL CL CL'),
    /* NONE */ row('IV IV IV IV IV IV IV IV IV IV'),
  ],
  [
    // reply     NO SS SR ES FW CW LA TW CL S2
    /* SYN */ row('IV S2 IV IV IV IV IV SS IV S2'),
    /* SYNACK */ row('IV SR IG IG IG IG IG IG IG SR'),
    /* FIN */ row('IV IV FW FW LA LA LA TW CL IV'),
    /* ACK */ row('IV IG SR ES CW CW TW TW CL IG'),
    /* RST */ row('IV CL CL CL CL CL CL CL CL CL'),
    /* NONE */ row('IV IV IV IV IV IV IV IV IV IV'),
  ],
];

/** Sysctl suffix of a state's time-out. SYN_SENT2 shares SYN_SENT's. */
export const TCP_TIMEOUT = (
  ['syn_sent', 'syn_sent', 'syn_recv', 'established', 'fin_wait', 'close_wait', 'last_ack', 'time_wait', 'close', 'syn_sent'] as const
).map((state) => `nf_conntrack_tcp_timeout_${state}` as const);

export const FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;
/** Combinations of FIN, SYN, RST, ACK, URG that make sense (tcp_valid_flags); PSH, ECE and CWR may always be set. */
const { FIN, SYN, RST, ACK, URG } = FLAG;
export const TCP_VALID_FLAGS: ReadonlySet<number> = new Set([SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG]);
