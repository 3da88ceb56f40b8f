/**
 * Dated differences between kernel releases, one row each; a node declares its release (6.18 by default). What is older than a row behaves as its `before` says.
 * Only differences that something a user sees depends on stand here.
 */

export interface ReleaseRow {
  readonly name: string;
  /** First release that behaves as `now` says. */
  readonly since: string;
  readonly before: string;
  readonly now: string;
}

const releaseRows = [
  {
    name: 'fib-validate-errno',
    since: '6.13',
    before: 'source validation that fails is EXDEV for those who ask over netlink (ip route get: Invalid cross-device link)',
    now: 'source validation answers with a drop reason, and netlink gets EINVAL (ip route get: Invalid argument)',
  },
] as const satisfies readonly ReleaseRow[];

export type ReleaseName = (typeof releaseRows)[number]['name'];

/** `6.18`, `5.15.0-91-generic`, `4.19` as numbers. */
function numbers(release: string): readonly [number, number] {
  const m = /^(\d+)\.(\d+)/.exec(release);
  return m ? [Number(m[1]), Number(m[2])] : [6, 18];
}

function isAtLeast(release: string, since: string): boolean {
  const [a, b] = numbers(release);
  const [c, d] = numbers(since);
  return a > c || (a === c && b >= d);
}

/** Does a node of this release behave as the row's `now` says? */
export const behavesNew = (release: string, name: ReleaseName): boolean => isAtLeast(release, releaseRows.find((r) => r.name === name)?.since ?? '0.0');
