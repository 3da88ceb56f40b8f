/** What is being done, on a terminal's standard error: one line that goes away. Elsewhere nothing is shown. */
export function progress(): { step(text: string): void; done(): void } {
  if (!process.stderr.isTTY) return { step() {}, done() {} };
  return { step: (text) => process.stderr.write(`\r\x1b[K${text}`), done: () => process.stderr.write('\r\x1b[K') };
}
