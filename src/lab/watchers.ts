/** Those who wait for one of the things that a stream brings. */

export class Watchers<T> {
  #waiting: { readonly when: (thing: T) => boolean; readonly done: (seen: boolean) => void }[] = [];

  /** True when such a thing comes, false when none came in time. What came before the call does not count. */
  next(when: (thing: T) => boolean, milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((w) => w !== entry);
        resolve(false);
      }, milliseconds);
      const entry = {
        when,
        done: (seen: boolean) => {
          clearTimeout(timer);
          resolve(seen);
        },
      };
      this.#waiting.push(entry);
    });
  }

  came(thing: T): void {
    const found = this.#waiting.filter((w) => w.when(thing));
    if (found.length === 0) return;
    this.#waiting = this.#waiting.filter((w) => !found.includes(w));
    for (const w of found) w.done(true);
  }
}
