/**
 * Checks every kernel of a network before its first use, unless it is remembered as right; old results are checked again after the first
 * step. The checking code is loaded only if there is something to check.
 */

import { hashOf } from '../base/hash';
import { loaded, once } from '../base/load';
import { createMutex } from '../base/mutex';
import { adapterName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { UnusableKernel } from '../gpu/unusable_kernel';
import { type Checked, type Op, op } from '../plan/op';
import { isFused } from '../unet/variants';
import type { AdapterMemory } from './memory';

/** Most fingerprints to remember. Older ones belong to shaders that have changed since; the cache must not grow forever. */
const MOST_REMEMBERED = 1000;

export class SelfCheck {
  private readonly gpu: Gpu;
  private readonly memory: () => Promise<AdapterMemory>;
  private readonly recall = once(() => this.recallPassed());
  /** Fingerprints of checks that passed. */
  readonly passed = new Set<string>();
  /** The date of the oldest of these checks. */
  since = Date.now();
  readonly unusable = new Map<string, UnusableKernel>();
  /** What checks all ops that were given to `verify`, by fingerprint. */
  private readonly used = new Map<string, Checked>();
  /** What to check next, by fingerprint. */
  private readonly wanted = new Map<string, Checked>();
  /** Whether it checks kernels that are in use already. */
  private checksAgain = false;
  private readonly exclusively = createMutex();

  constructor(gpu: Gpu, memory: () => Promise<AdapterMemory>) {
    this.gpu = gpu;
    this.memory = memory;
  }

  /** Rejects with an `UnusableKernel` if one of `ops` computes wrong results, or is refused. Concurrent requests are checked together. */
  async verify(ops: readonly Op[]): Promise<void> {
    await this.recall();
    const asked = new Map(ops.map((o) => [fingerprint(o), checkedOf(o)]));
    for (const [key, o] of asked) {
      this.used.set(key, o);
      if (!this.passed.has(key)) this.wanted.set(key, o);
    }
    await this.checked([...asked.keys()]);
  }

  /** Checks all ops of `verify` again, and forgets all other results. Rejects as `verify` does. */
  private async again(): Promise<void> {
    const { gpu, used, wanted, passed } = this;
    gpu.verifyAgain = undefined;
    for (const [key, o] of used) wanted.set(key, o);
    for (const key of passed) if (!used.has(key)) passed.delete(key);
    this.since = Date.now();
    this.checksAgain = true;
    await this.checked([...used.keys()]).finally(() => {
      this.checksAgain = false;
    });
  }

  /** Forgets the passed checks. */
  forget(): void {
    this.gpu.verifyAgain = undefined;
    this.passed.clear();
    this.since = Date.now();
  }

  /** Resolves when all of `asked` are checked, and right. */
  private async checked(asked: readonly string[]): Promise<void> {
    if (!asked.some((key) => this.wanted.has(key))) return;
    await this.exclusively(() => this.checkWanted());
    for (const key of asked) if (this.unusable.has(key)) throw this.unusable.get(key)!;
  }

  private async checkWanted(): Promise<void> {
    const { wanted, passed } = this;
    if (wanted.size === 0) return;
    const checked = [...wanted];
    const found = await this.check(checked.map(([, o]) => o));
    for (const [i, [key]] of checked.entries()) {
      const unusable = found[i];
      if (unusable) {
        this.unusable.set(key, unusable);
        passed.delete(key);
      } else {
        this.unusable.delete(key);
        passed.add(key);
      }
      wanted.delete(key);
    }
    if (found.includes(undefined)) await this.remember();
  }

  /** The error of each wrong op. If they fail together, each is checked alone, so that a refused one does not spoil the others' check. */
  private async check(ops: readonly Checked[]): Promise<(UnusableKernel | undefined)[]> {
    const { gpu } = this;
    const { checkOps } = await loaded(import('./small'));
    const tools = { label: 'self-check', gpu, op, Program, Staging, createTensorBuffers };
    const hasPlain = (kernel: string) => !isFused(kernel);
    try {
      const findings = await checkOps(ops, tools, adapterName(gpu.adapter), hasPlain);
      return findings.map((finding, i) => {
        const hasForms = Object.keys(ops[i].origin.kernel.variants).length > 1;
        return (
          finding && new UnusableKernel('wrong-kernel', finding, { wasUsed: this.checksAgain && hasForms })
        );
      });
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

  private async recallPassed(): Promise<void> {
    const known = await (await this.memory()).get('check', '');
    if (!known) return;
    for (const fingerprint of known.value.split(' ')) this.passed.add(fingerprint);
    this.since = known.date;
    if (known.isOld) this.gpu.verifyAgain = () => this.again();
  }

  private async remember(): Promise<void> {
    const newest = [...this.passed].slice(-MOST_REMEMBERED);
    await (await this.memory()).set('check', '', newest.join(' '), this.since);
  }
}

const checkedOf = ({ kernel, variant, origin }: Op): Checked => {
  const { kernel: of, shape, sliced } = origin;
  return { kernel, variant, origin: { kernel: of, shape, sliced } };
};

/**
 * Identifies a check: kernel and variant, the hashes of the shaders, and the options of the shape. Sizes above 1 do not matter, since every
 * check is small, except the kernel size.
 */
/** @internal */
export function fingerprint({ kernel, variant, origin: { shape, sliced, calls } }: Op): string {
  const matters = (name: string, value: unknown) => {
    if (name === 'kernelSize' || name === 'decay' || typeof value === 'object') return true;
    return typeof value === 'number' ? value <= 1 : value === true;
  };
  const options = JSON.stringify(shape, (name, value) => (matters(name, value) ? value : undefined));
  const shaders = [...new Set(calls.map(({ shader }) => shader.hash))];
  return hashOf(JSON.stringify([kernel, variant, shaders, options, sliced]));
}
