/** Checks every kernel before its first use, unless the ledger knows it as right. The references are loaded only if there is something to check. */

import { hashOf } from '../base/hash';
import { loaded } from '../base/load';
import { createMutex } from '../base/mutex';
import type { Gpu } from '../gpu/gpu';
import type { Op } from '../plan/op';
import type { Ledger } from './ledger';
import { UnusableKernel } from './unusable_kernel';

export class SelfCheck {
  private readonly gpu: Gpu;
  private readonly ledger: Ledger;
  /** What the next turn checks, by fingerprint. */
  private wanted = new Map<string, Op>();
  private turn: Promise<void> | undefined;
  private readonly exclusively = createMutex();

  constructor(gpu: Gpu, ledger: Ledger) {
    this.gpu = gpu;
    this.ledger = ledger;
  }

  /** Rejects with an `UnusableKernel` if one of `ops` computes wrong results, or is refused. Concurrent requests are checked together. */
  async run(ops: readonly Op[]): Promise<void> {
    const asked = new Map(ops.map((o) => [fingerprint(o), o]));
    const unknown = await this.ledger.unknown([...asked.keys()]);
    if (unknown.length === 0) return;
    for (const key of unknown) this.wanted.set(key, asked.get(key)!);
    this.turn ??= this.exclusively(() => this.checkWanted());
    await this.turn;
    for (const key of unknown) if (this.ledger.errorOf(key)) throw this.ledger.errorOf(key)!;
  }

  private async checkWanted(): Promise<void> {
    const { ledger, wanted } = this;
    this.wanted = new Map();
    this.turn = undefined;
    // The turn before may have checked some.
    const keys = await ledger.unknown([...wanted.keys()]);
    if (keys.length === 0) return;
    const found = await this.check(keys.map((key) => wanted.get(key)!));
    for (const [i, key] of keys.entries()) if (found[i]) ledger.add(key, found[i]);
    const right = keys.filter((_, i) => !found[i]);
    if (right.length > 0) await ledger.pass(right);
  }

  /** The error of each wrong op. If they fail together, each is checked alone, so that a refused one does not spoil the others' check. */
  private async check(ops: readonly Op[]): Promise<(UnusableKernel | undefined)[]> {
    const { checkOps } = await loaded(import('./small'));
    try {
      return await checkOps(this.gpu, ops);
    } catch (error) {
      this.gpu.checkAlive();
      if (ops.length === 1) {
        if (error instanceof UnusableKernel) return [error];
        throw error;
      }
    }
    const found: (UnusableKernel | undefined)[] = [];
    for (const o of ops) found.push(...(await this.check([o])));
    return found;
  }
}

/**
 * Identifies a check: kernel and variant, the hashes of the shaders, and the options of the shape. Sizes above 1 do not matter, since every
 * check is small, except the kernel size. @internal
 */
export function fingerprint({ kernel, variant, origin: { shape, sliced, calls } }: Op): string {
  const matters = (name: string, value: unknown) => {
    if (name === 'kernelSize' || name === 'decay' || typeof value === 'object') return true;
    return typeof value === 'number' ? value <= 1 : value === true;
  };
  const options = JSON.stringify(shape, (name, value) => (matters(name, value) ? value : undefined));
  const shaders = [...new Set(calls.map(({ shader }) => shader.hash))];
  return hashOf(JSON.stringify([kernel, variant, shaders, options, sliced]));
}
