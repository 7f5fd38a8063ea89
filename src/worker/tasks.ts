/**
 * Runs one task at a time, as a device has one queue. A requested task interrupts the present one; the background task, training as a rule,
 * goes on afterwards.
 */

type Task = () => Promise<void>;

/** The owner of the tasks. */
export interface TasksHost {
  /** The task to run when none is requested; undefined to rest. */
  background(): Task | undefined;
  /** Called when a task has failed. `asked`: it was requested, and is not a background task. */
  failed(error: unknown, asked: boolean): void;
  /** Resolves when nothing that a task has begun is under way: a call may end before its work. */
  idle(): Promise<unknown>;
  /** Called when no task is left. */
  rest(): void;
}

export class Tasks<Kind extends string> {
  private readonly host: TasksHost;
  private readonly requests: Task[] = [];
  private active: { readonly kind: Kind; readonly controller: AbortController } | undefined;
  private working = false;

  constructor(host: TasksHost) {
    this.host = host;
  }

  /** Whether a task is running. */
  get busy(): boolean {
    return this.working;
  }

  /** The kind of the running task, if it can be interrupted. */
  get doing(): Kind | undefined {
    return this.active?.kind;
  }

  /** Runs `task` as soon as the present one has stopped. */
  request(task: Task): void {
    this.requests.push(task);
    this.interrupt();
    this.work();
  }

  /** Drops the requested tasks that have not begun. */
  drop(): void {
    this.requests.length = 0;
  }

  /** Interrupts the running task, if it can be interrupted and is of this kind. */
  interrupt(kind: Kind | undefined = this.doing): void {
    if (this.doing === kind) this.active?.controller.abort();
  }

  /** Starts the background task, if there is one and nothing else runs. */
  work(): void {
    if (this.working) return;
    this.working = true;
    void this.loop();
  }

  /** Runs `task`, which an interruption may end. Resolves to true if it ran to its end. */
  async interruptible(kind: Kind, task: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    // A task that was requested while this was being prepared comes first.
    if (this.requests.length > 0) return false;
    const controller = new AbortController();
    const { signal } = controller;
    this.active = { kind, controller };
    try {
      await task(signal);
      return true;
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error;
      await this.host.idle();
      return false;
    } finally {
      this.active = undefined;
    }
  }

  private async loop(): Promise<void> {
    try {
      for (;;) {
        const request = this.requests.shift();
        const task = request ?? this.host.background();
        if (!task) break;
        try {
          await task();
        } catch (error) {
          this.host.failed(error, task === request);
        }
        await this.host.idle();
      }
    } finally {
      // Before a listener is called, which may request more.
      this.working = false;
    }
    this.host.rest();
  }
}
