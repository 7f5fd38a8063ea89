import { version } from '../../package.json';
import { hashText } from '../base/hash';
import { type AdapterDescription, describeAdapter } from '../gpu/adapter';
import { type OpenCache, openCache, type TuningCache } from './cache';

/** The kinds of results: the fastest variants, and the checks that have passed. */
type Kind = 'choice' | 'check';

/** Versions, as far as they are known. */
export interface Versions {
  /** The version of this library. */
  readonly library: string;
  /** The browser's user agent. */
  readonly userAgent?: string | undefined;
  /** The version of Dawn in Node. */
  readonly runtime?: string | undefined;
  /** As `createEngine` was given it. */
  readonly cacheKey?: string | undefined;
}

/** A device that was lost, and not destroyed by its owner. */
export interface DeviceLoss {
  /** ISO 8601. */
  readonly date: string;
  /** The browser's message. */
  readonly message: string;
}

/** Maximum number of lost devices in the report. */
const MOST_LOSSES = 10;

/** A GPU object, and the version of what made it, where `/node` did. */
export interface VersionedGpu extends GPU {
  runtimeVersion?: string;
}

export interface MemoryOptions {
  /** Default: the browser's, else one that lasts as long as this object. */
  readonly cache?: TuningCache | undefined;
  /** The caller's own version of what the results depend on. */
  readonly cacheKey?: string | undefined;
  /** Where the device came from. Default: navigator.gpu. */
  readonly gpu?: VersionedGpu | undefined;
}

/** The JSON in a text that another version may have stored; undefined if there is none. */
function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text!);
  } catch {
    return undefined;
  }
}

/**
 * The engine's results on an adapter, in this and earlier visits. They hold for the adapter with these limits and features, in this version
 * of the library and, where it is known, of the runtime, until they are forgotten. Keeps no device alive.
 */
export class AdapterMemory {
  private readonly adapter: AdapterDescription;
  /** The versions of everything that is not on the device. */
  readonly versions: Versions;
  private readonly conditions: string;
  private readonly cache: OpenCache;
  /** Resolves when all calls of `forget` have ended. */
  forgetting: Promise<void> = Promise.resolve();

  constructor(device: GPUDevice, { cache, cacheKey, gpu }: MemoryOptions = {}) {
    const { navigator } = globalThis as { navigator?: Navigator };
    const { runtimeVersion } = (gpu ?? navigator?.gpu ?? {}) as Partial<VersionedGpu>;
    // Its names are the prototype's.
    const limits: unknown[] = [];
    for (const name in device.limits) limits.push(name, device.limits[name as keyof GPUSupportedLimits]);
    this.adapter = describeAdapter(device.adapterInfo);
    const text = JSON.stringify([limits, [...device.features].sort()]);
    this.conditions = hashText(text);
    this.versions = { library: version, userAgent: navigator?.userAgent, runtime: runtimeVersion, cacheKey };
    this.cache = openCache(cache);
  }

  /** The value that `set` stored, and when, unless it was forgotten since, or stored by an earlier version. */
  async get(kind: Kind, key: string): Promise<{ value: string; date: number } | undefined> {
    const text = await this.cache.get(this.keyOf(kind, key));
    const { value, date } = (parsed(text) ?? {}) as { value?: unknown; date?: number };
    if (typeof value !== 'string' || !(date! > (await this.forgotten()))) return undefined;
    return { value, date: date! };
  }

  /** Stores a value, if the store works. */
  async set(kind: Kind, key: string, value: string, date?: number): Promise<void> {
    const text = JSON.stringify({ value, date: date ?? (await this.now()) });
    await this.cache.set(this.keyOf(kind, key), text);
  }

  /** Forgets what is remembered of this adapter by now, whatever its limits and the versions are. */
  forget(): Promise<void> {
    this.forgetting = this.forgetting.then(async () =>
      this.cache.set(this.key('forgotten'), `${await this.now()}`),
    );
    return this.forgetting;
  }

  /** The date of the last call of `forget`, in any visit: what is not younger does not count. */
  async forgotten(): Promise<number> {
    return Number(await this.cache.get(this.key('forgotten'))) || 0;
  }

  /** The time, later than the last call of `forget`. */
  private async now(): Promise<number> {
    return Math.max(Date.now(), (await this.forgotten()) + 1);
  }

  /** Forgets all, and remembers a lost device. */
  async lost(message: string): Promise<void> {
    await this.forget();
    const losses = [...(await this.losses()), { date: new Date().toISOString(), message }];
    await this.cache.set(this.key('losses'), JSON.stringify(losses.slice(-MOST_LOSSES)));
  }

  /** The last lost devices of this adapter, earlier visits included. */
  async losses(): Promise<readonly DeviceLoss[]> {
    const losses = parsed(await this.cache.get(this.key('losses')));
    return Array.isArray(losses) ? losses : [];
  }

  /** Lets the browser's database go; a later call opens it again. */
  close(): void {
    void this.cache.close();
  }

  /** A key for the adapter; `of`: what else the value depends on. */
  private key(kind: Kind | 'forgotten' | 'losses', ...of: unknown[]): string {
    return JSON.stringify([kind, this.adapter, ...of]);
  }

  private keyOf(kind: Kind, key: string): string {
    return this.key(kind, this.versions, this.conditions, key);
  }
}
