/**
 * Checks every kernel that a network uses before it is used: once per adapter, since the cache remembers what passed. The code that checks
 * is loaded only if something has not been checked yet.
 */
import { ownName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { fnv1a } from '../hash';
import { createMutex } from '../mutex';
import { type Op, op } from '../plan/op';
import { adapterKey, openCache, readCache, type TuningCache, writeCache } from '../tuning/cache';
import { isFused } from '../unet/variants';
import { WrongKernel } from './wrong_kernel';

/** Most fingerprints to remember. Older ones belong to shaders that have changed since; the cache must not grow forever. */
const MOST_REMEMBERED = 1000;

export class SelfCheck {
  private readonly gpu: Gpu;
  private readonly given: TuningCache | undefined;
  private cache: TuningCache | undefined;
  private recalled: Promise<void> | undefined;
  /** Fingerprints of checks that passed. */
  private readonly passed = new Set<string>();
  private readonly wrong = new Map<string, WrongKernel>();
  /** Ops to check next, by fingerprint. */
  private readonly wanted = new Map<string, Op>();
  private readonly exclusively = createMutex();

  constructor(gpu: Gpu, cache?: TuningCache) {
    this.gpu = gpu;
    this.given = cache;
  }

  /** Rejects with a `WrongKernel` if one of `ops` computes wrong results. Concurrent requests are checked together. */
  async verify(ops: readonly Op[]): Promise<void> {
    this.recalled ??= this.recall();
    await this.recalled;
    const asked = new Map(ops.map((o) => [fingerprint(o), o]));
    for (const [key, o] of asked) if (!this.passed.has(key)) this.wanted.set(key, o);
    if (![...asked.keys()].some((key) => this.wanted.has(key))) return;
    await this.exclusively(() => this.checkWanted());
    for (const key of asked.keys()) if (!this.passed.has(key)) throw this.wrong.get(key)!;
  }

  private async checkWanted(): Promise<void> {
    const { gpu, wanted, passed } = this;
    if (wanted.size === 0) return;
    const { checkOps } = await import('./check_ops');
    const tools = { gpu, op, Program, Staging, createTensorBuffers };
    const hasPlain = (kernel: string) => !isFused(kernel);
    const checked = [...wanted];
    const ops = checked.map(([, o]) => o);
    const findings = await checkOps(ops, tools, ownName(gpu.adapter), hasPlain);
    for (const [i, [key]] of checked.entries()) {
      const finding = findings[i];
      if (finding) this.wrong.set(key, new WrongKernel(finding));
      else passed.add(key);
      wanted.delete(key);
    }
    if (findings.includes(undefined)) await this.remember();
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
  return fnv1a(new TextEncoder().encode(JSON.stringify([kernel, variant, shaders, told, sliced])));
}
