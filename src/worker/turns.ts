/** One thing at a time: a device has one queue. Each piece of work takes a turn, and this is who comes first and who ends whom. */

/**
 * - `answer`: what is asked for, and is done to its end.
 * - `order`: images that are made step by step.
 * - `pictures`: pictures and measurements of a run, beside its training.
 * - `training`: a step. Between two steps training has no turn.
 * - `background`: what is done when nothing else is wanted; where it is ended, its work is called again.
 */
export type TurnKind = keyof typeof ENDS;

/** The kinds that a new turn of a kind ends, those that wait included, but for `background`, which waits on. */
const ENDS = {
  answer: ['order', 'pictures', 'background'],
  order: ['order', 'pictures', 'background'],
  pictures: ['background'],
  training: ['pictures', 'background'],
  background: [],
} as const;
/** What a pause ends, beside training. */
const PAUSE_ENDS = ['pictures'] as const;
/** Who has the next turn, of those that wait. */
export const RANK: Readonly<Record<TurnKind, number>> = {
  answer: 0,
  order: 0,
  pictures: 1,
  training: 2,
  background: 3,
};

interface Turn {
  readonly kind: TurnKind;
  controller: AbortController;
  start(): Promise<void>;
  /** Ends it before it has begun. */
  drop(reason: unknown): void;
}

/** What the owner of the turns does. */
interface Owner {
  /** Resolves when nothing that a turn has begun is under way: a call may end before its work. */
  idle(): Promise<unknown>;
  /** No turn is left. */
  rest(): void;
}

/** The reason of a pause. */
export const PAUSED = new DOMException('The training was paused.', 'AbortError');
const OTHER = new DOMException('Another call came first.', 'AbortError');

/** Whether work has failed because its turn was ended. */
export const isEnded = (error: unknown): boolean => (error as Error | undefined)?.name === 'AbortError';

export class Turns {
  private readonly owner: Owner;
  private waiting: Turn[] = [];
  private active: Turn | undefined;
  /** Whether the last turn was a step, of which the next one may be under way. */
  private stepped = false;
  /** Whether training is wanted: nothing is done in the background meanwhile. */
  training = false;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  /** The kind of the turn under way. */
  get doing(): TurnKind | undefined {
    return this.active?.kind;
  }

  /**
   * Does `work` in a turn of its own. Rejects as it does; also with the reason of `signal`, and with an AbortError if the turn is ended: see
   * above. `work` gets a signal for both.
   */
  take<T>(
    kind: TurnKind,
    work: (signal: AbortSignal) => Promise<T>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const over = () => signal?.removeEventListener('abort', abort);
      const drop = (reason: unknown) => {
        over();
        this.waiting = this.waiting.filter((each) => each !== turn);
        reject(reason);
      };
      const abort = () =>
        this.active === turn ? turn.controller.abort(signal!.reason) : drop(signal!.reason);
      const start = async () => {
        const { signal: own } = turn.controller;
        try {
          if (kind !== 'training' || !this.stepped) await this.owner.idle();
          own.throwIfAborted();
          const result = await work(own);
          if (kind !== 'training') await this.owner.idle();
          over();
          resolve(result);
        } catch (error) {
          await this.owner.idle();
          if (kind === 'background' && error === OTHER && !signal?.aborted) return wait();
          over();
          reject(error);
        } finally {
          this.stepped = kind === 'training';
        }
      };
      const turn: Turn = { kind, controller: new AbortController(), start, drop };
      const wait = () => {
        turn.controller = new AbortController();
        this.waiting.push(turn);
      };
      signal?.addEventListener('abort', abort);
      this.end(ENDS[kind]);
      wait();
      // Pictures come after what waits already, and would be late.
      if (kind === 'pictures' && this.waiting.some((each) => RANK[each.kind] === 0)) drop(OTHER);
      void this.next();
    });
  }

  /** A pause: training ends by itself. */
  pause(): void {
    this.end(PAUSE_ENDS);
  }

  /** Ends turns of these kinds. */
  end(kinds: readonly TurnKind[], reason: unknown = OTHER): void {
    if (this.active && kinds.includes(this.active.kind)) this.active.controller.abort(reason);
    for (const turn of [...this.waiting])
      if (turn.kind !== 'background' && kinds.includes(turn.kind)) turn.drop(reason);
  }

  /** Ends the turn under way, and drops all that wait but for training. */
  endAll(reason: unknown): void {
    this.active?.controller.abort(reason);
    for (const turn of [...this.waiting]) if (turn.kind !== 'training') turn.drop(reason);
  }

  /** Begins the next turn, if there is one. Call this when training is wanted no more. */
  async next(): Promise<void> {
    if (this.active) return;
    for (;;) {
      const may = this.waiting.filter(({ kind }) => kind !== 'background' || !this.training);
      const turn = may.sort((a, b) => RANK[a.kind] - RANK[b.kind])[0];
      if (!turn) break;
      this.waiting = this.waiting.filter((each) => each !== turn);
      this.active = turn;
      await turn.start();
      this.active = undefined;
    }
    if (!this.training) this.owner.rest();
  }
}
