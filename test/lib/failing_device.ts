/**
 * A device of which any one call fails, in a way that WebGPU's specification has for it: a call throws, a promise is rejected, what is made is
 * invalid, which an error scope tells of, or memory does not suffice. Not watched are calls that cannot fail: `pushErrorScope`, `unmap`,
 * `destroy`.
 */

import { withoutStopwatch } from './gpu';

/** What fails: `refused` is an error of validation, which the device really makes; `lost`, a device that is destroyed, with that call under way. */
export type Failure = 'throws' | 'rejected' | 'refused' | 'memory' | 'lost';

type Method = (...args: unknown[]) => unknown;
type Watched = Record<string, Method>;

const MESSAGE = 'a planted failure';

/** Commands of an encoder or a pass: what is wrong with one is known when it ends. */
const COMMAND: readonly Failure[] = ['refused'];

/** How each call may fail. */
const FAILURES: Readonly<Record<string, readonly Failure[]>> = {
  createBuffer: ['throws', 'refused', 'memory'],
  createBindGroupLayout: ['refused'],
  createPipelineLayout: ['refused'],
  createShaderModule: ['refused'],
  createComputePipelineAsync: ['rejected'],
  createBindGroup: ['refused'],
  createCommandEncoder: [],
  popErrorScope: ['rejected'],
  writeBuffer: ['throws', 'refused', 'memory'],
  submit: ['refused', 'memory'],
  onSubmittedWorkDone: ['rejected'],
  mapAsync: ['rejected'],
  getMappedRange: ['throws'],
  beginComputePass: COMMAND,
  copyBufferToBuffer: COMMAND,
  clearBuffer: COMMAND,
  finish: COMMAND,
  setPipeline: COMMAND,
  setBindGroup: COMMAND,
  dispatchWorkgroups: COMMAND,
  end: COMMAND,
};

const DEVICE = Object.keys(FAILURES).filter((name) => /^create|^popErrorScope/.test(name));
const QUEUE = ['writeBuffer', 'submit', 'onSubmittedWorkDone'];
const BUFFER = ['mapAsync', 'getMappedRange'];
const ENCODER = ['beginComputePass', 'copyBufferToBuffer', 'clearBuffer', 'finish'];
const PASS = ['setPipeline', 'setBindGroup', 'dispatchWorkgroups', 'end'];

/** Which call is to fail, of those that have this name the how many'th, and how; or what is to happen at that call, which goes through. */
export interface Planned {
  readonly name: string;
  readonly nth: number;
  readonly failure: Failure | (() => void);
}

export class FailingDevice {
  readonly device: GPUDevice;
  /** Since `watch`. */
  calls: string[] = [];
  /** What no scope caught, and so reached the device's owner. */
  readonly uncaught: string[] = [];
  /** Buffers that were created and not destroyed. */
  readonly buffers = new Set<GPUBuffer>();
  private watching = false;
  private planned: Planned | undefined;
  /** The error scopes there are, the innermost last. */
  private readonly scopes: { readonly filter: GPUErrorFilter; failed: boolean }[] = [];

  constructor(device: GPUDevice) {
    this.device = device;
    withoutStopwatch(device);
    device.addEventListener('uncapturederror', (event) => this.uncaught.push(event.error.message));
    const { scopes } = this;
    const push = device.pushErrorScope.bind(device);
    device.pushErrorScope = (filter) => {
      scopes.push({ filter, failed: false });
      push(filter);
    };
    const pop = device.popErrorScope.bind(device);
    device.popErrorScope = async () => {
      const scope = scopes.pop();
      const error = await pop();
      return scope?.failed ? ({ message: MESSAGE } as GPUError) : error;
    };
    this.wrap(device, DEVICE);
    this.wrap(device.queue, QUEUE);
  }

  /** The labels of `buffers`, sorted. */
  get labels(): string[] {
    return [...this.buffers].map(({ label }) => label).sort();
  }

  /** Watches calls from here on, and lets the planned one fail. */
  watch(planned?: Planned): void {
    this.calls = [];
    this.uncaught.length = 0;
    this.watching = true;
    this.planned = planned;
  }

