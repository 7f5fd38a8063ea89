/** What is known of the kernels on an adapter, in this visit and from earlier ones. Loaded with the first kernels. */

import type { EngineError } from '../base/errors';
import { once } from '../base/load';
import type { Checks } from '../plan/op';
import { AdapterMemory } from './memory';
import { UnusableKernel } from './unusable_kernel';

/** An update of a driver changes no key: what is older, or by a clock that went wrong so much younger, counts as none. */
const TRUSTED_MS = 7 * 24 * 3600 * 1000;
/** Most checks to remember. Older ones belong to shaders that have changed since; the cache must not grow forever. */
const MOST_REMEMBERED = 1000;

/** Whether a key names a variant, `conv2d.winograd7`: keys of checks are hashes. */
const isVariant = (key: string) => key.includes('.');

const isAtSize = (error: EngineError | undefined) => error instanceof UnusableKernel && error.atSize;
const pendingOf = (error: EngineError | undefined) =>
  error instanceof UnusableKernel ? error.pending : undefined;

/** Knows variants by their names, and checks by their keys. */
export class Ledger implements Checks {
  /** The dates of checks that have passed, in milliseconds since 1970. */
  private readonly passed = new Map<string, number>();
  /** The errors of checks and variants that are wrong, refused or late; undefined where the tuner alone says that results are wrong. */
  private readonly faults = new Map<string, EngineError | undefined>();
  /** The variants that a warning has named. */
  private readonly reported = new Set<string>();
  /** What is remembered between visits. */
  readonly memory: AdapterMemory;
  private readonly recall = once(async () => {
    const known = await this.memory.get('check', '');
    if (!known || Math.abs(Date.now() - known.date) > TRUSTED_MS) return;
    for (const key of known.value.split(' ')) this.passed.set(key, known.date);
  });

  constructor(...device: ConstructorParameters<typeof AdapterMemory>) {
    this.memory = new AdapterMemory(...device);
  }

  /** The checks among `keys` that have not passed: in this visit, or in an earlier one of the last seven days. */
  async unknown(keys: readonly string[]): Promise<string[]> {
    await this.recall();
    return keys.filter((key) => !this.passed.has(key));
  }

  async hasPassed(check: string, images: number): Promise<boolean> {
    await this.recall();
    const isOf = (key: string) =>
      key.startsWith(`${check}:`) && Number(key.slice(check.length + 1)) >= images;
    return [...this.passed.keys()].some(isOf);
  }

  passWith(check: string, images: number): Promise<void> {
    return this.pass([`${check}:${images}`]);
  }

  /** Notes that checks have passed. */
  async pass(keys: readonly string[]): Promise<void> {
    await this.recall();
    // Another engine may have forgotten what was right before: that is not stored again.
    const forgotten = await this.memory.forgotten();
    this.drop(forgotten);
    for (const key of keys) {
      this.passed.set(key, Math.max(Date.now(), forgotten + 1));
      this.faults.delete(key);
    }
    const { passed, since } = this.checks;
    await this.memory.set('check', '', passed.slice(-MOST_REMEMBERED).join(' '), since);
  }

  /** Adds the fault of a check or a variant, which is left out from now on. */
  add(key: string, error?: EngineError): void {
    const { faults, passed, reported } = this;
    const known = faults.get(key);
    const pending = pendingOf(error);
    // What was wrong at size stays so, and what may still come says nothing new of what cannot be used.
    if (isAtSize(known) && !isAtSize(error)) return;
    if (pending && faults.has(key) && !pendingOf(known)) return;
    faults.set(key, error);
    passed.delete(key);
    const came = () => {
      if (faults.get(key) === error && faults.delete(key)) reported.delete(key);
    };
    pending?.compiled.then(came, () => {});
  }

  /** Whether a variant is left out where there is another. */
  has(variant: string): boolean {
    return this.faults.has(variant);
  }

  /** The fault of a check. */
  errorOf(key: string): EngineError | undefined {
    return this.faults.get(key);
  }

  /** The error of a variant that was wrong at its real size. */
  wrongAtSize(variant: string): EngineError | undefined {
    const error = this.errorOf(variant);
    return isAtSize(error) ? error : undefined;
  }

  /** Whether this is the first warning that names a variant that is left out. */
  isNews(variant: string): boolean {
    const isNews = !this.reported.has(variant);
    this.reported.add(variant);
    return isNews;
  }

  /** Forgets the checks that have passed, in this visit and earlier ones, and what else is remembered. */
  forget(): Promise<void> {
    this.drop(Number.POSITIVE_INFINITY);
    return this.memory.forget();
  }

  /** Drops the checks that had passed by then. */
  private drop(until: number): void {
    for (const [key, since] of this.passed) if (since <= until) this.passed.delete(key);
  }

  /** The variants that are left out. */
  get leftOut(): string[] {
    return [...this.faults.keys()].filter(isVariant);
  }

  /** The keys of the checks that have passed, the date of the oldest, and the errors of the others. */
  get checks(): { readonly passed: string[]; readonly since: number; readonly errors: EngineError[] } {
    const { passed, faults } = this;
    return {
      passed: [...passed.keys()],
      since: passed.size > 0 ? Math.min(...passed.values()) : Date.now(),
      errors: [...faults].flatMap(([key, error]) => (isVariant(key) ? [] : (error ?? []))),
    };
  }
}
