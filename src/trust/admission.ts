/** Decides whether kernels may be used on the adapter of an engine. */

import { loaded, once } from '../base/load';
import { adapterName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import type { Op, Trust } from '../plan/op';
import type { Shader } from '../plan/shader';
import type { Ledger } from './ledger';

/** Asks the ledger, else checks, and writes the ledger. Throws an `UnusableKernel`; `withVariants` then chooses again. */
export class Admission implements Trust {
  readonly checks: boolean;
  private readonly gpu: Gpu;
  readonly ledger: () => Promise<Ledger>;
  private readonly selfCheck = once(async () => {
    const { SelfCheck } = await loaded(import('./self_check'));
    return new SelfCheck(this.gpu, await this.ledger());
  });

  constructor(gpu: Gpu, ledger: () => Promise<Ledger>, checks: boolean) {
    this.gpu = gpu;
    this.ledger = ledger;
    this.checks = checks;
  }

  async admit(ops: readonly Op[], check = true): Promise<void> {
    const all = [
      Promise.all(ops.flatMap((o) => o.calls.map(({ shader }) => this.compiled(o, shader)))),
      check && this.checks && this.selfCheck().then((selfCheck) => selfCheck.run(ops)),
    ];
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
}
