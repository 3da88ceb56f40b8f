/** MIB counters of a node, by the names nstat(8) prints; absent = 0. */
export class Mib {
  readonly values = new Map<string, number>();
  add(name: string, n = 1): void {
    this.values.set(name, (this.values.get(name) ?? 0) + n);
  }
  get(name: string): number {
    return this.values.get(name) ?? 0;
  }
}
