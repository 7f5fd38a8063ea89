/**
 * Has every kernel that a network uses checked before it is used: once on an adapter, as what passed is remembered. What checks is loaded
 * when there is something that is not known.
 */
import { ownName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { fnv1a } from '../hash';
import { createMutex } from '../mutex';
import { type Op, op } from '../plan/op';
import { adapterKey, openCache, type TuningCache } from '../tuning/cache';
import { isFused } from '../unet/variants';
import { WrongKernel } from './wrong_kernel';

/** More than that are of shaders that were: what is remembered must not grow for ever. */
const MOST_REMEMBERED = 1000;

export class SelfCheck {
  private readonly gpu: Gpu;
  private readonly given: TuningCache | undefined;
  private cache: TuningCache | undefined;
  private recalled: Promise<void> | undefined;
  /** Fingerprints. */
  private readonly passed = new Set<string>();
  private readonly wrong = new Map<string, WrongKernel>();
  /** To be checked next, by fingerprint. */
  private readonly wanted = new Map<string, Op>();
  private readonly exclusively = createMutex();

  constructor(gpu: Gpu, cache?: TuningCache) {
    this.gpu = gpu;
    this.given = cache;
  }

  /** Rejects with a `WrongKernel` if one of `ops` computes wrongly. What is asked for at the same time is checked together. */
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
    try {
      this.cache = await openCache(this.given);
      const known = await this.cache.get(this.key);
      for (const fingerprint of known?.split(' ') ?? []) this.passed.add(fingerprint);
    } catch {
      // A store that cannot be read is as good as an empty one.
    }
  }

  private async remember(): Promise<void> {
    const newest = [...this.passed].slice(-MOST_REMEMBERED);
    await this.cache?.set(this.key, newest.join(' ')).catch(() => {});
  }

  private get key(): string {
    return JSON.stringify(['self-check', adapterKey(this.gpu.device)]);
  }
}

/**
 * What makes one check differ from another: kernel and variant, the texts of the shaders, and what they are told. How large something is
 * makes no difference, as all is small in a check, unless there is one of it, or none.
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