  /** Ends watching. Whether what was planned has happened. */
  unwatch(): boolean {
    this.watching = false;
    return this.planned === undefined;
  }

  /** Error scopes that were opened and not closed. */
  get openScopes(): number {
    return this.scopes.length;
  }

  private wrap(object: object, names: readonly string[]): void {
    const watched = object as Watched;
    for (const name of names) {
      const original = watched[name].bind(object);
      watched[name] = (...args) => {
        const failure = this.next(name);
        if (typeof failure === 'function') failure();
        const made =
          typeof failure === 'string' ? this.fail(failure, name, object, original, args) : original(...args);
        if (name === 'createCommandEncoder') this.wrap(made as object, ENCODER);
        if (name === 'beginComputePass') this.wrap(made as object, PASS);
        if (name === 'createBuffer') this.wrapBuffer(made as GPUBuffer);
        return made;
      };
    }
  }

  private wrapBuffer(buffer: GPUBuffer): void {
    this.wrap(buffer, BUFFER);
    this.buffers.add(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      this.buffers.delete(buffer);
      destroy();
    };
  }

  /** Notes a call; says how it is to fail. */
  private next(name: string): Planned['failure'] | undefined {
    if (!this.watching) return undefined;
    this.calls.push(name);
    const { planned } = this;
    if (planned?.name !== name || this.calls.filter((other) => other === name).length <= planned.nth)
      return undefined;
    this.planned = undefined;
    return planned.failure;
  }

  private fail(failure: Failure, name: string, object: object, original: Method, args: unknown[]): unknown {
    switch (failure) {
      case 'throws':
        throw new DOMException(MESSAGE, 'OperationError');
      case 'rejected':
        // What it would have done, it has done.
        return Promise.resolve(original(...args)).then(() => {
          throw new DOMException(MESSAGE, 'OperationError');
        });
      case 'lost': {
        const made = original(...args);
        this.device.destroy();
        return made;
      }
      case 'memory': {
        const scope = this.scopes.findLast(({ filter }) => filter === 'out-of-memory');
        if (scope) scope.failed = true;
        else this.uncaught.push(`${name}: ${MESSAGE}`);
        return name === 'createBuffer' ? original(...args) : undefined;
      }
      case 'refused':
        return this.refuse(name, object, original, args);
    }
  }

  /** Has the device itself find something wrong. */
  private refuse(name: string, object: object, original: Method, args: unknown[]): unknown {
    const given = args[0] as Record<string, unknown>;
    switch (name) {
      case 'createBuffer':
        return original({ ...given, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
      case 'createShaderModule':
        return original({ ...given, code: MESSAGE });
      case 'createBindGroupLayout':
        return original({
          ...given,
          entries: [...(given.entries as object[]), ...(given.entries as object[])],
        });
      case 'createPipelineLayout':
        return original({
          ...given,
          bindGroupLayouts: Array(99).fill((given.bindGroupLayouts as object[])[0]),
        });
      case 'createBindGroup':
        return original({ ...given, entries: [] });
      case 'writeBuffer': {
        const gone = this.device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_DST });
        gone.destroy();
        return original(gone, 0, new Uint32Array(1));
      }
      case 'submit': {
        const encoder = this.device.createCommandEncoder();
        encoder.pushDebugGroup(MESSAGE); // never popped
        return original([encoder.finish()]);
      }
      default: {
        // An encoder or a pass closes a group that is not open, which the encoder's or pass's end finds wrong.
        (object as GPUCommandEncoder).popDebugGroup();
        return original(...args);
      }
    }
  }
}

/** All ways in which these calls may fail. */
export function failuresOf(calls: readonly string[]): Planned[] {
  const counts = new Map<string, number>();
  return calls.flatMap((name) => {
    const nth = counts.get(name) ?? 0;
    counts.set(name, nth + 1);
    return FAILURES[name].map((failure) => ({ name, nth, failure }));
  });
}

/** A loss of the device during each of these calls. */
export const lossesOf = (calls: readonly string[]): Planned[] =>
  calls.map((name, i) => ({
    name,
    nth: calls.slice(0, i).filter((other) => other === name).length,
    failure: 'lost',
  }));
