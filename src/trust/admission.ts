/** The gate: may kernels be used on the adapter of an engine? */

import { hashText } from '../base/hash';
import { loaded } from '../base/load';
import { createMutex } from '../base/mutex';
import { adapterName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import type { Op, Trust } from '../plan/op';
import type { Shader } from '../plan/shader';
import type { Ledger } from './ledger';

/** Asks the ledger, else checks, and writes the ledger. Throws an `UnusableKernel`; `withVariants` then chooses again. */
export class Admission implements Trust {
  readonly checks: boolean;
  readonly ledger: () => Promise<Ledger>;
  private readonly gpu: Gpu;
  /** What the next turn checks, by fingerprint. */
  private wanted = new Map<string, Op>();
  private turn: Promise<void> | undefined;
  private readonly exclusively = createMutex();

  constructor(gpu: Gpu, ledger: () => Promise<Ledger>, checks: boolean) {
    this.gpu = gpu;
    this.ledger = ledger;
    this.checks = checks;
  }

  async admit(ops: readonly Op[], check = true): Promise<void> {
    const compiled = ops.flatMap((o) => o.calls.map(({ shader }) => this.compiled(o, shader)));
    const all = [Promise.all(compiled), check && this.checks && this.checked(ops)];
    // After a failure the check must not go on by itself: it has buffers.
    await Promise.allSettled(all);
    await Promise.all(all);
  }

  /** Resolves once a shader of an op is compiled. On a GPU, a kernel with other forms does not wait for it beyond the deadline. */
  private async compiled(o: Op, shader: Shader): Promise<void> {
    const { gpu } = this;
    const compilation = gpu.compiler.pipeline(shader);
    const late = async () => {
      await compilation.late;
      if (compilation.ended) return compilation.compiled;
      const { waitFor } = await loaded(import('./late'));
      return waitFor({ gpu, op: o, shader, compilation });
    };
    try {
      await Promise.race([compilation.compiled, late()]);
    } catch (cause) {
      const { unusable } = await loaded(import('./faults'));
      throw unusable(o, adapterName(gpu.adapter), cause);
    }
  }

  /** Rejects if one of `ops` computes wrong results, or is refused. Concurrent requests are checked together. */
  private async checked(ops: readonly Op[]): Promise<void> {
    const ledger = await this.ledger();
    const asked = new Map(ops.map((o) => [fingerprint(o), o]));
    const unknown = await ledger.unknown([...asked.keys()]);
    if (unknown.length === 0) return;
    for (const key of unknown) this.wanted.set(key, asked.get(key)!);
    this.turn ??= this.exclusively(() => this.checkWanted(ledger));
    await this.turn;
    for (const key of unknown) if (ledger.errorOf(key)) throw ledger.errorOf(key)!;
  }

  private async checkWanted(ledger: Ledger): Promise<void> {
    const { gpu, wanted } = this;
    this.wanted = new Map();
    this.turn = undefined;
    // The turn before may have checked some.
    const keys = await ledger.unknown([...wanted.keys()]);
    if (keys.length === 0) return;
    const { checkOps } = await loaded(import('./small'));
    const unknown = keys.map((key) => wanted.get(key)!);
    const errors = await checkOps(gpu, unknown);
    for (const [i, key] of keys.entries()) if (errors[i]) ledger.add(key, errors[i]);
    const right = keys.filter((_, i) => !errors[i]);
    if (right.length > 0) await ledger.pass(right);
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
  return hashText(JSON.stringify([kernel, variant, shaders, options, sliced]));
}
