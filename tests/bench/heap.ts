/** Reads the memory of one isolate through workerd's inspector: from outside, and while it waits for an answer. */
export class HeapProbe {
  /** The most bytes that were in use at a sample: objects and the stores of array buffers. */
  peak = 0;
  samples = 0;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: Record<string, number>) => void>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data));
      this.#waiting.get(id)?.(result ?? {});
      this.#waiting.delete(id);
    });
  }

  /** @param inspector as Miniflare.getInspectorURL() gives it */
  static async connect(inspector: URL, worker: string): Promise<HeapProbe> {
    const answer = await fetch(`http://${inspector.host}/json`);
    const targets = (await answer.json()) as { id: string; webSocketDebuggerUrl: string }[];
    const target = targets.find(({ id }) => id === `core:user:${worker}`);
    if (target === undefined) throw new Error(`Cannot find Worker ${worker} among those of the inspector`);
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((open, failed) => {
      socket.addEventListener("open", open);
      socket.addEventListener("error", failed);
    });
    return new HeapProbe(socket);
  }

  async sample(): Promise<void> {
    const { usedSize = 0, embedderHeapUsedSize = 0, backingStorageSize = 0 } = await this.#ask("Runtime.getHeapUsage");
    this.samples += 1;
    this.peak = Math.max(this.peak, usedSize + embedderHeapUsedSize + backingStorageSize);
  }

  /** Forgets what was sampled so far. */
  reset(): void {
    this.peak = 0;
    this.samples = 0;
  }

  close(): void {
    this.#socket.close();
  }

  async #ask(method: string): Promise<Record<string, number>> {
    const id = this.#next++;
    return await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method }));
    });
  }
}
