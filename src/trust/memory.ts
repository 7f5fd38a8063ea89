import { version } from '../../package.json';
import { hashOf } from '../base/hash';
import { type AdapterDescription, describeAdapter } from '../gpu/adapter';
import { openCache, readCache, type TuningCache, writeCache } from './cache';

/** The kinds of results: the fastest variants, the kernels that were right on small cases, the networks that were right at their real size. */
export type Kind = 'choice' | 'check' | 'comparison';

interface Remembered {
  readonly value: string;
  /** The date of the result, in milliseconds since 1970. */
  readonly date: number;
  /** Whether the result is too old to be trusted: a driver's update changes no part of the key. */
  readonly isOld: boolean;
}

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
  /** The variants that were compiled or measured then. Until seven days later none of them is chosen on a GPU where there is another. */
  readonly underWay?: readonly string[];
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
  /** Remembers only choices: everything is checked anew. */
  readonly alwaysChecks?: boolean;
}

/** Most noted keys. Older ones belong to shaders that have changed since; the cache must not grow forever. */
const MOST_NOTED = 1000;

const TRUSTED_MS = 7 * 24 * 3600 * 1000;

/** Whether `date` lies in the last seven days, or, by a clock that went wrong, in the next seven. */
const isRecent = (date: number) => Math.abs(Date.now() - date) <= TRUSTED_MS;

/**
 * The engine's results on an adapter, in this and earlier visits. They hold for the adapter with these limits and features, in this version
 * of the library and, where it is known, of the runtime, until they are forgotten. Keeps no device alive.
 */
export class AdapterMemory {
  private readonly adapter: AdapterDescription;
  /** The versions of everything that is not on the device. */
  readonly versions: Versions;
  private readonly conditions: string;
  private readonly given: TuningCache | undefined;
  private readonly alwaysChecks: boolean;
  private opened: ReturnType<typeof openCache> | undefined;
  /** Resolves when all calls of `forget` have ended. */
  forgetting: Promise<void> = Promise.resolve();

  constructor(device: GPUDevice, { cache, cacheKey, gpu, alwaysChecks = false }: MemoryOptions = {}) {
    const { navigator } = globalThis as { navigator?: Navigator };
    const { runtimeVersion } = (gpu ?? navigator?.gpu ?? {}) as Partial<VersionedGpu>;
    // Its names are the prototype's.
    const limits: unknown[] = [];
    for (const name in device.limits) limits.push(name, device.limits[name as keyof GPUSupportedLimits]);
    this.adapter = describeAdapter(device.adapterInfo);
    const text = JSON.stringify([limits, [...device.features].sort()]);
    this.conditions = hashOf(text);
    this.versions = { library: version, userAgent: navigator?.userAgent, runtime: runtimeVersion, cacheKey };
    this.given = cache;
    this.alwaysChecks = alwaysChecks;
  }

  /** The value that `set` stored, unless it was forgotten, or stored by an earlier version. */
  async get(kind: Kind, key: string): Promise<Remembered | undefined> {
    if (this.alwaysChecks && kind !== 'choice') return undefined;
    const text = await readCache(await this.cache, await this.keyOf(kind, key));
    try {
      const { value, date } = JSON.parse(text!);
      if (typeof value !== 'string' || typeof date !== 'number') return undefined;
      return { value, date, isOld: !isRecent(date) };
    } catch {
      return undefined;
    }
  }

  /** Stores a value, if the store works. */
  async set(kind: Kind, key: string, value: string, date = Date.now()): Promise<void> {
    const text = JSON.stringify({ value, date });
    await writeCache(await this.cache, await this.keyOf(kind, key), text);
  }

  /** The keys that `note` has not noted in the last seven days. */
  async notNoted(kind: Kind, keys: readonly string[]): Promise<string[]> {
    const { value = '', isOld = true } = (await this.get(kind, '')) ?? {};
    const noted = new Set(isOld ? [] : value.split(' '));
    return keys.filter((key) => !noted.has(hashOf(key)));
  }

  /** Notes keys: their hashes, all in one entry, which is as old as the first of them. */
  async note(kind: Kind, keys: readonly string[]): Promise<void> {
    const noted = await this.get(kind, '');
    const { value = '', date } = noted?.isOld ? {} : (noted ?? {});
    const all = new Set([...value.split(' '), ...keys.map(hashOf)]);
    await this.set(kind, '', [...all].slice(-MOST_NOTED).join(' ').trim(), date);
  }

  /** Forgets what is remembered of this adapter, whatever its limits and the versions are. */
  forget(kinds: readonly Kind[] = ['choice', 'check', 'comparison']): Promise<void> {
    this.forgetting = this.forgetting.then(async () => {
      for (const kind of kinds) {
        const next = (await this.generation(kind)) + 1;
        await writeCache(await this.cache, this.generationKey(kind), `${next}`);
      }
    });
    return this.forgetting;
  }

  /** Forgets all, and remembers a lost device with the variants that were under way. */
  async lost(message: string, underWay: readonly string[]): Promise<void> {
    await this.forget();
    const loss: DeviceLoss = { date: new Date().toISOString(), message, underWay };
    await this.setLosses([...(await this.losses()), loss].slice(-MOST_LOSSES));
  }

  /** The dates of the last loss of a device while a variant was under way, by variant, in the last seven days. */
  async suspects(): Promise<ReadonlyMap<string, string>> {
    const recent = (await this.losses()).filter(({ date }) => isRecent(Date.parse(date)));
    return new Map(recent.flatMap(({ date, underWay = [] }) => underWay.map((name) => [name, date])));
  }

  /** Clears the list of suspects. */
  async acquit(): Promise<void> {
    await this.setLosses((await this.losses()).map(({ date, message }) => ({ date, message })));
  }

  /** The last lost devices of this adapter, earlier visits included. */
  async losses(): Promise<readonly DeviceLoss[]> {
    try {
      const losses = JSON.parse((await readCache(await this.cache, this.lossesKey))!);
      return Array.isArray(losses) ? losses : [];
    } catch {
      return [];
    }
  }

  private async setLosses(losses: readonly DeviceLoss[]): Promise<void> {
    await writeCache(await this.cache, this.lossesKey, JSON.stringify(losses));
  }

  /** Lets the browser's database go; a later call opens it again. */
  async close(): Promise<void> {
    const cache = await this.opened;
    if (cache && cache !== this.given && 'close' in cache) cache.close();
  }

  private get lossesKey(): string {
    return JSON.stringify(['losses', this.adapter]);
  }

  private get cache(): Promise<TuningCache> {
    this.opened ??= openCache(this.given);
    return this.opened;
  }

  /** The number of `forget` calls. A part of every key: a store can be read and written, but not searched. */
  private async generation(kind: Kind): Promise<number> {
    return Number(await readCache(await this.cache, this.generationKey(kind))) || 0;
  }

  private generationKey(kind: Kind): string {
    return JSON.stringify(['generation', kind, this.adapter]);
  }

  private async keyOf(kind: Kind, key: string): Promise<string> {
    const { adapter, versions, conditions } = this;
    return JSON.stringify([kind, adapter, versions, conditions, await this.generation(kind), key]);
  }
}
