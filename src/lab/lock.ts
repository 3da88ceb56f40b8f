/** One lab at a time looks at what the whole machine shares (drop events): an abstract socket, which the kernel lets go when its holder dies. */
import { createServer, type Server } from 'node:net';

const NAME = '\0nfsim-lab-observation';
const RETRY_MS = 3;

export async function withLabLock<T>(work: () => Promise<T>): Promise<T> {
  const held = await acquire();
  try {
    return await work();
  } finally {
    await new Promise<void>((r) => held.close(() => r()));
  }
}

async function acquire(): Promise<Server> {
  for (;;) {
    const server = createServer();
    const won = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(NAME, () => resolve(true));
    });
    if (won) return server;
    await new Promise((r) => setTimeout(r, RETRY_MS));
  }
}
