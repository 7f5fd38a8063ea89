/**
 * Checks every kernel that a network uses before it is used: once per adapter, since the cache remembers what passed. The code that checks
 * is loaded only if something has not been checked yet.
 */
import { ownName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { UnusableKernel } from '../gpu/unusable_kernel';
import { fnv1a } from '../hash';
import { createMutex } from '../mutex';
import { type Op, op } from '../plan/op';
import { adapterKey, openCache, readCache, type TuningCache, writeCache } from '../tuning/cache';
import { isFused } from '../unet/variants';

/** Most fingerprints to remember. Older ones belong to shaders that have changed since; the cache must not grow forever. */
const MOST_REMEMBERED = 1000;

export class SelfCheck {
  private readonly gpu: Gpu;
  private readonly given: TuningCache | undefined;
  private cache: TuningCache | undefined;
  private recalled: Promise<void> | undefined;
  /** Fingerprints of checks that passed. */
  private readonly passed = new Set<string>();
  private readonly unusable = new Map<string, UnusableKernel>();
  /** Ops to check next, by fingerprint. */
  private readonly wanted = new Map<string, Op>();
  private readonly exclusively = createMutex();

  constructor(gpu: Gpu, cache?: TuningCache) {
    this.gpu = gpu;
    this.given = cache;
  }

  /** Rejects with an `UnusableKernel` if one of `ops` computes wrong results, or is refused. Concurrent requests are checked together. */
  async verify(ops: readonly Op[]): Promise<void> {
    this.recalled ??= this.recall();
    await this.recalled;
    const asked = new Map(ops.map((o) => [fingerprint(o), o]));
    for (const [key, o] of asked) if (!this.passed.has(key)) this.wanted.set(key, o);
    if (![...asked.keys()].some((key) => this.wanted.has(key))) return;
    await this.exclusively(() => this.checkWanted());
    for (const key of asked.keys()) if (!this.passed.has(key)) throw this.unusable.get(key)!;
  }

  /** Whether a check of another kind has passed. */
  async has(key: string): Promise<boolean> {
    this.recalled ??= this.recall();
    await this.recalled;
    return this.passed.has(hashOf(key));
  }

  /** Checks of another kind have passed. */
  async add(...keys: readonly string[]): Promise<void> {
    for (const key of keys) this.passed.add(hashOf(key));
    await this.remember();
  }

  private async checkWanted(): Promise<void> {
    const { wanted, passed } = this;
    if (wanted.size === 0) return;
    const checked = [...wanted];
    const found = await this.check(checked.map(([, o]) => o));
    for (const [i, [key]] of checked.entries()) {
      const unusable = found[i];
      if (unusable) this.unusable.set(key, unusable);
      else passed.add(key);
      wanted.delete(key);
    }
    if (found.includes(undefined)) await this.remember();
  }

  /** What is wrong with each of `ops`. If they fail together, each is checked alone: one that is refused does not spoil the others' check. */
  private async check(ops: readonly Op[]): Promise<(UnusableKernel | undefined)[]> {
    const { gpu } = this;
    const { checkOps } = await import('./check_ops');
    const tools = { gpu, op, Program, Staging, createTensorBuffers };
    const hasPlain = (kernel: string) => !isFused(kernel);
    try {
      const findings = await checkOps(ops, tools, ownName(gpu.adapter), hasPlain);
      return findings.map((finding) => finding && new UnusableKernel('wrong-kernel', finding));
    } catch (error) {
      gpu.checkAlive();
      if (ops.length === 1) {
        if (error instanceof UnusableKernel) return [error];
        throw error;
      }
    }
    const found: (UnusableKernel | undefined)[] = [];
    for (const o of ops) found.push(...(await this.check([o])));
    return found;
  }

  private async recall(): Promise<void> {
    this.cache = await openCache(this.given);
    const known = await readCache(this.cache, this.key);
    for (const fingerprint of known?.split(' ') ?? []) this.passed.add(fingerprint);
  }

  private async remember(): Promise<void> {
    const newest = [...this.passed].slice(-MOST_REMEMBERED);
    await writeCache(this.cache, this.key, newest.join(' '));
  }

  private get key(): string {
    return JSON.stringify(['self-check', adapterKey(this.gpu.device)]);
  }
}

/**
 * Identifies a check: kernel and variant, the hashes of the shaders, and the options of the shape. Sizes above 1 do not matter, since every
 * check is small, except the kernel size.
 */
function fingerprint({ kernel, variant, origin: { shape, sliced, calls } }: Op): string {
  const matters = (name: string, value: unknown) => {
    if (name === 'kernelSize' || name === 'decay' || typeof value === 'object') return true;
    return typeof value === 'number' ? value <= 1 : value === true;
  };
  const told = JSON.stringify(shape, (name, value) => (matters(name, value) ? value : undefined));
  const shaders = [...new Set(calls.map(({ shader }) => shader.hash))];
  return hashOf(JSON.stringify([kernel, variant, shaders, told, sliced]));
}

const hashOf = (text: string) => fnv1a(new TextEncoder().encode(text));
