/** The listeners of events, by name. */
export class Listeners {
  private readonly all = new Map<string, Set<(value: never) => void>>();

  /** Calls `listener` with each event of this name. Returns a function that ends that. */
  on(name: string, listener: (value: never) => void): () => void {
    const listeners = this.all.get(name) ?? new Set();
    this.all.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** An error of a listener is reported, and ends nothing. */
  tell(name: string, value: unknown): void {
    for (const listener of [...(this.all.get(name) ?? [])]) {
      try {
        listener(value as never);
      } catch (error) {
        // As reportError does, which Node lacks.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
