/**
 * One thing at a time, as a device has one queue. What is asked for comes first and interrupts what is under way; what is done in the
 * background, training as a rule, goes on afterwards.
 */

type Task = () => Promise<void>;

/** The owner of the tasks. */
export interface TasksHost {
  /** What to do when nothing is asked for; undefined to rest. */
  background(): Task | undefined;
  /** A task has failed. `asked`: one that was asked for, not one of the background. */
  failed(error: unknown, asked: boolean): void;
  /** Nothing is left to do. */
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

  /** Whether something is being done. */
  get busy(): boolean {
    return this.working;
  }

  /** What is being done, if it can be interrupted. */
  get doing(): Kind | undefined {
    return this.active?.kind;
  }

  /** Does `task` as soon as what is being done now has stopped. */
  request(task: Task): void {
    this.requests.push(task);
    this.interrupt();
    this.work();
  }

  /** Forgets what was asked for and is not begun. */
  drop(): void {
    this.requests.length = 0;
  }

  /** Ends what is being done, if it can be ended and is of this kind. */
  interrupt(kind: Kind | undefined = this.doing): void {
    if (this.doing === kind) this.active?.controller.abort();
  }

  /** Looks whether there is something to do in the background. */
  work(): void {
    if (this.working) return;
    this.working = true;
    void this.loop();
  }

  /** Runs something that an interruption may end. Whether it ran to its end. */
  async interruptible(kind: Kind, task: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    // What was asked for while this was being prepared comes first.
    if (this.requests.length > 0) return false;
    const controller = new AbortController();
    const { signal } = controller;
    this.active = { kind, controller };
    try {
      await task(signal);
      return true;
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error;
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
      }
    } finally {
      // Before anybody hears of it, and asks for more.
      this.working = false;
    }
    this.host.rest();
  }
}
